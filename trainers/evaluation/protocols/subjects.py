"""What a plan is made of: subjects that were trained, characters of a dataset, concepts that were inverted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from schemas.draws import draw
from schemas.errors import UsageError
from schemas.prompts import Kind
from trainers.evaluation.plans import REAL, Job


class Picture(NamedTuple):
    """A picture by the id that `Plan.pictures` knows it by, unique over all runs, and its caption."""

    id: str
    caption: str = ""
    """without a token: "a backpack on a rock"; "" where there is none"""


class Subject(NamedTuple):
    """A subject that a run was trained on."""

    run: str
    """name of the run's folder"""
    name: str
    """row of the table: for DreamBench's facts its folder's name"""
    token: str
    class_name: str
    """class words as the run was trained with them"""
    kind: Kind
    pictures: Sequence[Picture]
    """those that it was trained on"""
    alone: bool = False
    """whether the token stands for the class words, too, as after textual inversion"""


class Row(NamedTuple):
    """A row of a held-out split of RetriBooru."""

    id: str
    """that `Plan.pictures` knows its picture by"""
    character: str
    """raw tag: "hakurei_reimu\""""
    prompts: str
    """the column: general tags"""
    references: Sequence[str]
    """ids of rows of the split that show the same identity and are other files (`Identities.references`)"""
    cuts: Sequence[str] = ()
    """what `Plan.pictures` has of it beside the whole figure, by `cut`: "face", "clothes\""""


class People(NamedTuple):
    """The characters that may be drawn."""

    seen: Sequence[Row] = ()
    """of `test_seen`: outfits of characters that have others in train"""
    unseen: Sequence[Row] = ()
    """of `test_unseen`"""
    given: Mapping[str, Sequence[str]] = {}
    """characters of no split: by name the ids of their pictures"""


class Inverted(NamedTuple):
    """A run that learnt a token for a concept from pictures that a strategy chose."""

    run: str
    concept: str
    """in words: "emperor penguin chick\""""
    strategy: str
    """--select of `trainers coti`: "coti", "random", "full", ...; or "inversion\""""
    token: str
    pictures: Sequence[Picture]
    """real ones that drawn ones are compared with; the same for all runs of a concept"""


def cut(picture: str, concept: str) -> str:
    """Id by which `Plan.pictures` knows what is shown of a picture: "face" and "clothes" are cut out of it."""
    return picture if concept == "figure" else f"{picture}#{concept}"


def number(*words: str) -> int:
    """A seed, 0 .. 2^32 - 1, that follows from these words alone."""
    return draw("evaluate", *words) % 2**32


def file_name(name: str) -> str:
    """A name as part of a path that is safe on any file system, others for others: where it is changed, a digest
    follows."""
    safe = re.sub(r"[^a-z0-9_-]+", "_", name.lower())[:48]
    return safe if safe and safe == name else f"{safe}-{draw('file name', name) % 16**8:08x}"


def once(what: str, names: Iterable[str], next_command: str) -> None:
    """Raises UsageError for the first of these names that comes again."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"two of one {what}", seen=name, allowed="one of each", next_command=next_command)
        seen.add(name)


def check_protocol(protocol: str, known: Sequence[str]) -> None:
    """Raises UsageError unless it is one of the known."""
    if protocol not in known:
        raise UsageError("--protocol is not known", seen=protocol, allowed=", ".join(known))


def real(run: str, subject: str, pictures: Sequence[Picture], texts: Sequence[Mapping[str, str]],
         most: int = 0) -> list[Job]:
    """The jobs that score a subject's own pictures, each against the others, at most so many of them where `most` is
    not 0; none for a lone picture. `texts` are those of each picture, by metric."""
    ids = [picture.id for picture in pictures]
    jobs = []
    for at, (one, said) in enumerate(zip(ids, texts, strict=True)):
        others = [ids[(at + step) % len(ids)] for step in range(1, len(ids))]
        jobs.append(Job(key=f"real/{file_name(subject)}/{at:04}", run=run, subject=subject, group=REAL, target=one,
                        texts=said, like=tuple(others[:most or None])))
    return jobs if len(ids) > 1 else []
