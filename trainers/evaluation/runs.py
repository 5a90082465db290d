"""Runs of `trainers METHOD` as an evaluation finds them: what they are, and what they were trained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, cast

import msgspec

from schemas.dreambench import SUBJECTS
from schemas.errors import UsageError
from schemas.prompts import Kind
from schemas.tags import prompt
from trainers.baselines.objects import captioned
from trainers.data import open_data
from trainers.evaluation.pictures import Pictures, folder_of
from trainers.evaluation.protocols.subjects import Inverted, Picture, Subject
from trainers.options import RECORD
from trainers.tiny import KINDS

Takes = Literal["none", "one", "many"]
TAKES: dict[str, Takes] = {
    "dreambooth": "none", "inversion": "none", "coti": "none", "custom": "none", "base": "none", "ip-adapter": "one",
    "controlnet": "one", "fastcomposer": "one", "kandinsky": "one", "retrinet": "many",
}
"""By method, how many references its pipeline is shown. "base" is a model that no run trained."""
_INDEX = "model_index.json"
_SCALED = ("ip-adapter", "controlnet", "fastcomposer")
_ALLOWED = f"OUT of a finished run of trainers, a folder of such folders, or a base: tiny, a folder with {_INDEX}"
_Options = TypeVar("_Options")


class _Base(msgspec.Struct):
    name: str
    pipeline: str
    sha256: str


class _Said(msgspec.Struct):
    """Of `Record.options`, what every method has, and what those that have it are asked for here."""

    out: str
    data: str | None = None
    resolution: int | None = None
    references: int | None = None


class _Record(msgspec.Struct):
    """What run.json must hold."""

    method: str
    finished: bool
    base: _Base
    options: _Said
    facts: dict[str, Any]


class _Index(msgspec.Struct):
    """What model_index.json must."""

    pipeline: str = msgspec.field(name="_class_name")


class Run(NamedTuple):
    """A finished run."""

    folder: Path
    name: str
    """of the folder"""
    method: str
    """a key of TAKES"""
    said: Mapping[str, Any]
    """run.json; empty of a base"""
    data: str = ""
    """in place of what it was trained on"""

    @property
    def takes(self) -> Takes:
        """How many references its pipeline is shown. Kandinsky's prior is told a prompt alone."""
        return "none" if self.said.get("options", {}).get("part") == "prior" else TAKES[self.method]

    @property
    def scales(self) -> bool:
        """Whether its pipeline heeds `Job.scale`."""
        return self.method in _SCALED

    @property
    def concepts(self) -> tuple[str, ...]:
        """What each reference that its pipeline is shown is: "figure", or in turn "clothes" and "face" after training
        to compose."""
        if self.takes != "many":
            return ("figure",) * (self.takes == "one")
        options = self.said["options"]
        words = ("clothes", "face") if options["task"] == "compose" else ("figure", "figure")
        return tuple(words[number % 2] for number in range(options["references"]))

    @property
    def written(self) -> Callable[[str, str], str]:
        """What makes a prompt of the columns `prompts` and `character` of a RetriBooru row, as in training."""
        return captioned if self.method == "fastcomposer" else prompt

    @property
    def sdxl(self) -> bool:
        """Whether it is of Stable Diffusion XL."""
        return "XL" in str(self.base["pipeline"])

    @property
    def base(self) -> Mapping[str, str]:
        """Of the model that it was trained on: name, pipeline, sha256, licence and, of the Hub, revision."""
        if self.said:
            return cast(Mapping[str, str], self.said["base"])
        kind = "StableDiffusionXLPipeline" if self.name == "tiny-sdxl" else "StableDiffusionPipeline"
        if self.folder.is_dir():
            kind = _read(self.folder / _INDEX, _Index)[1].pipeline
        return {"name": self.name, "pipeline": kind}

    def options(self, kind: type[_Options]) -> _Options:
        """Its options, as an object of the method's dataclass. Paths are those of the machine that trained."""
        said = self.said["options"]
        return kind(**{one.name: said[one.name] for one in fields(kind) if one.name in said})  # type: ignore[arg-type]

    def located(self, wanted: str) -> str:
        """What its options name, as it is to be found from here: paths may be relative to where the run was begun."""
        out, home = Path(self.said["options"]["out"]), self.folder.resolve()
        if not out.is_absolute() and home.parts[-len(out.parts):] == out.parts:
            there = Path(*home.parts[: -len(out.parts)], wanted)
            return str(there) if there.exists() else wanted
        return wanted


def open_runs(wanted: Sequence[str], data: str = "") -> list[Run]:
    """The runs of these folders, and of folders of such folders, by name. `data` stands in place of what they were
    trained on. Raises UsageError where there is none, or one that is not finished."""
    found = [run for one in wanted for run in _found(one, data)]
    if not found:
        raise UsageError("no run to evaluate", allowed=_ALLOWED, next_command="--run OUT")
    names = [run.name for run in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError("two runs have one name", seen=twice, allowed="folders of different names",
                         next_command="evaluate them apart, then trainers compare OUT OUT")
    return found


def _found(wanted: str, data: str) -> list[Run]:
    folder = Path(wanted)
    if (folder / RECORD).is_file():
        return [_opened(folder, data)]
    if wanted in KINDS or (folder / _INDEX).is_file():
        return [Run(folder, folder.resolve().name, "base", {}, data)]
    if not folder.is_dir():
        raise UsageError("no such run", seen=wanted, allowed=_ALLOWED)
    inside = sorted(path.parent for path in folder.glob(f"*/{RECORD}"))
    if not inside:
        raise UsageError(f"no {RECORD} in that folder", seen=wanted, allowed=_ALLOWED)
    return [_opened(one, data) for one in inside]


def _opened(folder: Path, data: str) -> Run:
    said, record = _read(folder / RECORD, _Record)
    if record.method not in TAKES:
        raise UsageError("a run of an unknown method", seen=f"{folder}: {record.method}", allowed=", ".join(TAKES))
    if not record.finished:
        raise UsageError("a run that is not finished", seen=str(folder), allowed=_ALLOWED,
                         next_command="the command that began it, with --resume")
    run = Run(folder, folder.resolve().name, record.method, said, data)
    try:
        _ = run.concepts, _TOKENS[run.method](run) if run.method in _TOKENS else ()
    except (KeyError, TypeError, ValueError) as error:  # of a method's own words
        raise _unreadable(folder / RECORD, f"{type(error).__name__} {error}") from None
    return run


def _read(path: Path, kind: type[_Options]) -> tuple[dict[str, Any], _Options]:
    """A JSON file as it is, and as what it must hold. Raises UsageError."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return said, msgspec.convert(said, kind)
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from None


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(f"{path.name} cannot be read: {why}", seen=str(path), allowed="what a run wrote",
                      next_command="the command that wrote it, again")


def subjects(run: Run) -> tuple[list[Subject], Pictures]:
    """What a run's tokens stand for, and the pictures that they were learnt from. Raises UsageError for a method
    without a token and for data that are not to be had or not the run's."""
    if run.method not in _TOKENS:
        raise UsageError(f"{run.method} learns no token: this protocol asks for subjects", seen=str(run.folder),
                         allowed=f"runs of {', '.join(_TOKENS)}", next_command="trainers evaluate retribooru")
    made, known = [], Pictures()
    for flag, wanted, token in _TOKENS[run.method](run):
        opened = open_data(wanted, "--data", "", ())
        recorded = run.said.get("data", {}).get(flag, {}).get("digest")
        if flag and not run.data and opened.digest != recorded:
            raise UsageError("the data are not those that the run was trained on", seen=wanted,
                             allowed=f"content {str(recorded)[:16]}", next_command="--data DATA, to take others")
        columns = [one for one in ("id", "class_name", "kind", "subject", "caption") if one in opened.rows.column_names]
        rows = opened.rows.select_columns(columns).to_list()
        said, name = run.said.get("options", {}), _agreed(rows, "subject")
        if name not in SUBJECTS:  # else the folder of the photos, which may have any name
            within = Path(wanted).resolve().is_relative_to(run.folder.resolve())
            # What `personalize` builds in its OUT has one name for all subjects.
            name = str(said.get("concept") or (within and name) or opened.name)
        class_name = _agreed(rows, "class_name") or str(said.get("concept") or said.get("initial") or "")
        if not class_name:
            raise UsageError("the data tell no class", seen=wanted, allowed="rows with one class_name",
                             next_command="build subject --images DIR --class-name WORDS --out OUT")
        ids = known.rows(opened.rows, f"{run.name}/{len(made)}")
        pictures = [Picture(one, row.get("caption") or "") for one, row in zip(ids, rows, strict=True)]
        kind = cast(Kind, _agreed(rows, "kind") or "object")
        made.append(Subject(run.name, name, token or class_name, class_name, kind, pictures,
                            alone=run.method in ("inversion", "coti", "base")))
    return made, known


def inverted(run: Run, real: Path | None = None) -> tuple[Inverted, Pictures]:
    """The concept of a run of coti or inversion. What it draws is compared with the pictures of the folder `real`,
    else with the seeds of its pool, or what it was trained on. Raises UsageError for other methods."""
    if run.method not in ("coti", "inversion"):
        raise UsageError(f"{run.method} inverts no concept", seen=str(run.folder), allowed="runs of coti and inversion")
    options = run.said["options"]
    [subject], known = subjects(run)
    ids, concept = [one.id for one in subject.pictures], subject.class_name
    if real is not None:
        known = Pictures()
        ids = known.files(folder_of(real, "--real"), f"real/{concept}")
    elif run.method == "coti":
        known = Pictures()
        wanted = run.data or run.located(options["pool"])
        ids = known.rows(open_data(wanted, "--data", "coti", (), split="seed").rows, f"real/{concept}")
    return Inverted(run.name, concept, options.get("select", "inversion"), run.said["facts"]["token"],
                    [Picture(one) for one in ids]), known


def _agreed(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    """What all rows say in a column; "" where they do not agree."""
    said = {row.get(column) or "" for row in rows}
    return str(said.pop()) if len(said) == 1 else ""


def _one(run: Run) -> list[tuple[str, str, str]]:
    return [("data", run.data or run.located(run.said["options"]["data"]), run.said["facts"]["token"])]


def _chosen(run: Run) -> list[tuple[str, str, str]]:
    return [("", str(run.folder / "selected"), run.said["facts"]["token"])]


def _several(run: Run) -> list[tuple[str, str, str]]:
    from trainers.custom_options import Custom

    wanted = [run.data or run.located(one) for one in run.options(Custom).concepts]
    return [(f"data {number + 1}" if number else "data", one, token)
            for number, (one, token) in enumerate(zip(wanted, run.said["facts"]["tokens"], strict=True))]


def _none(run: Run) -> list[tuple[str, str, str]]:
    if not run.data:
        raise UsageError("a base was trained on no subject", seen=run.name, allowed="a dataset of one",
                         next_command="--data DATA")
    return [("", run.data, "")]  # its class words are all that it knows of it


_TOKENS = {"dreambooth": _one, "inversion": _one, "coti": _chosen, "custom": _several, "base": _none}
"""By method, its tokens: the name of the dataset in run.json, where it lies, and the token."""
