"""What a finished build says of itself: read, write, digest.

`manifest.json` is written last: its presence means that the version is whole. It holds no clock, host, path,
worker or resume count, so that the same source, options, models and seed give the same file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from schemas.errors import UsageError
from schemas.locations import Location

NAME = "manifest.json"


class FileEntry(msgspec.Struct, frozen=True):
    """A published file: hex sha256 and size in bytes."""

    sha256: str
    bytes: int


class Model(msgspec.Struct, frozen=True):
    """An annotator as it was used. `provenance` tells backend, weights, revision, weight sha256 and licence."""

    role: str
    identity: str
    provenance: dict[str, str]


class Step(msgspec.Struct, frozen=True):
    """One stage of the funnel. Always `rows_in == rows_out + sum(drops.values())`."""

    stage: str
    rows_in: int
    rows_out: int
    drops: dict[str, int]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a reader needs to audit or repeat a build."""

    format: int = 1
    recipe: str
    """"retribooru", "subject" or "regularization"."""
    version: str
    content_digest: str
    """sha256 over rows in id order: columns, original image bytes, decoded matte pixels."""
    rows_digest: str
    """sha256 over the rows without opening a picture: equal for builds that would publish the same rows."""
    source: dict[str, str]
    """Name and digest of the source, and its licence note."""
    counts: dict[str, int]
    """What the source saw that is not a row: metadata without a figure, bad lines, duplicate tags ..."""
    options: dict[str, object]
    """The resolved options in full."""
    models: list[Model]
    funnel: list[Step]
    splits: dict[str, int]
    """Rows per split."""
    near_copies: int
    """Pairs kept out of each other's `similar` because one is an edit of the other."""
    built_with: dict[str, str]
    """Versions of what built it (likeness, python, numpy, pyarrow, pillow, onnxruntime ...)."""
    files: dict[str, FileEntry]
    """Every published file but this one, by path below the version's folder."""


def encode(manifest: Manifest) -> bytes:
    """Stable, indented JSON: sorted keys, one trailing newline."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2) + b"\n"


def read(directory: Location) -> Manifest:
    """The manifest of a published version.

    Raises UsageError when there is none (the build did not finish) or it cannot be read.
    """
    path = directory / NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise UsageError("not a published dataset: it has no manifest.json", seen=str(directory),
                         allowed="a version folder such as OUT/1.0.0",
                         next_command="build retribooru ... --out OUT") from None
    except (msgspec.DecodeError, OSError) as error:
        raise UsageError(f"manifest.json cannot be read: {error}", seen=str(directory)) from None


def content_digest(row_digests: Iterable[str]) -> str:
    """Digest of a dataset from its rows' digests, which must come in id order."""
    whole = hashlib.sha256()
    for digest in row_digests:
        whole.update(digest.encode() + b"\n")
    return whole.hexdigest()


def pixels_digest(mode: str, size: tuple[int, int], pixels: bytes) -> str:
    """Digest of decoded pixels: Pillow's mode, width and height, and the levels row by row."""
    return hashlib.sha256(repr((mode, size)).encode() + pixels).hexdigest()
