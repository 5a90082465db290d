"""Embeddings: what a picture shows as a vector of unit length, so that an inner product is a cosine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from annotators.base import Annotator
from annotators.light_embeddings import LightEmbeddings
from annotators.model_embeddings import ModelEmbeddings
from annotators.weights import LIGHT


@runtime_checkable
class Embeddings(Annotator, Protocol):
    """An annotator of one column, whose name it has: `width` float32 numbers of unit length for each picture."""

    width: int
    reads_text: bool

    def texts(self, said: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embeddings of texts, N x width, of unit length, to compare with those of pictures. Raises UsageError when
        `reads_text` is False."""
        ...


def open_embeddings(wanted: str, column: str = "embedding", flag: str = "--embeddings") -> Embeddings:
    """Embeddings in the column `column`: "light" are ours; anything else names a model as `ModelEmbeddings` has it.
    `flag` is the option that errors name. Raises UsageError as it does."""
    return LightEmbeddings(column) if wanted == LIGHT else ModelEmbeddings(wanted, column, flag)
