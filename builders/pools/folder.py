"""A folder of pictures, at any depth: NAME.txt beside NAME.jpg is the text of the picture."""

from __future__ import annotations

from pathlib import Path

from builders.pools.base import OWN, Pool, Rows, text_of
from builders.sources import folder
from builders.sources.trees import COUNTED, OUTPUT, check_root, printable, walk
from schemas.records import Post, Rejected, drop


class PictureFolder(Pool):
    """Pictures below `root`, those that a build wrote left out. Raises UsageError when `root` is no folder."""

    name = "folder"
    licence = OWN

    def __init__(self, root: Path, out: Path, limit: int = 0) -> None:
        check_root(root, "--pool")
        super().__init__(f"folder:{root.name}", root, limit)
        self._out = out

    def rows(self) -> Rows:
        """The pictures in path order; a row's id is its path without the extension."""
        here, taken = "", set[str]()
        for path, _, verdict in walk(self.root, skip=self._out):
            if verdict in (*COUNTED, OUTPUT):
                self.count(verdict)
            elif verdict or not path.isprintable():
                shown = printable(path)
                yield Rejected(shown, shown, drop(verdict or "bad_name", value=shown))
            else:
                if (parent := path.rpartition("/")[0]) != here:
                    here, taken = parent, set()
                yield Post(id=folder.row_id(path, taken), path=str(self.root / path), text=self._text(path))

    def _text(self, path: str) -> str:
        file = (self.root / path).with_suffix(".txt")
        if not file.exists() and not file.is_symlink():
            return ""
        said = folder.text_of(self.root, file)
        self.count("bad_text_files" if said is None else "pictures_with_text")
        return text_of(said)
