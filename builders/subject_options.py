"""Options of `build subject`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from builders.fields import check, out_option, version_option
from builders.sources.trees import printable
from schemas.dreambench import SUBJECTS
from schemas.errors import UsageError
from schemas.locations import Location
from schemas.prompts import SLOT, Kind
from schemas.terminal.fields import check_class_name, log_option, option

_EXAMPLE = "build subject --images DIR --class-name backpack --out OUT"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Options of `build subject`."""

    images: Path | None = option(None, "folder with the subject's pictures; captions.txt in it, one line a picture in "
                                 "the order of their names sorted as text (1, 10, 2), or NAME.txt beside each "
                                 "picture, are captions by hand", group="source", metavar="DIR")
    class_name: str = option("", "what the subject is, in the words of the captions: backpack, duck toy, dog",
                             group="source", metavar="WORDS")
    kind: str = option("", "object, animal or person. Default: object", group="source",
                       choices=("", "object", "animal", "person"))
    dreambench: Path | None = option(None, "folder with DreamBench's subjects, SUBJECT/NN.jpg: one dataset for each "
                                     "that is there, OUT/SUBJECT/X.Y.Z, with the class names of the paper's Table 3",
                                     group="source", metavar="DIR")

    out: Location = out_option()
    version: str = version_option()
    log: str = log_option()

    token: str = option("olis", "identifier that is put before the class words, one word", group="captions",
                        metavar="WORD")
    captioner: str = option("paper", "who writes captions where none are by hand: light, ours, offline; paper, BLIP; a "
                            "folder or OWNER/NAME[@REVISION] on the Hub, any other BLIP", group="captions",
                            metavar="WHICH")

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_name", " ".join(self.class_name.split()))
        if (self.images is None) == (self.dreambench is None):
            raise UsageError("--images or --dreambench, one of them, says where the pictures are",
                             allowed="a folder of one subject, or one of DreamBench's", next_command=_EXAMPLE)
        check(self)
        if self.dreambench is None:
            check_class_name(self.class_name, _EXAMPLE)
        elif self.class_name or self.kind:
            raise UsageError("--class-name and --kind are for --images; DreamBench's are known",
                             seen=self.class_name or self.kind, next_command="leave them out")
        if not re.fullmatch(r"\S+", self.token) or not self.token.isprintable() or SLOT in self.token:
            raise UsageError("--token is not one word", seen=self.token, allowed="a rare word such as olis")
        if any(self.token.casefold() in one.class_name.casefold().split() for one in self.wanted()):
            raise UsageError("--token is a word of the class", seen=self.token, allowed="a rare word such as olis")
        if os.path.realpath(str(self.out)) == os.path.realpath(self.root):
            raise UsageError("--out is the folder of the pictures", seen=str(self.out), allowed="another folder",
                             next_command=f"the same command with --out {self.root.parent / 'out'}")

    @property
    def root(self) -> Path:
        """The folder that was given."""
        return cast(Path, self.images or self.dreambench)

    def wanted(self) -> list[Wanted]:
        """The subjects that may be built; those of DreamBench whether or not they are there."""
        if self.dreambench is not None:
            return [Wanted(self.dreambench / one.name, one.name, one.class_name, one.kind, self.out / one.name)
                    for one in SUBJECTS.values()]
        name = printable(Path(os.path.abspath(self.root)).name)  # noqa: PTH100, as resolving would follow a link
        return [Wanted(self.root, name, self.class_name, cast(Kind, self.kind or "object"), self.out)]


@dataclass(frozen=True)
class Wanted:
    """A subject to build."""

    folder: Path
    name: str
    """The folder's."""
    class_name: str
    kind: Kind
    out: Location
