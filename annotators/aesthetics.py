"""Aesthetic scores S_aes (COTI, Eq. 7), 0..10: LAION's head on CLIP features, as COTI's released code has it, or ours.

"improved-aesthetic-predictor" (github.com/christophschuhmann/improved-aesthetic-predictor, Apache-2.0) is five linear
layers, 768-1024-128-64-16-1, with dropout between some and no activation anywhere: outside of training one linear map.
So it is folded into one here, in float64, which needs no torch and gives the same score in any batch.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from annotators import hub, model_embeddings
from annotators.base import Annotator, Batch, identity
from annotators.embeddings import Embeddings, open_embeddings
from annotators.light_aesthetics import LightAesthetics
from annotators.weights import LIGHT
from schemas.errors import UsageError

PAPER = "ttj/sac-logos-ava1-l14-linearMSE:model.safetensors"
"""What "paper" stands for: the weights that COTI names, sac+logos+ava1-l14-linearMSE, as safetensors."""
WIDTH = 768
"""What CLIP L/14 gives and that head reads."""
LAYERS = (0, 2, 4, 6, 7)
"""Places of the linear layers among all; another head of the same author has activations, and other places."""
_PICKLES = (".pth", ".pt", ".ckpt", ".bin")
_ALLOWED = "light, paper, or a .safetensors or .pth file with improved-aesthetic-predictor's layers, here or " \
    "OWNER/NAME[@REVISION]:FILE on the Hub"
_VERSION = 1

Numbers = npt.NDArray[np.float64]


@runtime_checkable
class Aesthetics(Annotator, Protocol):
    """An annotator of one column `aesthetic`, float32, 0..10."""

    embeddings: Embeddings | None
    """Those that it reads and that must run before it in a chain, beside the pool's; None when there are none."""


def open_aesthetics(wanted: str, embeddings: Embeddings) -> Aesthetics:
    """The scores that `wanted` names for a pool with these `embeddings`: "light" is ours, anything else as `ClipHead`
    has it. Raises UsageError as it does."""
    return LightAesthetics() if wanted == LIGHT else ClipHead(wanted, embeddings)


class ClipHead:
    """Annotator `aesthetic`: what a linear head says of a CLIP embedding of unit length, clipped to 0..10.

    `wanted` is "paper", a file, or `OWNER/NAME[@REVISION]:FILE` on the Hub. "paper" reads the pool's embeddings where
    they are the CLIP L/14 that it was trained on; a file that somebody chose reads them where they are a CLIP of its
    width. Else the head brings CLIP L/14 as `embeddings`, column "clip". Raises UsageError for a file that is no such
    head, and when torch is needed and not installed.
    """

    name = "aesthetics"
    features = pa.schema([("aesthetic", pa.float32())])

    def __init__(self, wanted: str, embeddings: Embeddings) -> None:
        head = _found(wanted)
        self._weights, self._bias = head.weights, head.bias
        width = len(head.weights)
        if embeddings.reads_text and embeddings.width == width and (
                wanted != "paper" or embeddings.provenance["weights"] == model_embeddings.PAPER):
            clip, self.embeddings = embeddings, None
        elif width == WIDTH:
            clip = self.embeddings = open_embeddings("paper", "clip", "--aesthetics")
        else:
            raise UsageError(f"this aesthetic head reads embeddings of {width} numbers",
                             seen=head.provenance["weights"],
                             allowed=f"{WIDTH} numbers, or a pool with a CLIP of that width: --embeddings FOLDER")
        self.needs: tuple[str, ...] = (clip.name,)
        self.identity = identity(self.name, _VERSION, {}, head.provenance["sha256"], [clip.identity])
        self.provenance = {"backend": "linear head on CLIP embeddings", **head.provenance,
                           "embeddings": clip.provenance["weights"]}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """A score of each embedding."""
        read = np.asarray(batch[self.needs[0]], dtype=np.float64).reshape(-1, len(self._weights))
        # Row by row: a matrix product would give other last bits in other batches.
        made = (read * self._weights).sum(axis=1) + self._bias
        return {"aesthetic": np.clip(made, 0, 10).astype(np.float32).tolist()}


class Head(NamedTuple):
    """A head as one linear map: `weights` (width,) and `bias`; and what a manifest says of it."""

    weights: Numbers
    bias: float
    provenance: dict[str, str]


def _found(wanted: str) -> Head:
    there = hub.parse(PAPER if wanted == "paper" else wanted)
    if Path(wanted).is_file():
        path, said = Path(wanted), {"weights": Path(wanted).name, "licence": "unknown: a file of yours"}
    elif there is not None:
        path, commit = hub.fetch(there)
        said = {"weights": f"{there.repo}:{there.file}", "revision": commit, "licence": hub.licence(there, commit)}
    else:
        raise UsageError("no such aesthetic scores", seen=wanted, allowed=_ALLOWED, next_command="--aesthetics light")
    with path.open("rb") as handle:
        sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
    try:
        weights, bias = _folded(path, _pickled(path, sha256) if path.suffix in _PICKLES else _safe(path))
    except UsageError:
        raise
    except Exception as error:  # torch and safetensors raise classes of their own, and layers may not fit each other
        raise _refused(path, (str(error).splitlines() or [type(error).__name__])[0]) from None
    return Head(weights, bias, said | {"sha256": sha256})


def _safe(path: Path) -> dict[str, Any]:
    _installed("safetensors", path)
    from safetensors.numpy import load_file

    tensors: dict[str, Any] = load_file(path)
    return tensors


def _pickled(path: Path, sha256: str) -> dict[str, Any]:
    """The tensors of a .pth, read as tensors alone: nothing that it names is run. They are kept as safetensors among
    the Hub client's files, so that the pickle is opened once."""
    from huggingface_hub import cached_assets_path

    kept = None
    with contextlib.suppress(Exception):  # nothing is kept yet, or it is damaged, or there is no place to keep it
        kept = cached_assets_path("likeness", "aesthetics") / f"{sha256}.safetensors"
        return _safe(kept)
    _installed("torch", path)
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    tensors = {str(name): np.ascontiguousarray(tensor.float().numpy()) for name, tensor in state.items()}
    with contextlib.suppress(OSError):
        if kept is not None:
            _keep(tensors, kept)
    return tensors


def _keep(tensors: Mapping[str, Any], kept: Path) -> None:
    from safetensors.numpy import save

    with tempfile.NamedTemporaryFile(dir=kept.parent, prefix=".", delete=False) as file:
        file.write(save(dict(tensors)))
    Path(file.name).replace(kept)


def _folded(path: Path, tensors: Mapping[str, Any]) -> tuple[Numbers, float]:
    """The layers as one linear map. Raises UsageError for other layers, and for numbers that are none."""
    places = sorted(int(found[1]) for name in tensors if (found := re.fullmatch(r"layers\.(\d+)\.weight", name)))
    if tuple(places) != LAYERS or len(tensors) != 2 * len(LAYERS):
        raise _refused(path, f"tensors {', '.join(sorted(tensors)[:4])} ...")
    layers = [(np.asarray(tensors[f"layers.{at}.weight"], np.float64), np.asarray(tensors[f"layers.{at}.bias"],
                                                                                  np.float64)) for at in LAYERS]
    weights, bias = reduce(lambda so_far, layer: (layer[0] @ so_far[0], layer[0] @ so_far[1] + layer[1]), layers)
    if len(weights) != 1 or not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise _refused(path, "more than one score, or numbers that are not finite")
    return weights[0], float(bias[0])


def _installed(package: str, path: Path) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise UsageError(f"reading this aesthetic head needs a package that is not installed: {package}",
                         seen=path.name, next_command="pip install 'likeness[models]', or --aesthetics light")


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(f"cannot read the aesthetic head: {why}", seen=path.name, allowed=_ALLOWED)
