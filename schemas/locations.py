"""Files and folders on this machine, or below a URL of an object store (through fsspec)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from upath import UPath

from schemas.errors import UsageError

Location = Path | UPath
"""A path on this machine is always a Path, what lies below a URL never is."""

_MEANT = "a path, or a URL such as s3://bucket/folder"


def location(text: str) -> Location:
    """Reads a path or a URL such as s3://bucket/folder. Raises UsageError for a URL that cannot be opened from here."""
    if "://" not in text:
        # In full, because an empty path, which means that none was given, is equal to ".".
        return Path.cwd() if text and Path(text) == Path() else Path(text)
    kind, _, rest = text.partition("://")
    if kind in ("file", "local"):
        return Path(rest)
    if kind == "memory":
        raise UsageError("workers are processes, which do not share memory", seen=text, allowed=_MEANT)
    try:
        found = UPath(text.rstrip("/"), use_listings_cache=False)  # workers write what this process must see
        _ = found.fs  # imports what it needs
    except ImportError as error:
        raise UsageError(f"{kind}:// needs a package: {error}", seen=text, allowed=_MEANT,
                         next_command="pip install 'likeness[s3]'" if kind == "s3" else "") from None
    except ValueError as error:
        raise UsageError(f"not a URL that can be opened: {error}", seen=text, allowed=_MEANT) from None
    return found


def readable(path: Location) -> Any:
    """What pyarrow can read a file from: its path, or the open file below a URL, which fetches just what is asked."""
    return path if isinstance(path, Path) else path.open("rb", cache_type="none")
