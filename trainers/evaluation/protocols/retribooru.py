"""RetriBooru: how well a model that is shown references keeps a character and follows a prompt (section 3.1, Table 3).

- `paper`: forty characters of the held-out splits, and those that are given (the paper has ten), by five prompts, by
  five seeds, four pictures each: 5,000 for the fifty.
- `quick`: eight characters and the given, two prompts, two pictures each.
- `scales`: the paper's characters and prompts, the references at .25, .5 and .75 of their strength, four pictures each
  of the same noise.
- `cross`: the face of one character and the clothes of another, four pictures by each prompt.

Where the paper is silent: half of the characters are seen and half unseen in training, more of one where the other has
fewer. Of each a row is drawn; it and its references, four pictures at most, are what similarities are averaged over.
The first of them are shown, as many as the pipeline takes, again from the first where they are fewer. The prompts are
those of rows of as many characters, drawn from rows that are no references themselves while there are such; all
characters have the same. Under `cross` each character gives its face once and its clothes once, to neighbours in the
order drawn, seen to seen and unseen to unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from schemas.draws import draw
from schemas.errors import UsageError
from schemas.tags import prompt
from trainers.evaluation.plans import (
    CLIP_I,
    CLIP_T,
    DINO,
    LEAK,
    LPIPS,
    VQA,
    VQA_AMONG,
    Job,
    Plan,
    Sampler,
    Shown,
    part,
    swd,
)
from trainers.evaluation.protocols.subjects import (
    People,
    Picture,
    Row,
    check_protocol,
    cut,
    file_name,
    number,
    once,
    real,
)

METRICS = (CLIP_I, CLIP_T, swd(CLIP_I, CLIP_T), VQA, swd(VQA, CLIP_I), swd(VQA, CLIP_T), DINO, LPIPS, LEAK)
"""Columns: those of Tables 2 and 3 first."""
APART = tuple(part(metric, name) for metric in (CLIP_I, DINO) for name in ("face", "clothes"))
"""Columns of `cross` beside these."""
FIGURES, COMPOSED = ("figure",) * 4, ("clothes", "face") * 2
"""What RetriNet is shown to reconstruct, and to compose: four references, in the paper's order."""
SCALES = (0.25, 0.5, 0.75)
_REFERENCES = 4


class Counts(NamedTuple):
    """How much a protocol draws of each prompt."""

    characters: int
    prompts: int
    seeds: int
    pictures: int


_COUNTS = {"paper": Counts(40, 5, 5, 4), "quick": Counts(8, 2, 1, 2), "scales": Counts(40, 5, 1, 4),
           "cross": Counts(40, 5, 1, 4)}
PROTOCOLS = tuple(_COUNTS)
_LEAST = {"cross": 2, "scales": 1}
"""References that a pipeline must take."""


class Set(NamedTuple):
    """A character and the pictures that show its identity, in the order in which they are shown."""

    name: str
    group: str
    pictures: Sequence[Picture]
    cuts: Mapping[str, Sequence[str]]
    """by picture, what can be cut out of it"""

    def ids(self, concept: str = "figure") -> tuple[str, ...]:
        """Pictures of which this can be shown."""
        return tuple(one for one, _ in self.pictures if concept in ("figure", *self.cuts.get(one, ())))


class Shoot(NamedTuple):
    """What is drawn by each of the prompts."""

    subject: str
    group: str
    folder: str
    like: tuple[str, ...]
    shown: tuple[Shown, ...]
    apart: Mapping[str, tuple[str, ...]] = {}
    scale: float | None = None


def sampler(protocol: str, sdxl: bool) -> Sampler:
    """How it draws: 50 steps of DDIM at the run's own size. Of its own the paper tells the size alone, 384 pixels."""
    return Sampler(steps=50)


def retribooru(people: People, pictures: Mapping[str, bytes], sampler: Sampler, *, run: str, protocol: str = "paper",
               seed: int = 0, concepts: Sequence[str] = FIGURES, written: Callable[[str, str], str] = prompt) -> Plan:
    """`concepts` is what each reference shows to the pipeline: "figure", "face" or "clothes"; none where it takes
    none. `written` makes what is drawn of a row's columns `prompts` and `character`; pictures are compared with the
    tags in words, whatever it makes.

    Raises UsageError for an unknown protocol, too few references for `cross` and `scales`, no characters, no prompts,
    and a character that is given and in the dataset.
    """
    check_protocol(protocol, PROTOCOLS)
    if len(concepts) < _LEAST.get(protocol, 0):
        raise UsageError(f"--protocol {protocol} is for pipelines that take references", seen=f"{run} takes "
                         f"{len(concepts)}", allowed=f"at least {_LEAST[protocol]}", next_command="another --protocol")
    counts, rows = _COUNTS[protocol], {row.id: row for row in (*people.seen, *people.unseen)}
    sets = _sets(people, rows, counts.characters, seed)
    once("character", (one.name for one in sets), "give its folder in --references another name")
    told = _prompts(list(rows.values()), {name for one in sets for name in one.ids()}, counts.prompts, seed)
    shoots = list(_crossed(sets, len(concepts)) if protocol == "cross" else _shoots(sets, protocol, concepts))
    if not shoots or not told:
        raise UsageError("there is nothing to draw", seen=f"{len(sets)} characters, {len(told)} prompts",
                         allowed="rows with tags and references in test_seen or test_unseen; for cross two characters "
                         "with face boxes", next_command="another --data or --protocol")
    shown = [job for one in sets for job in real(run, one.name, one.pictures, [_texts(caption) for _, caption in
                                                                               one.pictures])]
    drawn = [job for shoot in shoots for job in _jobs(shoot, told, counts, run, seed, written)]
    facts = {"seed": seed, "pictures": len(drawn), "prompts": [row.id for row in told], "seeds": counts.seeds,
             "pictures a seed": counts.pictures, "references shown": len(concepts), "characters": {
                 group: sum(one.group == group for one in sets) for group in ("seen", "unseen", "given")}}
    return Plan("retribooru", protocol, (*shown, *drawn), pictures,
                (*METRICS, *APART) if protocol == "cross" else METRICS, sampler, facts)


def among(plan: Plan) -> Plan:
    """The same, with a VQA score that compares generated pictures with each other."""
    return plan._replace(metrics=tuple(one.replace(VQA, VQA_AMONG) for one in plan.metrics))


def _sets(people: People, rows: Mapping[str, Row], wanted: int, seed: int) -> list[Set]:
    """The characters: so many of the splits, and all that are given."""
    seen, unseen = (_characters(split, rows, group, seed) for split, group in ((people.seen, "seen"),
                                                                              (people.unseen, "unseen")))
    others = min(len(unseen), max(wanted // 2, wanted - len(seen)))
    given = [Set(name, "given", [Picture(one) for one in people.given[name][:_REFERENCES]], {})
             for name in sorted(people.given) if people.given[name]]
    return [*seen[: wanted - others], *unseen[:others], *given]


def _characters(split: Sequence[Row], rows: Mapping[str, Row], group: str, seed: int) -> list[Set]:
    """The characters of a split that have a row with a reference, in an order of chance."""
    drawn: dict[str, Row] = {}
    for row in sorted(split, key=lambda row: draw("evaluate row", str(seed), row.id)):
        if any(one in rows for one in row.references):
            drawn.setdefault(row.character, row)
    sets = []
    for name in sorted(drawn, key=lambda name: draw("evaluate character", str(seed), name)):
        row = drawn[name]
        others = sorted({one for one in row.references if one in rows} - {row.id},
                        key=lambda one: draw("evaluate reference", str(seed), row.id, one))
        taken = [row, *(rows[one] for one in others)][:_REFERENCES]
        sets.append(Set(name, group, [Picture(one.id, prompt(one.prompts, name) if one.prompts else "")
                                      for one in taken], {one.id: one.cuts for one in taken}))
    return sets


def _prompts(rows: Sequence[Row], used: set[str], count: int, seed: int) -> list[Row]:
    """Rows whose tags are the prompts: of as many characters as there are, no reference while there are others."""
    ordered = sorted((row for row in rows if row.prompts),
                     key=lambda row: (row.id in used, draw("evaluate prompt", str(seed), row.id)))
    first: dict[str, Row] = {}
    told: dict[str, Row] = {}
    for row in ordered:
        first.setdefault(row.character, row)
    for row in (*first.values(), *ordered):
        told.setdefault(row.prompts, row)
    return list(told.values())[:count]


def _shoots(sets: Sequence[Set], protocol: str, concepts: Sequence[str]) -> Iterator[Shoot]:
    for one in sets:
        ids, folder = one.ids(), f"{one.group}/{file_name(one.name)}"
        shown = [_shown(one, ids[at % len(ids)], concept) for at, concept in enumerate(concepts)]
        if protocol != "scales":
            yield Shoot(one.name, one.group, folder, ids, tuple(shown))
            continue
        for scale in SCALES:
            yield Shoot(one.name, f"{scale:g}", f"{folder}/{scale * 100:03.0f}", ids, tuple(shown), scale=scale)


def _shown(one: Set, picture: str, concept: str) -> Shown:
    """A picture, or what is cut out of it; the whole of it where that cannot be."""
    concept = concept if concept in one.cuts.get(picture, ()) else "figure"
    return Shown(cut(picture, concept), concept)


def _crossed(sets: Sequence[Set], count: int) -> Iterator[Shoot]:
    for group in ("seen", "unseen"):
        able = [one for one in sets if one.group == group and one.ids("face") and one.ids("clothes")]
        for face, dressed in zip(able, able[1:] + able[:1], strict=True):
            if face is dressed:
                continue
            sources = (dressed, "clothes"), (face, "face")
            shown = []
            for at in range(count):
                one, concept = sources[at % 2]
                ids = one.ids(concept)
                shown.append(_shown(one, ids[at // 2 % len(ids)], concept))
            name = f"{face.name} in the clothes of {dressed.name}"
            yield Shoot(name, group, f"{group}/{file_name(name)}", (*face.ids(), *dressed.ids()), tuple(shown),
                        {"face": face.ids(), "clothes": dressed.ids()})


def _jobs(shoot: Shoot, told: Sequence[Row], counts: Counts, run: str, seed: int,
          written: Callable[[str, str], str]) -> Iterator[Job]:
    for (at, row), which, one in product(enumerate(told), range(counts.seeds), range(counts.pictures)):
        yield Job(key=f"{shoot.folder}/{at}-{which}-{one}", run=run, subject=shoot.subject, group=shoot.group,
                  prompt=written(row.prompts, row.character), texts=_texts(prompt(row.prompts, row.character)),
                  seed=number(str(seed), shoot.subject, row.id, str(which), str(one)), like=shoot.like,
                  apart=shoot.apart, shown=shoot.shown, scale=shoot.scale, target=row.id)


def _texts(text: str) -> dict[str, str]:
    return {CLIP_T: text} if text else {}
