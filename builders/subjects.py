"""What a regularization set takes from a published subject dataset: the scenes of its captions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builders.published import shards
from schemas import manifest as manifests
from schemas.errors import UsageError

_NEXT = "build subject --images DIR --class-name WORDS --out OUT"


@dataclass(frozen=True)
class Scenes:
    """Scenes of the captions, each once, in the rows' order; and what the manifest says of where they are from."""

    scenes: tuple[str, ...] = ()
    source: dict[str, str] = field(default_factory=dict)


def read_scenes(folder: Path, class_name: str) -> Scenes:
    """Scenes of a published version's captions. Raises UsageError when it is no subject's, or of another class."""
    manifest = manifests.read(folder)
    if manifest.recipe != "subject":
        raise UsageError("--subject is no dataset of a subject", seen=f"{folder}, a {manifest.recipe} dataset",
                         allowed="what `build subject` published", next_command=_NEXT)
    try:
        tables = [pq.read_table(path, columns=["scene", "class_name"]) for split in manifest.splits
                  for path in shards(folder, split)]
        rows = [row for table in tables for row in table.to_pylist()]
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise UsageError(f"the subject dataset is damaged: {error}", seen=str(folder),
                         next_command=f"build verify {folder}") from None
    other = next((row["class_name"] for row in rows if row["class_name"].casefold() != class_name.casefold()), None)
    if other is not None:
        raise UsageError("--class-name is not the subject's", seen=class_name, allowed=other)
    scenes = tuple(dict.fromkeys(row["scene"] for row in rows))
    return Scenes(scenes, {"subject": manifest.content_digest})
