"""Embeddings of ours: which colours a picture has, and where edges of which direction lie in it.

Nothing is downloaded and nothing is learnt: neighbours look alike (palette, layout, texture), which is less than to
show the same thing. Histograms are compared as Bhattacharyya does, by the inner product of their square roots, each
taken less its mean, so that pictures without anything in common lie at about 0 and not at one half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from annotators.base import Batch, Picture, identity
from schemas.errors import UsageError

SIDE = 64
"""Pictures are squeezed to this square, pixels: grain and the way they were scaled are gone."""
COLOURS = (4, 5, 5)
"""Bins of Y, Cb and Cr."""
CHROMA = 64.0
"""Cb and Cr at this distance from grey, of 128, fall into the outermost bins: few pictures hold stronger colours."""
CELLS, DIRECTIONS = 4, 8
"""Edges are counted in CELLS x CELLS overlapping cells, by direction without its sign."""
EDGES = 2.0
"""Weight of edges against colours, of which unlike pictures share more."""
FAINT = 2.0
"""Mean edge, levels a pixel, at which a picture counts half as one with edges: noise of a flat one is no likeness."""
WIDTH = int(np.prod(COLOURS)) + CELLS * CELLS * DIRECTIONS
_VERSION = 1

Numbers = npt.NDArray[np.float64]


class LightEmbeddings:
    """Annotator `embedding`: WIDTH numbers, float32, of unit length: colours (`_colours`), then edges (`_edges`)."""

    needs: tuple[str, ...] = ("image",)
    width = WIDTH
    reads_text = False

    def __init__(self, column: str = "embedding") -> None:
        self.name = column
        self.features = pa.schema([(column, pa.list_(pa.float32(), WIDTH))])
        self.identity = identity("embeddings", _VERSION, {
            "side": SIDE, "colours": COLOURS, "chroma": CHROMA, "cells": CELLS, "directions": DIRECTIONS,
            "edges": EDGES, "faint": FAINT})
        self.provenance = {"backend": "colour and edge histograms", "weights": "none"}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """An embedding of each picture."""
        return {self.name: [embedding(picture) for picture in batch["image"]]}

    def texts(self, said: Sequence[str]) -> npt.NDArray[np.float32]:
        """Raises UsageError: histograms read no text."""
        raise UsageError("light embeddings read no text", seen=said[0] if said else "no text",
                         allowed="a picture, or a pool made with a CLIP: --embeddings paper")


def embedding(picture: Picture) -> npt.NDArray[np.float32]:
    """WIDTH numbers of unit length."""
    small = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX).convert("YCbCr")
    levels = np.asarray(small, dtype=np.float64)
    roots = np.sqrt(_colours(levels)), EDGES * np.sqrt(_edges(levels[..., 0]))
    whole = np.concatenate([root - root.mean() for root in roots])
    return np.asarray(whole / np.sqrt((whole * whole).sum()), dtype=np.float32)


def _colours(levels: Numbers) -> Numbers:
    """Shares of the pixels (SIDE x SIDE x 3, YCbCr) by bin, Y first; each is shared out to the bins around it."""
    y, chroma = levels[..., :1] / 255, (np.clip((levels[..., 1:] - 128) / CHROMA, -1, 1) + 1) / 2
    place = np.concatenate([y, chroma], axis=-1).reshape(-1, 3) * (np.asarray(COLOURS) - 1)
    low = np.minimum(place.astype(np.int64), np.asarray(COLOURS) - 2)
    above = place - low
    shares = np.zeros(int(np.prod(COLOURS)))
    for corner in np.ndindex(2, 2, 2):
        at = np.ravel_multi_index(tuple((low + corner).T), COLOURS)
        shares += np.bincount(at, np.where(corner, above, 1 - above).prod(axis=1), len(shares))
    return shares / len(place)


def _edges(grey: Numbers) -> Numbers:
    """Shares of the edges by cell, row by row, and direction, the first that of upright edges; their sum is below 1 for
    a picture of faint ones."""
    framed = np.pad(grey, 1, mode="edge")
    across, down = (framed[1:-1, 2:] - framed[1:-1, :-2]) / 2, (framed[2:, 1:-1] - framed[:-2, 1:-1]) / 2
    size = np.sqrt(across * across + down * down)
    turned = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    cosine = (across[..., None] * np.cos(turned) + down[..., None] * np.sin(turned)) / np.maximum(size, 1e-9)[..., None]
    found = np.einsum("ay,bx,yxd->abd", _WEIGHTS, _WEIGHTS, size[..., None] * _sharpened(cosine), optimize=True)
    return np.asarray(found.ravel() / (found.sum() + FAINT * _ONE * SIDE * SIDE))


def _sharpened(cosine: Numbers) -> Numbers:
    """How much an edge counts for directions at that cosine: its sixth power, so that 45 degrees give one eighth."""
    square = cosine * cosine
    return square * square * square


def _weights() -> Numbers:
    """How much each of SIDE places in a line counts for each of CELLS cells: triangles that sum to 1 at each place."""
    place = np.clip((np.arange(SIDE) + 0.5) * CELLS / SIDE - 0.5, 0, CELLS - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(np.arange(CELLS)[:, None] - place)))


_WEIGHTS = _weights()
_ONE = 2.5
"""What an edge counts over all DIRECTIONS together, whichever its own is: sum of cos^6 of k pi / 8."""
