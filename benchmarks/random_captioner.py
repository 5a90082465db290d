"""BLIP for captions and for retrieval, of a tiny size and with random weights, saved as the real ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIDE = 32
"""Of the pictures that it sees, pixels."""
WORDS = ("a", "an", "backpack", "red", "toy", "t", "-", "shirt", "can", "##dle", "apple", "on", "rock", "table", "in",
         "snow", "with", "the", "2d", "cartoon", "devil")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[DEC]")


def save(folder: Path) -> Path:
    """Draws the weights with a fixed seed, wide enough for answers to differ; saves model, processor, vocabulary."""
    return _save("BlipForConditionalGeneration", folder)


def save_retrieval(folder: Path) -> Path:
    """The same of a BLIP that compares pictures and texts."""
    return _save("BlipForImageTextRetrieval", folder)


def _save(kind: str, folder: Path) -> Path:
    import torch
    import transformers
    from transformers import BlipConfig, BlipImageProcessor, BlipProcessor

    words = _tokenizer()
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(5)
    model = getattr(transformers, kind)(BlipConfig(
        vision_config=size | {"image_size": SIDE, "patch_size": 8},
        text_config=size | {"vocab_size": len(words), "encoder_hidden_size": 16, "max_position_embeddings": 64,
                            "pad_token_id": 0, "sep_token_id": 3, "eos_token_id": 3, "bos_token_id": 4},
        projection_dim=16, image_text_hidden_size=10)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.7)
    model.save_pretrained(folder)
    BlipProcessor(BlipImageProcessor(size={"height": SIDE, "width": SIDE}), words).save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    import transformers
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.WordPiece({word: at for at, word in enumerate([*_SPECIAL, *WORDS])}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]",
                                                        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    made.decoder = decoders.WordPiece(cleanup=False)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        bos_token="[DEC]")
