"""A mirror made larger: every post again under another id, by other people, in a picture cropped a little."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import shutil
from pathlib import Path

from PIL import Image

APART = 4_000_000
"""Between the ids of one post's copies; Danbooru2019 ends at 3,734,660."""


def multiply(mirror: Path, times: int, out: Path) -> None:
    """Writes `times` copies of the drawn `mirror` into one at `out`; does nothing when it stands there.

    Characters and artists of each copy are others, and its pictures other files: 4 pixels less on the left for each,
    encoded again. What cannot be opened is copied as it is.
    """
    if out.exists():
        return
    unfinished = out.with_name(out.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    for path in sorted((mirror / "metadata").rglob("*")):
        if path.is_file():
            opened = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
            target = unfinished / path.relative_to(mirror)
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened(path, "rt", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                lines = file.read().split("\n")
            with opened(target, "wt", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                file.write("\n".join(_record(line, copy) for copy in range(times) for line in lines))
    figures = mirror / "danbooru2019-figures"
    for path in sorted(figures.rglob("*.*")):
        if path.is_file() and not path.is_symlink() and path.name.split(".")[0].split("_")[0].isdigit():
            for copy in range(times):
                _picture(path, copy, unfinished / figures.name)
    unfinished.rename(out)


def _record(line: str, copy: int) -> str:
    try:
        record = json.loads(line)
        number = int(record["id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return line
    if not copy:
        return line
    record["id"] = str(number + copy * APART)
    if str(record.get("parent_id") or 0).isdigit() and int(record.get("parent_id") or 0):
        record["parent_id"] = str(int(record["parent_id"]) + copy * APART)
    for tag in record.get("tags") or []:
        if isinstance(tag, dict) and str(tag.get("category")) in "14":
            tag |= {"name": f"{tag.get('name')}_{copy}", "id": f"{tag.get('id')}{copy}"}
    for kind in ("artist", "character"):
        if names := str(record.get(f"tag_string_{kind}") or "").split():
            record[f"tag_string_{kind}"] = " ".join(f"{name}_{copy}" for name in names)
    return json.dumps(record)


def _picture(path: Path, copy: int, figures: Path) -> None:
    digits, rest = path.name.split(".", 1)[0].split("_", 1)[0], path.name
    number = int(digits) + copy * APART
    target = figures / f"{number % 1000:04d}" / rest.replace(digits, str(number), 1)
    target.parent.mkdir(parents=True, exist_ok=True)
    if copy:
        try:
            with Image.open(path) as image:
                cut = image.convert("RGB").crop((4 * copy, 0, *image.size))
            made = io.BytesIO()
            cut.save(made, "JPEG", quality=92)
            target.write_bytes(made.getvalue())
            return
        except (OSError, ValueError, Image.DecompressionBombError):
            pass
    shutil.copyfile(path, target)
