"""The data files of a published version, as those who read one back find them."""

from __future__ import annotations

import re

from schemas.locations import Location


def shards(folder: Location, split: str) -> list[Location]:
    """The Parquet files of a split, in order. Raises OSError when data/ cannot be listed, which a glob would hide."""
    name = re.compile(re.escape(split) + r"-[0-9]+-of-[0-9]+\.parquet")
    return sorted(path for path in (folder / "data").iterdir() if name.fullmatch(path.name))
