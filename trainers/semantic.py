"""ClassDiffusion's semantic preservation loss: a concept's phrase stays near its class in the text encoder's eyes.

Huang et al., "ClassDiffusion: More Aligned Personalization Tuning with Explicit Class Guidance". Where the token's row
is all of the text encoder that trains, it alone gets a gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from trainers.bases import Base

PHRASE = "a photo of a {}"
"""The paper's sentence about a concept."""


def semantic_loss(base: Base, concepts: Sequence[tuple[str, str]], released: bool = False) -> Tensor:
    """Mean of 1 - cos(e("a photo of a TOKEN CLASS"), e("a photo of a CLASS")) over (token, class words) and, for SDXL,
    over both text encoders. A scalar, 0..2.

    e is the text encoder's output at the end of the text, after the final norm, without a projection.

    With `released`, e is what the published code computes with SD 1.5. There a new token enters the encoder as its bare
    row, without its position; and since the encoder's config names the end of text wrongly, the output is read at the
    highest id, which in the phrase of a concept is the new token itself: what follows it has no say.
    """
    near = cosines(base, [f"{token} {noun}" for token, noun in concepts], [noun for _, noun in concepts],
                   [token for token, _ in concepts] if released else [])
    return (1 - near).mean(1).mean()


def cosines(base: Base, phrases: Sequence[str], nouns: Sequence[str], released: Sequence[str] = ()) -> Tensor:
    """cos(e("a photo of a PHRASE"), e("a photo of a NOUN")) of each pair, -1..1: text encoders x pairs. e is read as
    the published code does for the new tokens that are `released`."""
    texts, measured = [PHRASE.format(words) for words in (*phrases, *nouns)], []
    for tokenizer, encoder in zip(base.tokenizers, base.text_encoders, strict=True):
        new = tokenizer.convert_tokens_to_ids(list(released))
        told = tokenizer(texts, padding="longest", return_tensors="pt").input_ids.to(encoder.device)
        with _bare(encoder, new) if released else nullcontext():
            states = encoder(told).last_hidden_state
        read = told.argmax(-1) if released else (told == tokenizer.eos_token_id).int().argmax(-1)
        meant = states[torch.arange(len(texts), device=states.device), read].float()
        measured.append(cosine_similarity(*meant.chunk(2)))
    return torch.stack(measured)


@contextmanager
def _bare(encoder: nn.Module, new: Sequence[int]) -> Iterator[None]:
    """Inside, these tokens enter the encoder without their position."""
    def without_position(module: Any, _: object, given: dict[str, Any], states: Tensor) -> Tensor:
        told = given["input_ids"]
        is_new = torch.isin(told, torch.tensor(new, device=told.device))
        return torch.where(is_new[..., None], module.token_embedding(told), states)

    text_model: Any = getattr(encoder, "text_model", encoder)
    hook = text_model.embeddings.register_forward_hook(without_position, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()
