"""`build export DIR --format NAME --out OUT`: a published version in the files that somebody else's trainer reads.

A format is a function of one `Export`. What it writes appears in OUT whole or not at all; the version is only read.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib.metadata import version as version_of
from pathlib import Path

import msgspec

from builders.appearing import appearing, home_of
from builders.exports import captions, clip_retrieval, fastcomposer, folders, imagefolder, references
from builders.exports.rows import Export
from builders.published import shards
from builders.splits import TRAIN
from builders.vector_index import POOL
from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.locations import Location
from schemas.manifest import Manifest

Format = Callable[[Export], None]

_PROMPTED: dict[str, Format] = {
    "custom-diffusion": captions.custom_diffusion,
    "kohya": folders.kohya,
    "ai-toolkit": folders.ai_toolkit,
    "imagefolder": imagefolder.imagefolder,
}
FORMATS: dict[str, dict[str, Format]] = {
    "retribooru": {
        "ip-adapter": references.ip_adapter,
        "fastcomposer": fastcomposer.fastcomposer,
        "controlnet": references.controlnet,
        "kohya": folders.kohya_masked,
        "ai-toolkit": folders.ai_toolkit_outfits,
        "imagefolder": imagefolder.imagefolder,
    },
    "coti": {
        "clip-retrieval": clip_retrieval.clip_retrieval,
        "imagefolder": imagefolder.imagefolder,
    },
    "regularization": _PROMPTED,
    "subject": _PROMPTED,
}
"""Formats by the recipe of the version."""

NAMES = tuple(sorted({name for formats in FORMATS.values() for name in formats}))
"""All names of formats."""

RECEIPT = "export.json"
"""In OUT: what it was made of. It stands where no trainer looks for pictures."""


class Receipt(msgspec.Struct, frozen=True):
    """What an export is made of: another one of the same would be equal."""

    format: str
    split: str
    recipe: str
    content_digest: str
    out: str
    """Where it stands, because some formats name their files by whole paths."""
    likeness: str


def run(folder: Location, name: str, out: Path, split: str) -> int:
    """Writes the split of the version in `folder` to the new folder `out`, in the format `name`. Returns 0. Without a
    `split` it is the one that there is to train on or, of a pool, the pool.

    Raises UsageError when there is no such version, split or format for it, the version is damaged, or OUT is taken.
    """
    manifest = manifests.read(folder)
    make = _format(manifest, name)
    split = split or (POOL if manifest.recipe == "coti" else TRAIN)
    _check_split(folder, manifest, split)
    home = home_of(out)
    receipt = Receipt(name, split, manifest.recipe, manifest.content_digest, str(home), version_of("likeness"))
    if _stands(home, receipt):
        print(f"{out}: is there already")
        return 0
    with appearing(home) as temporary:
        export = Export(folder, manifest, split, temporary, home)
        try:
            make(export)
        except KeyError as error:
            raise export.damaged(f"it has no column {error}") from None
        (temporary / RECEIPT).write_bytes(msgspec.json.format(msgspec.json.encode(receipt)) + b"\n")
    print(f"{out}: {manifest.splits[split]:,} rows of split {split} for {name}")
    return 0


def _format(manifest: Manifest, name: str) -> Format:
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=3) or NAMES
        raise UsageError("--format is not known", seen=name, allowed=", ".join(near),
                         next_command="build export --help")
    formats = FORMATS.get(manifest.recipe, {})
    if name not in formats:
        raise UsageError(f"a {manifest.recipe} dataset has no such export", seen=name,
                         allowed=", ".join(sorted(formats)) or "none")
    return formats[name]


def _check_split(folder: Location, manifest: Manifest, split: str) -> None:
    if not manifest.splits.get(split):
        filled = [name for name, rows in manifest.splits.items() if rows]
        raise UsageError("this version has no rows of that split", seen=split, allowed=", ".join(filled) or "none",
                         next_command=f"--split {filled[0]}" if filled and split == TRAIN else "")
    try:
        found = shards(folder, split)
    except OSError as error:
        raise UsageError(f"data/ cannot be listed: {error.strerror or error}", seen=str(folder)) from None
    if not found:
        raise UsageError(f"the data files of split {split} are missing", seen=str(folder),
                         next_command=f"build verify {folder}")


def _stands(home: Path, receipt: Receipt) -> bool:
    """Whether this very export is there. Raises UsageError when something else is."""
    try:
        if not home.exists() or (home.is_dir() and not any(home.iterdir())):
            return False
        there = msgspec.json.decode((home / RECEIPT).read_bytes(), type=Receipt)
    except (OSError, msgspec.DecodeError):
        there = None
    if there == receipt:
        return True
    raise UsageError("--out holds another export" if there else "--out is taken", seen=str(home),
                     allowed="a new or empty folder, or the same export", next_command="another --out")
