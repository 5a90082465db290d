"""A version appears whole or not at all: pages, then the manifest, then one rename."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Container, Iterable
from importlib.metadata import version as version_of
from pathlib import Path
from platform import python_version

import msgspec

from builders import atomic
from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.manifest import FileEntry, Manifest

VERSION = "version"
"""Below a staging folder: what will be renamed to OUT/X.Y.Z. Receipts of finished shards lie beside it."""

_LIBRARIES = ("likeness", "datasets", "numpy", "onnxruntime", "pillow", "pyarrow")


def built_with() -> dict[str, str]:
    """Versions of what the content depends on."""
    import onnxruntime

    asked = {"onnxruntime": onnxruntime.__version__}  # its package may be onnxruntime-gpu
    return {"python": python_version(), **{name: asked.get(name) or version_of(name) for name in _LIBRARIES}}


def published(folder: Path, rows_digest: str) -> Manifest | None:
    """The version that stands in `folder` if it holds these very rows, None if nothing stands there.

    Raises UsageError when it holds others: a published version never changes.
    """
    if not folder.exists():
        return None
    there = manifests.read(folder)
    if there.rows_digest == rows_digest:
        return there
    raise UsageError(f"version {folder.name} is published with other content (digest {there.rows_digest[:12]}, "
                     f"this build has {rows_digest[:12]})", allowed="a version never changes",
                     next_command=f"the same command with --version {next_version(folder)}")


def next_version(folder: Path, taken: Container[str] = ()) -> str:
    """The first version after this one that is neither published beside it nor among those `taken`."""
    major, minor, patch = folder.name.split(".")
    later = (f"{major}.{minor}.{number}" for number in itertools.count(int(patch) + 1))
    return next(version for version in later if not folder.with_name(version).exists() and version not in taken)


def entries(folder: Path) -> dict[str, FileEntry]:
    """Every file below `folder` that a reader gets, with sha256 and size; the manifest itself is left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != manifests.NAME:
            with path.open("rb") as handle:
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
            found[name] = FileEntry(digest, path.stat().st_size)
    return found


def publish(staging: Path, folder: Path, manifest: Manifest, pages: Iterable[tuple[str, bytes]]) -> Manifest:
    """Adds the pages and the manifest to `staging` and renames it to `folder`. Returns the final manifest."""
    whole = staging / VERSION
    atomic.sweep(whole)  # of workers that died while the build went on
    for name, data in pages:
        atomic.write(whole / name, data)
    final = msgspec.structs.replace(manifest, files=entries(whole))
    atomic.write(whole / manifests.NAME, manifests.encode(final))
    whole.rename(folder)
    atomic.sync(folder.parent)
    shutil.rmtree(staging)
    return final
