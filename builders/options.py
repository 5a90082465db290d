"""Options of a recipe as one frozen dataclass: its fields are the command's options, in this order.

Each field carries its help, so the command line, the documentation and the manifest cannot disagree.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from upath import UPath

from builders.slices import Slice
from schemas.errors import UsageError
from schemas.locations import Location

# Kept out of the manifest: they do not change what is built, or they are a place on this machine.
_NOT_CONTENT = {"root", "out", "workers", "engine", "address", "gpus", "shard", "dry_run", "log", "exclude"}


def option(default: Any, text: str, *, group: str, choices: tuple[str, ...] = (), low: float | None = None,
           high: float | None = None, metavar: str = "") -> Any:
    """A dataclass field with help text, help group, allowed values or an inclusive range."""
    return field(default=default, metadata={"help": text, "group": group, "choices": choices, "low": low,
                                            "high": high, "metavar": metavar})


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

    out: Location = option(Path(), "folder for published versions and the store of annotations, or a URL such as "
                           "s3://bucket/folder", group="output", metavar="OUT")
    version: str = option("1.0.0", "version to publish; a published one never changes", group="output",
                          metavar="X.Y.Z")
    dry_run: bool = option(False, "read metadata and filter by tags, print the funnel, write nothing", group="output")
    log: str = option("text", "progress as text, or as JSON lines on stderr", group="output",
                      choices=("text", "json"))

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
    workers: int = option(2, "worker processes; the result does not depend on it", group="running", low=1, high=512,
                          metavar="N")
    engine: str = option("local", "where the workers run: local, this machine; ray, a Ray cluster", group="running",
                         choices=("local", "ray"))
    address: str = option("", "the Ray cluster to join: HOST:PORT of its head, or auto for the one on this machine. "
                          "Default: one is started here for the build", group="running", metavar="WHERE")
    gpus: float = option(0.0, "GPUs that each worker asks Ray for; 0.5 puts two workers on one", group="running",
                         low=0, high=64, metavar="G")
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
        if self.out == Path():
            raise UsageError("--out is missing", allowed="a folder", next_command="add --out OUT")
        for one in fields(self):
            _check(one.name, getattr(self, one.name), one.metadata)
        if self.source != "sample" and self.root is None:
            raise UsageError(f"--source {self.source} needs --root", allowed="the folder that holds it",
                             next_command=f"build retribooru --source {self.source} --root DIR --out {self.out}")
        if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", self.version):
            raise UsageError("--version is not a version", seen=self.version, allowed="three numbers such as 1.0.0")
        if self.shard:
            Slice.read(self.shard)
        if self.matte[0] >= self.matte[1]:
            raise UsageError("--matte-min must be under --matte-max", seen=self.matte)
        self._check_engine()

    def _check_engine(self) -> None:
        for name in ("address", "gpus"):
            if getattr(self, name) and self.engine != "ray":
                raise UsageError(f"--{name} is for Ray", seen=getattr(self, name), allowed="with --engine ray",
                                 next_command=f"add --engine ray, or leave out --{name}")
        if self.address and not re.fullmatch(r"auto|[^/:\s]+:[0-9]{1,5}", self.address):
            raise UsageError("--address is no address of a Ray cluster", seen=self.address,
                             allowed="HOST:PORT of its head (6379 is usual), or auto")
        if self.gpus > 1 and self.gpus % 1:
            raise UsageError("--gpus is neither a share of one nor a whole number", seen=self.gpus,
                             allowed="0 to 1, 2, 3, ...")

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
        return self.workers if self.engine == "local" else min(self.workers, os.cpu_count() or 1)

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


def _check(name: str, value: Any, allowed: Any) -> None:
    flag = "--" + name.replace("_", "-")
    if isinstance(value, Path | UPath) and not _writable_name(value):
        raise UsageError(f"{flag} is no UTF-8 name", seen=value, allowed="a path that can be written as text")
    if value is None:
        return
    if allowed["choices"] and value not in allowed["choices"]:
        raise UsageError(f"{flag} is not known", seen=value, allowed=", ".join(filter(None, allowed["choices"])))
    low, high = allowed["low"], allowed["high"]
    if not ((low is None or value >= low) and (high is None or value <= high)):  # so that nan is out of range too
        raise UsageError(f"{flag} is out of range", seen=value,
                         allowed=f"{'' if low is None else low} to {'any' if high is None else high}")


def _writable_name(path: Location) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
