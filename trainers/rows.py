"""Rows of the text encoders' embeddings that train while all others stay as they are, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainers.bases import Base

RARE = ("olis", "sks", "ohwx", "ktn", "pll", "ucd")
"""Words that mean next to nothing to CLIP and are one token of it each."""


class TrainedRows(nn.Module):
    """Stands for an embedding table: some of its rows, `rows` (k x width, float32), are a parameter, the rest is
    frozen."""

    def __init__(self, table: nn.Embedding, ids: Sequence[int]) -> None:
        super().__init__()
        self.table = table.requires_grad_(False)
        device = table.weight.device
        self.rows = nn.Parameter(table.weight[list(ids)].detach().float().clone())
        place = torch.full((table.num_embeddings,), -1, device=device)
        place[list(ids)] = torch.arange(len(ids), device=device)
        self.register_buffer("ids", torch.tensor(list(ids), device=device), persistent=False)
        self.register_buffer("place", place, persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors of tokens, B x tokens x width, in the table's precision."""
        found = self.table(ids)
        place = self.place[ids]
        return torch.where((place >= 0).unsqueeze(-1), self.rows[place.clamp(min=0)].to(found.dtype), found)

    @property
    def weight(self) -> Tensor:
        """The whole table, for whoever asks an embedding for it; gradients reach `rows`."""
        return self.table.weight.index_copy(0, self.ids, self.rows.to(self.table.weight.dtype))

    @property
    def num_embeddings(self) -> int:
        return self.table.num_embeddings

    @property
    def embedding_dim(self) -> int:
        return self.table.embedding_dim

    def settled(self) -> nn.Embedding:
        """A plain table with the rows in their places, for saving."""
        return nn.Embedding.from_pretrained(self.weight.detach())


class Token(NamedTuple):
    """A new word: its vectors' names, and for each tokenizer their ids."""

    names: list[str]
    ids: list[list[int]]


def add_tokens(base: Base, token: str, vectors: int = 1, initial: str | Sequence[Tensor] | None = None,
               seed: int = 0) -> Token:
    """Gives every tokenizer and encoder a new word of some vectors, named as diffusers names them: `<it>`, `<it>_1` and
    so on. Captions write `<it>`; the pipelines put in the others.

    `initial` is what the vectors begin as: words, whose tokens are spread over the vectors in order; a tensor `vectors`
    x width for each encoder; or None, numbers drawn from `seed` with the table's mean and deviation.
    Raises UsageError for a name that is a word already or that no pipeline would find.
    """
    names = [token, *(f"{token}_{at}" for at in range(1, vectors))]
    _check(base, token, names)
    begun = [_begin(base, at, vectors, initial, seed) for at in range(len(base.tokenizers))]
    ids = []
    for tokenizer, encoder, rows in zip(base.tokenizers, base.text_encoders, begun, strict=True):
        tokenizer.add_tokens(names)
        size = max(len(tokenizer), encoder.get_input_embeddings().num_embeddings)
        encoder.resize_token_embeddings(size, mean_resizing=False).requires_grad_(False)
        ids.append(tokenizer.convert_tokens_to_ids(names))
        table = encoder.get_input_embeddings().weight
        table.data[ids[-1]] = rows.to(table)
    return Token(names, ids)


def train_rows(base: Base, ids: Sequence[Sequence[int]]) -> list[TrainedRows]:
    """Makes rows of every encoder's table train; `ids` has a list for each encoder. Once a base, when all new words are
    there."""
    made = [TrainedRows(encoder.get_input_embeddings(), its)
            for encoder, its in zip(base.text_encoders, ids, strict=True)]
    for encoder, rows in zip(base.text_encoders, made, strict=True):
        encoder.set_input_embeddings(rows)
    return made


@contextmanager
def settled(base: Base) -> Iterator[None]:
    """While a pipeline is saved: plain tables in place of those with trained rows."""
    tables = [encoder.get_input_embeddings() for encoder in base.text_encoders]
    for encoder, table in zip(base.text_encoders, tables, strict=True):
        encoder.set_input_embeddings(table.settled() if isinstance(table, TrainedRows) else table)
    try:
        yield
    finally:
        for encoder, table in zip(base.text_encoders, tables, strict=True):
            encoder.set_input_embeddings(table)


def one_token(base: Base, word: str, flag: str = "--token") -> list[int]:
    """The word's id for each tokenizer. Raises UsageError when one of them splits it."""
    pieces = [tokenizer.tokenize(word) for tokenizer in base.tokenizers]
    split = next((its for its in pieces if len(its) != 1), None)
    if split is not None:
        whole = [one for one in RARE if all(len(tokenizer.tokenize(one)) == 1 for tokenizer in base.tokenizers)]
        told = " + ".join(piece.removesuffix("</w>") for piece in split) or "nothing"
        raise UsageError(f"not one token of the base's tokenizer but {told}", seen=word,
                         allowed="a word that is one token" + f", such as {', '.join(whole)}" * bool(whole),
                         next_command=f"{flag} {whole[0]}" if whole else "")
    return [tokenizer.convert_tokens_to_ids(its[0]) for tokenizer, its in zip(base.tokenizers, pieces, strict=True)]


def _check(base: Base, token: str, names: Sequence[str]) -> None:
    if not token or token != "".join(token.lower().split()):
        raise UsageError("no name of a new token", seen=token, allowed="small letters and marks without spaces, "
                         "as tokenizers make letters small", next_command="--token '<it>'")
    for tokenizer in base.tokenizers:
        known = tokenizer.get_vocab()
        if any(name in known or f"{name}</w>" in known for name in [*names, f"{token}_1"]):
            raise UsageError("the token is already a word of the base's tokenizer", seen=token,
                             allowed="a new one", next_command=f"--token '<{token.strip('<>')}-1>'")


def _begin(base: Base, at: int, vectors: int, initial: str | Sequence[Tensor] | None, seed: int) -> Tensor:
    """What the vectors of encoder `at` begin as, `vectors` x width."""
    table = base.text_encoders[at].get_input_embeddings().weight.detach()
    if isinstance(initial, str):
        tokens = base.tokenizers[at](initial, add_special_tokens=False).input_ids
        if not tokens:
            raise UsageError("no words to begin a token with", seen=initial, next_command="--initial object")
        return table[[tokens[place * len(tokens) // vectors] for place in range(vectors)]]
    if initial is not None:
        return initial[at]
    drawn = torch.randn(vectors, table.shape[1], generator=torch.Generator().manual_seed(seed))
    return drawn.to(table) * table.std() + table.mean(dim=0)
