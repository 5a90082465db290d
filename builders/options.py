"""Options of a recipe as one frozen dataclass: its fields are the command's options, in this order.

Each field carries its help, so the command line, the documentation and the manifest cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from builders.fields import (
    PLACES,
    address_option,
    check,
    engine_option,
    gpus_option,
    out_option,
    version_option,
    workers_here,
    workers_option,
)
from builders.slices import Slice
from schemas.errors import UsageError
from schemas.locations import Location
from schemas.terminal.fields import log_option, option

_NOT_CONTENT = {*PLACES, "root", "shard", "dry_run", "exclude"}


@dataclass(frozen=True, kw_only=True)
class Retribooru:
    """Options of `build retribooru`."""

    source: str = option("", "where the pictures come from", group="source",
                         choices=("sample", "danbooru2019", "danbooru", "folder"))
    root: Path | None = option(None, "the mirror's or folder's root (danbooru2019, danbooru, folder)",
                               group="source", metavar="DIR")
    count: int = option(400, "figure files to draw (sample)", group="source", low=20, high=1_000_000, metavar="N")
    limit: int = option(0, "take only the first N rows that pass the tag filters; 0 takes all", group="source", low=0,
                        metavar="N")
    exclude: Path | None = option(None, "file of what to leave out, one a line: post ids, md5s, names of artists, "
                                  "characters, people's folders or rows; post:, md5:, artist: or name: says which",
                                  group="source", metavar="FILE")

    out: Location = out_option()
    version: str = version_option()
    dry_run: bool = option(False, "read metadata and filter by tags, print the funnel, write nothing", group="output")
    log: str = log_option()

    models: str = option("", "light: ours, packaged, offline; paper: the paper's weights. Default: light for sample, "
                         "paper otherwise", group="running", choices=("", "light", "paper"))
    faces: str = option("", "face detector: light, paper, an ONNX export of a YOLO, or OWNER/NAME[@REVISION]:FILE on "
                        "the Hub. Default: as --models", group="running", metavar="WHICH")
    masks: str = option("", "matte network, as --faces: light, paper, an ONNX file, or a file on the Hub",
                        group="running", metavar="WHICH")
    answers: str = option("", "who answers about the clothes: light; paper, a folder or OWNER/NAME[@REVISION] on the "
                          "Hub, an InstructBLIP; http://HOST:PORT/v1[#MODEL], an OpenAI-compatible vision endpoint. "
                          "Default: as --models", group="running",
                          metavar="WHICH")
    workers: int = workers_option(2)
    engine: str = engine_option()
    address: str = address_option()
    gpus: float = gpus_option()
    shard: str = option("", "look at the I-th of N slices of the identities only, beside other such jobs; when all "
                        "are done, `build publish OUT` makes the version", group="running", metavar="I/N")
    seed: int = option(0, "seed of the sample's drawings and of the split", group="running", low=0, metavar="S")

    ratings: str = option("general,sensitive", "ratings to keep, comma separated; Danbooru2019's \"s\" is general",
                          group="thresholds", metavar="LIST")
    min_side: int = option(128, "shorter side in pixels", group="thresholds", low=1, high=65_535, metavar="PX")
    max_pixels: int = option(64_000_000, "pixels that a file's header may claim", group="thresholds", low=1,
                             metavar="N")
    max_bytes: int = option(64_000_000, "size of a file in bytes", group="thresholds", low=1, metavar="N")
    face_score: float | None = option(None, "least score of a face box, 0..1. Default: what the detector recommends",
                                      group="thresholds", low=0, high=1, metavar="S")
    face: str = option("", "one: exactly one face, as the paper; any: pictures without just one stay, with no box. "
                       "Default: any for folder, one otherwise", group="thresholds", choices=("", "one", "any"))
    matte_min: float | None = option(None, "least share of the picture that the figure covers. Default: 0 for folder, "
                                     "0.08 otherwise", group="thresholds", low=0, high=1, metavar="X")
    matte_max: float | None = option(None, "greatest share of the picture that the figure covers. Default: 1 for "
                                     "folder, 0.95 otherwise", group="thresholds", low=0, high=1, metavar="X")
    margin: float = option(0.05, "margin round the figure cut out of a whole picture, as a share of its longer side",
                           group="thresholds", low=0, high=1, metavar="X")

    match: str = option("artist", "artist: references share character and artist, as the paper; character: the "
                        "character only", group="grouping", choices=("artist", "character"))
    match_rule: str = option("visible", "when two pictures' answers agree. strict: every answer is equal, as the paper "
                             "says; visible: nothing that one shows contradicts the other, which is the same where "
                             "both show the whole outfit; overlap: what both answer has something in common; "
                             "identity: answers are not compared",
                             group="grouping", choices=("strict", "visible", "overlap", "identity"))
    near_distance: int = option(10, "most of the 64 bits of two pictures' hashes that differ in near copies, which are "
                                "never each other's references", group="grouping", low=0, high=11, metavar="BITS")
    near_likeness: float = option(0.9, "least correlation of the 16 x 16 thumbnails of near copies", group="grouping",
                                  low=-1, high=1, metavar="X")
    family_distance: int = option(20, "the same distance for posts that are parent and child, or siblings",
                                  group="grouping", low=0, high=64, metavar="BITS")
    family_likeness: float = option(0.7, "the same correlation for posts that are parent and child, or siblings",
                                    group="grouping", low=-1, high=1, metavar="X")
    test_seen: float = option(0.04, "share of rows held out as other outfits of training characters",
                              group="grouping", low=0, high=0.5, metavar="X")
    test_unseen: float = option(0.04, "share of characters held out whole", group="grouping", low=0, high=0.5,
                                metavar="X")

    def __post_init__(self) -> None:
        if not self.source:
            raise UsageError("--source is missing", allowed=", ".join(_choices(self, "source")),
                             next_command="build retribooru --source sample --out OUT")
        check(self)
        if self.source != "sample" and self.root is None:
            raise UsageError(f"--source {self.source} needs --root", allowed="the folder that holds it",
                             next_command=f"build retribooru --source {self.source} --root DIR --out {self.out}")
        if self.shard:
            Slice.read(self.shard)
        if self.matte[0] >= self.matte[1]:
            raise UsageError("--matte-min must be under --matte-max", seen=self.matte)

    def absolute(self) -> Retribooru:
        """The same options with whole paths, for who runs in another folder."""
        places: dict[str, Any] = {name: value.absolute() for name in ("root", "out", "exclude")
                                  if (value := getattr(self, name))}
        places |= {role: str(Path(name).absolute()) for role in ("faces", "masks", "answers")
                   if (name := getattr(self, role)) not in ("", "light", "paper") and Path(name).exists()}
        return replace(self, **places)

    @property
    def workers_here(self) -> int:
        """Processes for what is done on this machine, whichever the engine: of a cluster it is only one node."""
        return workers_here(self)

    @property
    def slice(self) -> Slice | None:
        """What --shard asks for, None for a whole build. Raises UsageError when it is not I/N."""
        return Slice.read(self.shard) if self.shard else None

    @property
    def backend(self) -> str:
        """"light" or "paper", the default resolved."""
        return self.models or ("light" if self.source == "sample" else "paper")

    def weights(self, role: str) -> str:
        """What was asked for as "faces", "masks" or "answers", the default resolved."""
        return str(getattr(self, role)) or self.backend

    @property
    def matte(self) -> tuple[float, float]:
        """Least and greatest coverage, the defaults resolved: a folder can hold more than anime figures."""
        low, high = (0.0, 1.0) if self.source == "folder" else (0.08, 0.95)
        return (low if self.matte_min is None else self.matte_min, high if self.matte_max is None else self.matte_max)

    @property
    def needs_face(self) -> bool:
        """Whether a row must have exactly one face, the default resolved."""
        return (self.face or ("any" if self.source == "folder" else "one")) == "one"

    def published(self) -> dict[str, object]:
        """What the manifest says: every option that can change the content, defaults resolved, no paths."""
        said: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)
                                   if one.name not in _NOT_CONTENT}
        named = {role: Path(name).name if Path(name).exists() else name
                 for role in ("faces", "masks", "answers") for name in [self.weights(role)]}
        if named["answers"].startswith(("http:", "https:")):  # which model it was stands among the models
            named["answers"] = "endpoint"
        return said | named | {"models": self.backend, "face": "one" if self.needs_face else "any",
                       "matte_min": self.matte[0], "matte_max": self.matte[1]}


def _choices(options: Retribooru, name: str) -> tuple[str, ...]:
    return next(tuple(one.metadata["choices"]) for one in fields(options) if one.name == name)
