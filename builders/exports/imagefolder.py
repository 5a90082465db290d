"""The imagefolder that `datasets` reads: pictures, and every column in one file."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from builders.exports.rows import Export


def imagefolder(export: Export) -> None:
    """images/, masks/ where rows have mattes, and metadata.jsonl with file_name, mask_file_name and all columns."""
    with (export.folder / "metadata.jsonl").open("x", encoding="utf-8", newline="\n") as file:
        for row in export.rows():
            names = {"file_name": export.picture(row)}
            if "mask" in row:
                place = f"masks/{PurePosixPath(names['file_name']).stem}.png"
                names["mask_file_name"] = export.write(place, row["mask"]["bytes"])
            columns = {key: value for key, value in row.items() if key not in ("image", "mask")}
            file.write(json.dumps(names | columns, ensure_ascii=False) + "\n")
