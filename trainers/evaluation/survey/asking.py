"""`trainers survey`: the page that asks, made of pictures that evaluations drew."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
from PIL import Image

from annotators import images
from schemas import atomic
from schemas.errors import RowError, UsageError
from trainers.evaluation.results import read
from trainers.evaluation.survey.asking_options import Survey
from trainers.evaluation.survey.questions import Evaluated, Form, Question, drawn

SIDE = 512
"""Pixels of a picture's longer side on the page, at most: all runs are shown alike, and 300 pairs stay easy to send."""
_PAGE = Path(__file__).with_name("page.html")


def run(options: Survey) -> int:
    """Writes OUT; returns the exit code. Raises UsageError."""
    runs, benchmark, protocol = opened(options.folders)
    groups, each = options.each
    questions = drawn(runs, groups, each, options.seed)
    with atomic.whole(options.out) as folder:
        pictures = Pictures(folder / "page" / "pictures")
        form = Form(benchmark=benchmark, protocol=protocol, seed=options.seed, groups=groups,
                    runs=tuple(one.name for one in runs), questions=questions,
                    pictures=tuple(shown(one, runs, pictures) for one in questions)).named()
        (folder / "page" / "index.html").write_bytes(page(form))
        (folder / "survey.json").write_bytes(msgspec.json.format(msgspec.json.encode(form), indent=1) + b"\n")
    print(f"{options.out}: {len(questions)} questions in {groups} groups; hand out the folder page, keep survey.json")
    return 0


def opened(folders: Sequence[Path]) -> tuple[list[Evaluated], str, str]:
    """The evaluations, their benchmark and protocol. They are called by their names, or, where two have the same, by
    their folders. Raises UsageError where one cannot be read or they differ."""
    found = [read(folder) for folder in folders]
    done = {(str(one.said["benchmark"]), str(one.said["protocol"])) for one in found}
    if len(done) > 1:
        raise UsageError("--runs were not evaluated alike", seen=", ".join(sorted(map(" ".join, done))),
                         allowed="evaluations by one protocol of one benchmark")
    names = [str(one.said.get("name", one.folder.name)) for one in found]
    if len(set(names)) < len(names):
        names = [str(one.folder) for one in found]
    return ([Evaluated(name, one.folder, one.scored.jobs) for name, one in zip(names, found, strict=True)], *done.pop())


class Pictures:
    """The pictures of the page, each written once, whose names tell nothing of runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._names: dict[Path, str] = {}

    def name(self, path: Path) -> str:
        """Its name below the page. Raises UsageError for one that is missing or damaged."""
        if path not in self._names:
            try:
                data = images.read(path)
                picture = images.upright(data)
            except RowError as error:
                raise UsageError(f"a picture of the evaluation cannot be read: {error}", seen=str(path),
                                 next_command="the command that evaluated, again") from None
            name = f"{hashlib.sha256(data).hexdigest()[:16]}.jpg"
            picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            picture.save(self.folder / name, "JPEG", quality=95, subsampling=0)
            self._names[path] = f"pictures/{name}"
        return self._names[path]


def shown(question: Question, runs: Sequence[Evaluated], pictures: Pictures) -> tuple[str, str, str]:
    """The names of its left picture, its right one and its reference, "" where it has none."""
    first, second = (runs[at].picture(question.key) for at in question.pair)
    left, right = (second, first) if question.swapped else (first, second)
    reference = runs[question.pair[0]].picture(question.reference) if question.reference else None
    return pictures.name(left), pictures.name(right), pictures.name(reference) if reference else ""


def page(form: Form) -> bytes:
    """index.html: what is asked, and nothing that tells which run drew a picture."""
    asked = [{"id": one.id, "group": one.group, "kind": one.kind, "text": one.text, "left": left, "right": right,
              "reference": reference}
             for one, (left, right, reference) in zip(form.questions, form.pictures, strict=True)]
    told = msgspec.json.encode({"id": form.id, "groups": form.groups, "questions": asked}).decode()
    # In JSON "<" stands in strings alone; as it is, a prompt could end the script.
    return _PAGE.read_text(encoding="utf-8").replace("SURVEY-DATA", told.replace("<", "\\u003c")).encode()
