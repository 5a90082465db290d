"""The plan of a regularization set: which prompts, in which order, with which seeds.

Families as in the paper: "training" (no style, the scenes of the subject's captions), "photographic" and "styled".
In a family every word of a pool is used as often as any other, to within one, in every prefix: a pool is dealt like a
deck of cards, shuffled anew when it is used up. A row takes from each deck the word that has met the row's other words
least, the shortest deck first, because it has the least choice. So two words meet hardly ever oftener than they must.
(Cyclic offsets by coprime strides would do so exactly for pools of one prime size; for others they fall into step.)

What a row takes depends on no row behind it, so the plan of 500 is the beginning of that of 2,000, whose first 500
pictures need not be drawn again. Two exceptions, for small pools: where the decks hold no new prompt any more, the row
changes a word with one before it; and where that does not help, which is seen above six tenths of all prompts there
are, the family is counted out anew, each tuple of words once and as evenly.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.dreambench import prompt_parts
from schemas.errors import UsageError
from schemas.prompts import ADJECTIVES, FORM, PARTS, SCENE, Form, Kind, compose

Arm = Literal["structured", "class-only", "unadapted"]
FAMILIES = ("training", "photographic", "styled")
Row = tuple[int, ...]
"""The number of a word in each pool of a family."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for. `shares` are those of `FAMILIES`, 0..1, and sum to 1.

    The arms `class-only` ("a CLASS" in every row) and `unadapted` (living things in the static form) are the paper's
    controls. `test_prompts` puts the 25 prompts of the evaluation first, within `count`.
    """

    kind: Kind
    class_name: str
    count: int = 2000
    shares: tuple[float, float, float] = (0.2, 0.6, 0.2)
    arm: Arm = "structured"
    test_prompts: bool = False
    seed: int = 0

    @property
    def form(self) -> Form:
        return "static" if self.arm == "unadapted" else FORM[self.kind]


class Planned(NamedTuple):
    """A row: its number in five digits or more, all parts of its form ("" for none), and a seed of 63 bits.

    `family` is one of `FAMILIES`, or "test", or "class" in the arm `class-only`.
    """

    id: str
    parts: dict[str, str]
    class_name: str
    family: str
    text: str
    seed: int


def plan(
    wanted: Wanted,
    words: Mapping[str, Sequence[str]],
    styles: Mapping[str, Sequence[str]],
    scenes: Sequence[str] = (),
) -> list[Planned]:
    """The rows, in order. Families are interleaved, so that every prefix has their shares to within one row.

    `words` has a pool for each adjective and for the scene of `wanted.form`, `styles` one for "photographic" and one
    for "styled"; `scenes` are those of the subject's captions, and pool scenes take their place where there are none.
    No text occurs twice (but in `class-only`). Raises UsageError for shares that are none and for a count below 1 or
    above the number of prompts that these words make.
    """
    shares = _shares(wanted)
    if wanted.count < 1:
        raise UsageError("there is nothing to plan", seen=wanted.count, allowed="a --count of 1 or more")
    if wanted.arm == "class-only":
        rows: list[tuple[str, dict[str, str]]] = [("class", {})] * wanted.count
    else:
        rows = _structured(wanted, shares, _pools(wanted.form, words, styles, scenes))
    blank = dict.fromkeys(PARTS[wanted.form], "")
    return [Planned(f"{number:05d}", blank | parts, wanted.class_name, family, compose(parts, wanted.class_name),
                    seed_of(wanted.seed, number)) for number, (family, parts) in enumerate(rows)]


def _shares(wanted: Wanted) -> list[Fraction]:
    if not all(0 <= share <= 1 for share in wanted.shares) or abs(sum(wanted.shares) - 1) > 1e-6:
        raise UsageError("the shares of the families are none", seen=wanted.shares,
                         allowed=f"for {', '.join(FAMILIES)}: 0..1 each, together 1")
    if wanted.arm == "class-only" and wanted.test_prompts:
        raise UsageError("the arm class-only has one prompt and no test prompts",
                         next_command="--prompts structured, or no --include-test-prompts")
    return [Fraction(str(share)) for share in wanted.shares]


def _pools(form: Form, words: Mapping[str, Sequence[str]], styles: Mapping[str, Sequence[str]],
           scenes: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The pools of each family by part, every word once."""
    own = {part: words[part] for part in (*ADJECTIVES[form], SCENE[form])}
    by_family: dict[str, dict[str, Sequence[str]]] = {
        "training": own | ({SCENE[form]: scenes} if scenes else {}),
        **{family: {"style": styles[family], **own} for family in FAMILIES[1:]},
    }
    return {family: {part: tuple(dict.fromkeys(pool)) for part, pool in pools.items()}
            for family, pools in by_family.items()}


def _structured(wanted: Wanted, shares: list[Fraction],
                pools: dict[str, dict[str, tuple[str, ...]]]) -> list[tuple[str, dict[str, str]]]:
    """Family and parts of each row: the test prompts if wanted, then the families."""
    tests = prompt_parts(wanted.kind, wanted.form) if wanted.test_prompts else []
    made = [math.prod(map(len, pools[family].values())) for family in FAMILIES]
    most = min(int(number / share) for number, share in zip(made, shares, strict=True) if share) + len(tests)
    if not len(tests) <= wanted.count <= most:
        raise _no_such_count(wanted, len(tests), most)
    order = _schedule(shares, wanted.count - len(tests))
    texts = {compose(parts, wanted.class_name) for parts in tests}
    rows: dict[str, Iterator[dict[str, str]]] = {}
    for number, (family, share) in enumerate(zip(FAMILIES, shares, strict=True)):
        count = order.count(number)
        chosen = _family(pools[family], count, wanted.class_name, f"{wanted.seed}/{family}", texts)
        if len(chosen) < count:  # different words of a pool made the same text
            raise _no_such_count(wanted, len(tests), int(len(chosen) / share) + len(tests))
        rows[family] = iter(chosen)
    return [*(("test", parts) for parts in tests), *((FAMILIES[one], next(rows[FAMILIES[one]])) for one in order)]


def _no_such_count(wanted: Wanted, least: int, most: int) -> UsageError:
    if wanted.count < least:
        return UsageError(f"the {least} test prompts alone are more", seen=wanted.count, allowed=f"{least}..{most}",
                          next_command=f"--count {least}, or no --include-test-prompts")
    return UsageError("these word pools and shares do not make so many different prompts", seen=wanted.count,
                      allowed=f"{max(least, 1)}..{most}", next_command=f"--count {most}")


def _schedule(shares: list[Fraction], count: int) -> list[int]:
    """The family of each row: the one furthest behind its share, the first of equals.

    With three families none is a whole row off its share in any prefix.
    """
    given, order = [0] * len(shares), []
    for row in range(1, count + 1):
        behind = [share * row - got for share, got in zip(shares, given, strict=True)]
        order.append(behind.index(max(behind)))
        given[order[-1]] += 1
    return order


def _family(pools: dict[str, tuple[str, ...]], count: int, class_name: str, seed: str,
            texts: set[str]) -> list[dict[str, str]]:
    """The parts of `count` rows with texts that are new, which are added; fewer where there are no more."""
    sizes = [len(pool) for pool in pools.values()]

    def parts(row: Row) -> dict[str, str]:
        return {name: pool[word] for (name, pool), word in zip(pools.items(), row, strict=True)}

    def text(row: Row) -> str:
        return compose(parts(row), class_name)

    rows = _dealt(sizes, count, random.Random(seed), text, set(texts))
    if len(rows) < count:
        rows = list(itertools.islice(_unlike(_counted(sizes, random.Random(seed)), text, set(texts)), count))
    texts.update(map(text, rows))
    return [parts(row) for row in rows]


def _unlike(rows: Iterable[Row], text: Callable[[Row], str], seen: set[str]) -> Iterator[Row]:
    for row in rows:
        if text(row) not in seen:
            seen.add(text(row))
            yield row


def _dealt(sizes: list[int], count: int, chance: random.Random, text: Callable[[Row], str],
           seen: set[str]) -> list[Row]:
    """Rows of one word from each deck, as the module tells. Ends early where no new text is found."""
    columns = range(len(sizes))
    decks: list[npt.NDArray[np.int64]] = [np.empty(0, dtype=np.int64) for _ in columns]
    met = [[np.zeros((of, other), dtype=np.int64) for other in sizes] for of in sizes]

    def count_pairs(row: Row, by: int) -> None:
        for one, other in itertools.permutations(columns, 2):
            met[one][other][row[one], row[other]] += by

    rows: list[Row] = []
    for _ in range(count):
        decks = [deck if len(deck) else np.array(_shuffled(size, chance))
                 for deck, size in zip(decks, sizes, strict=True)]
        ranked: dict[int, npt.NDArray[np.int64]] = {}
        for column in sorted(columns, key=lambda column: len(decks[column])):
            cost = np.zeros(len(decks[column]), dtype=np.int64)
            for other, words in ranked.items():
                cost += met[other][column][words[0], decks[column]]
            ranked[column] = decks[column][np.argsort(cost, kind="stable")]
        offered = [ranked[column].tolist() for column in columns]
        row = next((row for row in itertools.product(*offered) if text(row) not in seen), None)
        decks = [deck[deck != word] for deck, word in zip(decks, row or [words[0] for words in offered], strict=True)]
        if row is None:
            swap = _swap(rows, sizes, tuple(words[0] for words in offered), text, seen)
            if swap is None:
                return rows
            at, changed, row = swap
            count_pairs(rows[at], -1)
            count_pairs(changed, 1)
            seen ^= {text(rows[at]), text(changed)}
            rows[at] = changed
        rows.append(row)
        count_pairs(row, 1)
        seen.add(text(row))
    return rows


def _swap(rows: list[Row], sizes: list[int], last: Row, text: Callable[[Row], str],
          seen: set[str]) -> tuple[int, Row, Row] | None:
    """Where an earlier row of the same deck can change a word with a row so that both are new, and the two."""
    for column, size in enumerate(sizes):
        for at in range(len(rows) // size * size, len(rows)):
            changed = (*rows[at][:column], last[column], *rows[at][column + 1 :])
            row = (*last[:column], rows[at][column], *last[column + 1 :])
            if not {text(changed), text(row)} & seen:
                return at, changed, row
    return None


def _counted(sizes: list[int], chance: random.Random) -> Iterator[Row]:
    """Every tuple once, each column even to within one in every prefix.

    A column counts on with the row. Where it would come to the same word beside the same words of the columns before
    it (after the least common multiple of its size and theirs), it counts one further.
    """
    names = [_shuffled(size, chance) for size in sizes]
    for row in range(math.prod(sizes)):
        chosen, before = [], 1
        for size, name in zip(sizes, names, strict=True):
            place = row % (before * size)
            chosen.append(name[(place + place // math.lcm(before, size)) % size])
            before *= size
        yield tuple(chosen)


def _shuffled(size: int, chance: random.Random) -> list[int]:
    # Of `random`, only the stream of random() is promised to stay as it is.
    return sorted(range(size), key=lambda _: chance.random())


def seed_of(seed: int, number: int) -> int:
    """The seed, 63 bits, of the row with this number."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:8], "big") >> 1
