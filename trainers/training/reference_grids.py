"""Grids of samples for methods with references: in each row the references, the target and what is drawn after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils import make_image_grid
from PIL import Image

from trainers.data import Data, open_data
from trainers.options import Training
from trainers.training import samples
from trainers.training.draws import At
from trainers.training.feeding import View
from trainers.training.method import Method
from trainers.views.identities import COLUMNS

COUNT = 4
"""Rows of a grid."""
_HELD_OUT = "test_unseen"
Shown = Mapping[str, Any]
"""An `Example`."""


class Options(Protocol):
    """Of a method that trains on RetriBooru."""

    data: str
    seed: int
    sample_every: int


def shown(data: Data, options: Options, view_of: Callable[[Data], View]) -> list[Shown]:
    """Examples for the rows of all of a run's grids, if there are to be any: of characters that training does not see,
    where the dataset holds some out."""
    if not options.sample_every:
        return []
    if data.manifest is not None and data.manifest.splits.get(_HELD_OUT):
        data = open_data(options.data, "--data", "retribooru", COLUMNS, _HELD_OUT)
    view = view_of(data)
    return [view.rows(At(options.seed, 0, slot, COUNT))[0] for slot in range(COUNT)]


def grid(method: Method, prompts: list[str], options: Training, autocast: AbstractContextManager[None],
         examples: Sequence[Shown], told: Callable[[list[Image.Image]], Mapping[str, Any]]) -> Image.Image:
    """See `Method.grid`; a row shows the example of its number, or begins anew. `told` says how the method's pipeline
    takes an example's references."""
    side = examples[0]["pixels"].shape[-1]
    rows = [examples[number % len(examples)] for number in range(len(prompts))]
    more = [{"height": side, "width": side, **told(_pictures(row)[:-1])} for row in rows]
    return page(rows, samples.drawn(method, prompts, options, autocast, more))


def page(rows: Sequence[Shown], drawn: Sequence[Image.Image]) -> Image.Image:
    """A grid: beside each example's references and target what was drawn after it, as many for each."""
    count = len(drawn) // len(rows)
    whole = [picture for number, row in enumerate(rows)
             for picture in (*_pictures(row), *drawn[count * number :][:count])]
    return make_image_grid(whole, rows=len(rows), cols=len(whole) // len(rows))


def _pictures(example: Shown) -> list[Image.Image]:
    """The references, and the target."""
    squares = torch.cat([example["references"], example["pixels"][None]])
    pictures: list[Image.Image] = VaeImageProcessor().postprocess(squares, output_type="pil")
    return pictures
