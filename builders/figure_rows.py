"""The rows of a RetriBooru version, as a worker that writes a shard gets and fills them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from PIL import Image

from annotators.base import Picture
from builders import store
from builders.visits import Limits, contents, picture
from builders.write import Filled, columns_digest
from schemas.locations import Location


class Planned(NamedTuple):
    """A row to publish: its columns but for the pixels, and where those lie."""

    columns: bytes
    """As MessagePack, in which thousands of rows wait for their shard in a tenth of the memory."""
    path: str
    sha256: str
    box: tuple[int, int, int, int] | None
    matte: store.Place


@dataclass(frozen=True)
class FillFigures:
    """Gives planned rows their pictures, the file's own bytes where it is the figure already, and mattes."""

    mattes: Location
    limits: Limits

    def __call__(self, planned: Sequence[Planned]) -> list[Filled]:
        """Nothing has to be decoded for the digests. Raises BuildError when a file has changed since it was read."""
        mattes = store.read(self.mattes, [one.matte for one in planned], ["mask", "mask_sha256"])
        rows = []
        for one, matte, pixels in zip(planned, mattes["mask"], mattes["mask_sha256"], strict=True):
            image = self._image(one)
            columns = msgspec.msgpack.decode(one.columns)
            sha = hashlib.sha256(image).hexdigest() if one.box else one.sha256
            rows.append(Filled({**columns, "image": {"bytes": image, "path": None},
                                "mask": {"bytes": matte, "path": None}},
                               columns_digest({**columns, "image": sha, "mask": pixels})))
        return rows

    def _image(self, planned: Planned) -> bytes:
        if planned.box is None:
            return contents(planned.path, planned.sha256, self.limits)
        return png(picture(planned.path, planned.sha256, planned.box, self.limits))


def png(figure: Picture) -> bytes:
    """The bytes in which a figure that was cut out of its picture is published."""
    made = io.BytesIO()
    Image.fromarray(figure).save(made, "PNG", compress_level=6)
    return made.getvalue()
