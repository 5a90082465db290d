"""The models that look at an evaluation's pictures, opened as its options say and only where a metric needs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from annotators.base import Annotator, Batch, Picture, identity
from annotators.embeddings import Embeddings
from annotators.endpoint import EndpointAnswers
from annotators.extractors import Array, Extractor, Inception
from annotators.instructblip import InstructBlipAnswers
from annotators.light_embeddings import LightEmbeddings
from annotators.model_embeddings import ModelEmbeddings
from schemas.errors import UsageError
from trainers.evaluation import plans
from trainers.evaluation.models_options import LIGHT, NAMES, NONE, PAPER, Models
from trainers.metrics.leakage import GRID, laid
from trainers.metrics.lpips import lpips
from trainers.metrics.vqa import QUESTIONS

NEEDS: Mapping[str, frozenset[str]] = {
    plans.DINO: frozenset({"dino"}), plans.CLIP_I: frozenset({"clip"}), plans.CLIP_T: frozenset({"clip", "text"}),
    plans.CLIP_T_OBJECT: frozenset({"clip", "text"}), plans.BLIP: frozenset({"blip"}),
    plans.VQA: frozenset({"vqa", "clip", "text"}), plans.CONDITIONS: frozenset({"vqa"}),
    plans.ALL_CONDITIONS: frozenset({"vqa"}), plans.LPIPS: frozenset({"lpips"}), plans.LEAK: frozenset(),
    plans.FID: frozenset({"features"}), plans.KID: frozenset({"features"}), plans.IS: frozenset({"logits"}),
    plans.R_PRECISION: frozenset({"clip", "text"}),
}
"""What each metric asks for; "text": a CLIP that reads; "features" and "logits": an Inception, or, for features, any
embedding."""
FREE = "Look at this picture and answer in a few words each."
"""What an endpoint is told before questions."""


class Eyes(NamedTuple):
    """The models by what they are for; None where there is none."""

    clip: Embeddings | None = None
    dino: Embeddings | None = None
    blip: Embeddings | None = None
    answers: Annotator | None = None
    """asked the VQA score's questions"""
    conditions: Annotator | None = None
    """asked each picture's own"""
    inception: Inception | None = None
    lpips: Extractor | None = None

    @property
    def has(self) -> frozenset[str]:
        """What of NEEDS there is."""
        said = {"clip": self.clip, "dino": self.dino, "blip": self.blip, "vqa": self.answers, "lpips": self.lpips,
                "text": self.clip is not None and self.clip.reads_text, "features": self.whole[0],
                "logits": self.inception is not None and "logits" in self.inception.features.names}
        return frozenset(name for name, one in said.items() if one)

    @property
    def whole(self) -> tuple[Annotator | None, str]:
        """Whose features FID and KID compare, and what their names say of it."""
        if self.inception is not None:
            return self.inception, ""
        if self.clip is not None:
            return self.clip, " (CLIP)" if self.clip.reads_text else " (Light)"
        return self.dino, " (DINO)"


def parts(metric: str) -> list[str]:
    """The metrics that a name of the table is made of: both of SWD(a, b), CLIP-I of "CLIP-I (face)"."""
    if metric.startswith("SWD("):
        return [one for name in metric[4:-1].split(", ") for one in parts(name)]
    return [metric if metric in NEEDS else metric.partition(" (")[0]]


def needs(metric: str) -> frozenset[str]:
    """What of `Eyes.has` a metric of the table needs."""
    return frozenset().union(*(NEEDS[one] for one in parts(metric)))


def open_eyes(models: Models, metrics: Collection[str]) -> Eyes:
    """The models that these metrics need, none of which has looked yet. Raises UsageError for one that is not there,
    or is of another kind than its option asks for."""
    asked = frozenset().union(*(needs(one) for one in metrics))
    inception = None if models.inception == NONE or not asked & {"features", "logits"} else Inception(models.inception)
    other = "features" in asked and inception is None
    by_clip = models.clip != NONE and bool(asked & {"clip", "text"} or other)
    clip = _embeddings(models.clip, "clip") if by_clip else None
    dino = _embeddings(models.dino, "dino") if "dino" in asked or (other and clip is None) else None
    questions = models.vqa if "vqa" in asked else NONE
    return Eyes(clip, dino, _embeddings(models.blip, "blip") if "blip" in asked else None,
                _answers(questions, tuple(QUESTIONS.values())), _answers(questions, ()), inception,
                Extractor(models.lpips, "lpips", "--lpips", 256) if "lpips" in asked and models.lpips != NONE else None)


def _embeddings(wanted: str, role: str) -> Embeddings | None:
    if wanted == NONE:
        return None
    if wanted == LIGHT:
        return LightEmbeddings(role)
    found = ModelEmbeddings(NAMES[role] if wanted == PAPER else wanted, role, f"--{role}", f"--{role} none")
    if found.kind != role.upper():
        raise UsageError(f"--{role} is a {found.kind}", seen=wanted, allowed=f"a {role.upper()}")
    return found


def _answers(wanted: str, questions: tuple[str, ...]) -> Annotator | None:
    if wanted == NONE:
        return None
    if wanted.startswith(("http://", "https://")):
        return EndpointAnswers(wanted, questions=questions, said=FREE, flag="--vqa")
    return InstructBlipAnswers(NAMES["vqa"] if wanted == PAPER else wanted, questions, "--vqa", "--vqa none")


class Distances:
    """Annotator `lpips`: mean LPIPS of each picture to its `references`, which are named by their sha256; `load` gives
    one. The maps of layers are too many to be kept: of the references used last they are held, of others none."""

    name = "lpips"
    needs: tuple[str, ...] = ("image", "references")
    features = pa.schema([("lpips", pa.float32())])

    def __init__(self, look: Extractor, load: Callable[[str], Picture]) -> None:
        self._look = look
        self.identity, self.provenance = identity(self.name, 1, {}, needs=[look.identity(self.name)]), look.provenance
        self._reference = lru_cache(maxsize=32)(lambda digest: look(load(digest)))

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Distances, 0 or more; smaller is more alike."""
        return {"lpips": [self._mean(picture, references) for picture, references
                          in zip(batch["image"], batch["references"], strict=True)]}

    def _mean(self, picture: Picture, references: Sequence[str]) -> float:
        mine, weights = _layers(self._look(picture))
        return float(np.mean([lpips(mine, _layers(self._reference(one))[0], weights) for one in references]))


class Layouts:
    """Annotator `layout`: luminance by cells, and where they have picture, GRID x GRID numbers each, for the leakage
    meter."""

    name = "layout"
    needs: tuple[str, ...] = ("image",)
    features = pa.schema([(name, pa.list_(pa.float64(), GRID * GRID)) for name in ("light", "where")])
    identity = identity("layout", 1, {"grid": GRID})
    provenance: Mapping[str, str] = {"backend": "luminance by cells", "weights": "none"}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Cells of each picture, row by row."""
        made = [laid(picture) for picture in batch["image"]]
        return {"light": [one.light.ravel() for one in made], "where": [one.where.ravel() for one in made]}


def _layers(made: Sequence[Array]) -> tuple[list[Array], list[Array] | None]:
    """Maps 1 x C x H x W, and the weights of their channels where the file gives them: outputs with one axis, as many
    and in the same order."""
    maps, weights = [one for one in made if one.ndim == 4], [one for one in made if one.ndim == 1]
    if not maps or len(maps) + len(weights) != len(made) or len(weights) not in (0, len(maps)):
        raise UsageError("--lpips: the file gives something else", seen=[one.shape for one in made],
                         allowed="maps N x C x H x W of layers and, in the same order, weights C of each or of none")
    return maps, weights or None
