"""A version appears whole or not at all: pages, then the manifest, then one rename."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Container, Iterable
from contextlib import suppress
from importlib.metadata import version as version_of
from pathlib import Path
from platform import python_version

import msgspec
from upath import UPath

from builders.write import file_entry
from schemas import atomic
from schemas import manifest as manifests
from schemas.errors import BuildError, UsageError
from schemas.locations import Location
from schemas.manifest import FileEntry, Manifest, Model

VERSION = "version"
"""Below a staging folder: what will be renamed to OUT/X.Y.Z. Receipts of finished shards lie beside it."""

_LIBRARIES = ("likeness", "numpy", "onnxruntime", "pillow", "pyarrow")
_RUN_BY = {"diffusers": {"diffusers"}, "torch": {"transformers", "diffusers"},
           "transformers": {"transformers", "diffusers"}}
"""Libraries that only some models need, and what those models' backends say."""


def built_with(models: Iterable[Model] = ()) -> dict[str, str]:
    """Versions of what the content depends on, with those of the libraries that ran the models."""
    import onnxruntime

    asked = {"onnxruntime": onnxruntime.__version__}  # its package may be onnxruntime-gpu
    backends = {word for model in models for word in model.provenance.get("backend", "").split(", ")}
    also = [name for name, signs in _RUN_BY.items() if backends & signs]
    return {"python": python_version(),
            **{name: asked.get(name) or version_of(name) for name in sorted([*_LIBRARIES, *also])}}


def published(folder: Location, rows_digest: str) -> Manifest | None:
    """The version that stands in `folder` if it holds these very rows, None if nothing stands there.

    Below a URL files without a manifest are no version: whoever copied them was killed. Raises UsageError when the
    version holds other rows: a published version never changes.
    """
    if not (folder if isinstance(folder, Path) else folder / manifests.NAME).exists():
        return None
    there = manifests.read(folder)
    if there.rows_digest == rows_digest:
        return there
    raise UsageError(f"version {folder.name} is published with other content (digest {there.rows_digest[:12]}, "
                     f"this build has {rows_digest[:12]})", allowed="a version never changes",
                     next_command=f"the same command with --version {next_version(folder)}")


def next_version(folder: Location, taken: Container[str] = ()) -> str:
    """The first version after this one that is neither published beside it nor among those `taken`."""
    major, minor, patch = folder.name.split(".")
    later = (f"{major}.{minor}.{number}" for number in itertools.count(int(patch) + 1))
    return next(version for version in later if not folder.with_name(version).exists() and version not in taken)


def publish(staging: Location, folder: Location, manifest: Manifest, pages: Iterable[tuple[str, bytes]]) -> Manifest:
    """Adds the pages and the manifest to `staging` and makes it `folder`. Returns the manifest that stands there, with
    the pages among its files."""
    whole = staging / VERSION
    files = dict(manifest.files)
    for name, data in pages:
        atomic.write(whole / name, data)
        files[name] = FileEntry(hashlib.sha256(data).hexdigest(), len(data))
    final = msgspec.structs.replace(manifest, files=files)
    if isinstance(whole, Path) and isinstance(folder, Path):
        atomic.sweep(whole)  # of workers that died while the build went on
        atomic.write(whole / manifests.NAME, manifests.encode(final))
        whole.rename(folder)
        atomic.sync(folder.parent)
        return final
    _claim(staging.with_name(f"{folder.name}-claim"), folder, final)
    there = published(folder, manifest.rows_digest)
    if there is None:
        _copy(UPath(whole), UPath(folder), final)
    return there or final


def _claim(place: Location, folder: Location, manifest: Manifest) -> None:
    """Lets nobody write below `folder` but builds of these very files, such as this one after it was killed, until the
    manifest stands there and the claim is removed. Raises UsageError when it is another build's."""
    mine = hashlib.sha256(manifests.encode(manifest)).hexdigest().encode()
    try:
        with place.open("xb") as file:
            file.write(mine)
    except FileExistsError:
        if place.read_bytes() != mine:
            raise UsageError("another build is publishing other files as this version, or was stopped while it did",
                             seen=str(folder), allowed="one build at a time on one version",
                             next_command=f"wait for it or, if none is running, delete {place}") from None


def _copy(whole: UPath, folder: UPath, manifest: Manifest) -> None:
    """Object stores rename nothing, but copy by themselves; the manifest, which makes the version, goes last. Raises
    OSError when something cannot be copied, BuildError when what was copied is not there."""
    store = folder.fs
    store.copy(*([(place / name).path for name in manifest.files] for place in (whole, folder)))
    found = {name.removeprefix(f"{folder.path}/"): said["size"] for name, said in store.find(
        folder.path, detail=True).items()}
    for name, said in manifest.files.items():
        # The folder that was staged is named after the rows, which shards are made of; the rest is small.
        if found.get(name) != said.bytes or not (name.startswith("data/") or file_entry(folder / name) == said):
            raise BuildError(f"{folder / name} is not the file that was staged: run the same command again")
    last = folder / manifests.NAME
    if strays := [(folder / name).path for name in found.keys() - manifest.files.keys() - {manifests.NAME}]:
        store.rm(strays)  # of a publish of other files that was stopped
    with suppress(FileExistsError), last.open("xb") as file:  # by a build of these very files
        file.write(manifests.encode(manifest))
