"""What is read back of a published version: its data files, and the scenes of a subject's captions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.locations import Location, readable

_NEXT = "build subject --images DIR --class-name WORDS --out OUT"


def shards(folder: Location, split: str) -> list[Location]:
    """The Parquet files of a split, in order. Raises OSError when data/ cannot be listed, which a glob would hide."""
    name = re.compile(re.escape(split) + r"-[0-9]+-of-[0-9]+\.parquet")
    return sorted(path for path in (folder / "data").iterdir() if name.fullmatch(path.name))


@dataclass(frozen=True)
class Scenes:
    """Scenes of the captions, each once, in the rows' order; and what the manifest says of where they are from."""

    scenes: tuple[str, ...] = ()
    source: dict[str, str] = field(default_factory=dict)


def read_scenes(folder: Location, class_name: str, kind: str) -> Scenes:
    """Scenes of a published version's captions. Raises UsageError when it is no subject's, or of another class or
    kind."""
    if not (folder / manifests.NAME).exists():
        raise UsageError("--subject is no published dataset: it has no manifest.json", seen=str(folder),
                         allowed="a version folder such as OUT/1.0.0", next_command=_NEXT)
    manifest = manifests.read(folder)
    if manifest.recipe != "subject":
        raise UsageError("--subject is no dataset of a subject", seen=f"{folder}, a {manifest.recipe} dataset",
                         allowed="what `build subject` published",
                         next_command=_NEXT)
    try:
        tables = [pq.read_table(readable(path), columns=["scene", "class_name", "kind"]) for split in manifest.splits
                  for path in shards(folder, split)]
        rows = [row for table in tables for row in table.to_pylist()]
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise UsageError(f"the subject dataset is damaged: {error}", seen=str(folder),
                         next_command=f"build verify {folder}") from None
    for flag, name, said in (("--class-name", "class_name", class_name), ("--kind", "kind", kind)):
        other = next((row[name] for row in rows if row[name].casefold() != said.casefold()), None)
        if other is not None:
            raise UsageError(f"{flag} is not the subject's", seen=said, allowed=other)
    scenes = tuple(dict.fromkeys(row["scene"] for row in rows))
    return Scenes(scenes, {"subject": manifest.content_digest})
