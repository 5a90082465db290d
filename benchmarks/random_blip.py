"""InstructBLIP of any size with random weights, saved as the real one is: for tests, and to measure speed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from schemas.answers import QUESTIONS

WORDS = sorted({word for one in QUESTIONS for word in one.split()} | {
    "Question", ":", "?", "Short", "answer", "red", "blue", "green", "white", "dress", "skirt", "hat", "none", "coat"})


class Part(NamedTuple):
    """One transformer: width, width of its inner layer, layers, heads."""

    hidden: int
    inner: int
    layers: int
    heads: int

    def config(self) -> dict[str, int]:
        """As transformers names them."""
        return {"hidden_size": self.hidden, "intermediate_size": self.inner, "num_hidden_layers": self.layers,
                "num_attention_heads": self.heads}


class Size(NamedTuple):
    """The three parts, the picture's side in pixels, query tokens, words that are known, spread of the weights."""

    vision: Part
    qformer: Part
    text: Part
    side: int
    queries: int
    vocabulary: int
    spread: float


TINY = Size(Part(16, 32, 2, 2), Part(16, 32, 2, 2), Part(16, 32, 2, 2), 28, 4, 0, 0.6)
FULL = Size(Part(1408, 6144, 39, 16), Part(768, 3072, 12, 12), Part(4096, 11008, 32, 32), 224, 32, 32_001, 0.02)
"""`Salesforce/instructblip-vicuna-7b`."""


def model(size: Size, image_token: int) -> Any:
    """The model with weights as transformers draws them, on torch's default device and in its default type."""
    from transformers import InstructBlipConfig, InstructBlipForConditionalGeneration, LlamaConfig

    return InstructBlipForConditionalGeneration(InstructBlipConfig(
        vision_config=size.vision.config() | {"image_size": size.side, "patch_size": 14},
        qformer_config=size.qformer.config() | {"vocab_size": size.vocabulary,
                                                "encoder_hidden_size": size.vision.hidden},
        text_config=LlamaConfig(vocab_size=size.vocabulary, num_key_value_heads=size.text.heads, bos_token_id=1,
                                eos_token_id=2, pad_token_id=3, **size.text.config()).to_dict(),
        num_query_tokens=size.queries, image_token_index=image_token)).eval()


def save(folder: Path, size: Size = TINY, device: str = "cpu", half: bool = False) -> Path:
    """Draws the weights on `device`, with a fixed seed, in bfloat16 if `half`; saves model, processor, vocabulary."""
    import torch
    from transformers import BlipImageProcessor, InstructBlipProcessor

    words = _tokenizer("left")
    shape = {"height": size.side, "width": size.side}
    processor = InstructBlipProcessor(BlipImageProcessor(size=shape), words, _tokenizer("right"),
                                      num_query_tokens=size.queries)
    torch.manual_seed(3)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if half else usual)
    try:
        with torch.device(device):
            made = model(size._replace(vocabulary=max(len(words), size.vocabulary)),
                         words.convert_tokens_to_ids("<image>"))
    finally:
        torch.set_default_dtype(usual)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if weight.ndim > 1 or "query_tokens" in name:
                weight.normal_(0, size.spread)
    made.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _tokenizer(side: str) -> Any:
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    special = ["<unk>", "<s>", "</s>", "<pad>"]
    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate([*special, *WORDS])}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        padding_side=side)
