"""A tiny model of InstructBLIP's architecture, with processor and vocabulary, saved as the real one is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from schemas.answers import QUESTIONS

QUERIES, SIDE = 4, 28
WORDS = sorted({word for one in QUESTIONS for word in one.split()} | {
    "Question", ":", "?", "Short", "answer", "red", "blue", "green", "white", "dress", "skirt", "hat", "none", "coat"})


def _tokenizer(kind: str) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    special = ["<unk>", "<s>", "</s>", "<pad>"]
    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate([*special, *WORDS])}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        padding_side=kind)


def instructblip(folder: Path) -> Path:
    """Two layers of sixteen in each of the three parts; weights wide enough that pictures get different answers."""
    from transformers import (
        BlipImageProcessor,
        InstructBlipConfig,
        InstructBlipForConditionalGeneration,
        InstructBlipProcessor,
        LlamaConfig,
    )

    words = _tokenizer("left")
    processor = InstructBlipProcessor(
        BlipImageProcessor(size={"height": SIDE, "width": SIDE}), words, _tokenizer("right"), num_query_tokens=QUERIES)
    size = len(words)
    config = InstructBlipConfig(
        vision_config={"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                       "image_size": SIDE, "patch_size": 14},
        qformer_config={"vocab_size": size, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
                        "num_attention_heads": 2, "encoder_hidden_size": 16},
        text_config=LlamaConfig(vocab_size=size, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                                num_attention_heads=2, num_key_value_heads=2, bos_token_id=1, eos_token_id=2,
                                pad_token_id=3).to_dict(),
        num_query_tokens=QUERIES, image_token_index=words.convert_tokens_to_ids("<image>"))
    torch.manual_seed(3)
    model = InstructBlipForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 or "query_tokens" in name:
                weight.normal_(0, 0.6)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
