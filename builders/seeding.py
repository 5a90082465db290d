"""X_T at first: the pictures of the concept that somebody chose by hand, from a folder or among candidates of the pool.

Who has no seeds looks for some: the pool's rows are ranked by a text, the best are drawn on a contact sheet, and their
numbers there are picked. The ranking is written down beside the sheet, so that a number means the same picture
however the pool has changed since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from annotators.embeddings import Embeddings
from builders.annotate import Look
from builders.coti_options import Coti
from builders.ledger import Row
from builders.pools.folder import PictureFolder
from builders.sources.trees import check_root
from builders.visits import contents
from cards import results
from schemas import atomic
from schemas.errors import UsageError
from schemas.records import Post, Rejected

MARK = "seed:"
"""Before the id of a seed that came from --seeds; ids of a pool hold no colon."""

SHEET, LIST = "candidates.png", "candidates.json"


class Candidates(msgspec.Struct, frozen=True):
    """What was looked for, and the ids of what was found, best first."""

    asked: dict[str, object]
    ids: list[str]


def seeds_of(folder: Path, out: Path) -> Iterator[Post | Rejected]:
    """The pictures of --seeds as rows. Raises UsageError when there is none."""
    check_root(folder, "--seeds")
    found = 0
    for one in PictureFolder(folder, out).posts():
        found += 1
        yield msgspec.structs.replace(one, id=MARK + one.id)
    if not found:
        raise UsageError("--seeds holds no picture", seen=str(folder), allowed="files such as 01.jpg in it")


def asked(options: Coti) -> dict[str, object]:
    """What candidates follow from, beside the pool's content."""
    # The pool is the same wherever the command is run.
    return {"pool": options.absolute().pool, "limit": options.limit, "seeds_from": options.seeds_from, "k": options.k,
            "embeddings": options.published()["embeddings"]}


def picked(options: Coti) -> list[str]:
    """Ids of the rows that --pick names. Raises UsageError when the candidates were others, or never looked for."""
    path = options.out / LIST
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Candidates)
    except FileNotFoundError:
        known = Candidates({}, [])
    except (msgspec.DecodeError, OSError) as error:
        raise UsageError(f"{LIST} cannot be read: {error}", seen=str(path),
                         next_command="the same command without --pick") from None
    if known.asked != asked(options):
        raise UsageError("--pick chooses among candidates that nobody looked for yet", seen=options.pick,
                         allowed=f"numbers of OUT/{SHEET} by the same --pool, --limit, --seeds-from, -k and embeddings",
                         next_command="the same command without --pick first")
    if over := [number for number in options.picks() if number > len(known.ids)]:
        raise UsageError("--pick names no candidate", seen=over[0], allowed=f"numbers from 1 to {len(known.ids)}")
    return [known.ids[number - 1] for number in options.picks()]


def propose(look: Look, options: Coti, embeddings: Embeddings) -> str:
    """Writes the candidates, and returns what a person does with them. Raises UsageError when there are none."""
    meant = embeddings.texts([options.seeds_from])[0] if embeddings.reads_text else None
    best: list[tuple[float, Row]] = []
    for rows in look.ledger.rows():
        if meant is None:
            found = [(_shared(options.seeds_from, row.post.text), row) for row in rows]
        else:
            near = look.vectors(rows, embeddings.features.names[0]) @ meant
            found = [(float(cosine), row) for cosine, row in zip(near, rows, strict=True)]
        best = sorted([*best, *((score, row) for score, row in found if score > 0)],
                      key=lambda one: (-one[0], one[1].post.id))[:options.k]
    if not best:
        raise UsageError("--seeds-from finds nothing: none of its words stands beside a picture, and light embeddings "
                         "read no text", seen=options.seeds_from, allowed="words of the pool's texts",
                         next_command="--embeddings paper, or --seeds DIR with pictures of your own")
    atomic.write(options.out / SHEET, results.sheet(
        [results.Tile(contents(row.post.path, row.sha256, look.limits), f"{at}", f"{score:.3f}",
                      row.post.text or row.post.id) for at, (score, row) in enumerate(best, start=1)],
        f"{options.seeds_from}: candidates", "choose the seeds: --pick with their numbers"))
    told = Candidates(asked(options), [row.post.id for _, row in best])
    atomic.write(options.out / LIST, msgspec.json.encode(told))
    return (f"{len(best)} candidates: {options.out / SHEET}\n"
            "  choose some:     the same command with --pick and their numbers, such as --pick 3,7,12")


def _shared(wanted: str, text: str) -> float:
    """Share of the wanted words that stand in a text, 0..1."""
    words, said = (set(re.findall(r"[^\W_]+", one.casefold())) for one in (wanted, text))
    return len(words & said) / len(words) if words else 0.0
