"""Networks of yours that give features of a picture, as ONNX files: the Inception of FID and IS, the layers of LPIPS.

A file has one input, float32 N x 3 x S x S, RGB in 0..1; what else the network wants (other levels, means, deviations)
belongs into the file. Pictures are squeezed to S x S by Pillow's bicubic filter, which looks at all pixels when it
makes them smaller: "On Aliased Resizing and Surprising Subtleties in GAN Evaluation" tells what FID makes of others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from annotators import hub, weights
from annotators.base import Batch, Picture, identity
from schemas.errors import UsageError

Array = npt.NDArray[np.float32]
_VERSION = 1


class Extractor:
    """All outputs of an ONNX file for one picture. `wanted` is its path or `OWNER/NAME[@REVISION]:FILE` on the Hub;
    `flag` the option that names it; `side` that of pictures, pixels, where the file takes any. Raises UsageError when
    there is no such file, or it is none."""

    def __init__(self, wanted: str, role: str, flag: str, side: int) -> None:
        if not Path(wanted).is_file() and hub.parse(wanted) is None:
            raise UsageError(f"{flag} is no file", seen=wanted, allowed="FILE.onnx, or OWNER/NAME[@REVISION]:FILE.onnx "
                             "on the Hub", next_command=f"leave out {flag}")
        self._found, self._role, self._side = weights.resolve(role, wanted), role, side

    def identity(self, name: str) -> str:
        """Of an annotator `name` that says no more than what this one sees."""
        return identity(name, _VERSION, {"side": self._side, "filter": "bicubic", **self._found.placed},
                        self._found.sha256)

    @property
    def provenance(self) -> dict[str, str]:
        """As `Annotator.provenance` has it."""
        return self._found.provenance(self._role)

    def __call__(self, picture: Picture) -> list[Array]:
        """The outputs, each with a first axis of length 1 where it depends on the picture."""
        model = self._found.model(self._side)
        square = Image.fromarray(picture).resize((model.size, model.size), Image.Resampling.BICUBIC)
        return model.outputs(np.asarray(square, np.float32).transpose(2, 0, 1)[None] / np.float32(255))


class Inception:
    """Annotator `inception`: `features`, d numbers of each picture, for FID and KID, and `logits`, C numbers, for IS,
    where the file has a second output (else `logits` is no column). Raises UsageError as Extractor does, and when the
    outputs are others."""

    name = "inception"
    needs: tuple[str, ...] = ("image",)

    def __init__(self, wanted: str, flag: str = "--inception") -> None:
        self._look = Extractor(wanted, self.name, flag, 299)
        made = self._look(np.zeros((8, 8, 3), np.uint8))
        if not 1 <= len(made) <= 2 or any(one.ndim != 2 for one in made):
            raise UsageError(f"{flag}: the file gives something else", seen=[one.shape for one in made],
                             allowed="features N x d and, for IS, logits N x C")
        names = ("features", "logits")[:len(made)]
        self.features = pa.schema([(name, pa.list_(pa.float32(), one.shape[1]))
                                   for name, one in zip(names, made, strict=True)])
        self.identity, self.provenance = self._look.identity(self.name), self._look.provenance

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Features and logits of each picture."""
        made = [self._look(picture) for picture in batch["image"]]
        return {name: [one[at][0] for one in made] for at, name in enumerate(self.features.names)}
