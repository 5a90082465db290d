"""Pictures that are planted by seed: a generator that paints the seed's last byte and refuses some, a scorer that reads
the byte back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from annotators.base import Annotator, Batch, Picture
from builders.attempts import Attempts, Drawn, Rules, seed_at
from builders.engines import Local
from builders.generators import Generator, Request
from builders.prompting.planning import Planned
from builders.workspace import Workspace
from schemas.records import Drop
from schemas.terminal.progress import Progress


class Painter:
    """Level = the seed's last byte; below 30 it refuses."""

    name = label = "painter"
    identity = "ab" * 32
    provenance: dict[str, str] = {}  # noqa: RUF012
    batch, size, steps, guidance = 4, 8, 0, 0.0

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def __call__(self, requests: Sequence[Request]) -> list[Picture | None]:
        self.seen.append([one.text for one in requests])
        return [None if one.seed & 255 < 30 else np.full((8, 8, 3), one.seed & 255, np.uint8) for one in requests]


class Reader:
    """Score = level / 255."""

    name = "reader"
    needs = ("image", "text")
    features = pa.schema([("clip_t", pa.float32())])
    identity = "cd" * 32
    provenance: dict[str, str] = {}  # noqa: RUF012

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        self.seen += len(batch["image"])
        return {"clip_t": [float(image.mean()) / 255 for image in batch["image"]]}


def planned(*levels: int) -> list[Planned]:
    """Rows whose first picture has these levels."""
    return [Planned(f"{at:05d}", {}, "dog", "class", f"dog {at}", 256 * at + level) for at, level in enumerate(levels)]


def level_at(row: Planned, attempt: int) -> int:
    """By hand: the last byte of the first eight of the digest, shifted by one bit."""
    if attempt == 1:
        return row.seed & 255
    first = hashlib.sha256(f"{row.seed}/{attempt}".encode()).digest()[:8]
    return (int.from_bytes(first, "big") // 2) % 256


def draw(out: Path, generator: Generator, rules: Rules,
         plan: list[Planned]) -> tuple[dict[str, Drawn], list[tuple[Planned, Drop]]]:
    with Workspace(out) as work, Local(1) as engine:
        attempts = Attempts(work, engine, Progress(), generator, rules)
        left = attempts.draw(plan)
        return attempts.drawn, left


def test_without_a_scorer_the_first_picture_stands(tmp_path: Path) -> None:
    painter, plan = Painter(), planned(*range(100, 110))
    drawn, left = draw(tmp_path, painter, Rules(4), plan)
    assert left == [] and [drawn[row.id].attempts for row in plan] == [1] * 10
    assert [drawn[row.id].seed for row in plan] == [row.seed for row in plan]
    assert all(one.clip_t is None for one in drawn.values())
    assert painter.seen == [[row.text for row in plan[at:at + 4]] for at in (0, 4, 8)]


def test_what_was_drawn_is_not_drawn_again(tmp_path: Path) -> None:
    draw(tmp_path, Painter(), Rules(1), planned(*range(100, 106)))
    painter = Painter()
    drawn, _ = draw(tmp_path, painter, Rules(1), planned(*range(100, 110)))
    assert len(drawn) == 10 and painter.seen == [["dog 6", "dog 7"], ["dog 8", "dog 9"]]  # batches of 4, as ever


@pytest.mark.parametrize("attempts", [1, 2, 3, 6])
def test_what_fits_too_little_or_is_refused_is_drawn_again(tmp_path: Path, attempts: int) -> None:
    plan = planned(10, 20, 60, 120, 200, 250, 140, 29)
    assert isinstance(Reader(), Annotator) and isinstance(Painter(), Generator)
    drawn, left = draw(tmp_path, Painter(), Rules(attempts, Reader(), 0.5), plan)
    why = {row.id: reason for row, reason in left}
    for row in plan:
        levels = [level_at(row, attempt) for attempt in range(1, attempts + 1)]
        good = next((at for at, level in enumerate(levels, 1) if level / 255 >= 0.5), None)
        if good is not None:
            assert drawn[row.id].attempts == good
            assert drawn[row.id].clip_t == pytest.approx(levels[good - 1] / 255)
            assert drawn[row.id].seed == seed_at(row.seed, good)
        elif shown := [level for level in levels if level >= 30]:
            assert (why[row.id].reason, why[row.id].threshold) == ("low_clip_t", "0.5")
            assert float(why[row.id].value) == pytest.approx(max(shown) / 255, abs=1e-4)
            assert why[row.id].model == "reader:cdcdcdcdcdcdcdcd"
        else:
            assert (why[row.id].reason, why[row.id].value) == ("refused", f"{attempts} pictures")
            assert why[row.id].model == "painter:abababababababab"
    assert len(drawn) + len(left) == len(plan)


def test_another_threshold_runs_no_model_on_what_it_saw(tmp_path: Path) -> None:
    plan = planned(60, 120, 200, 250)
    draw(tmp_path, Painter(), Rules(3, Reader(), 0.5), plan)
    painter, reader = Painter(), Reader()
    drawn, left = draw(tmp_path, painter, Rules(3, reader, 0.2), plan)
    assert left == [] and painter.seen == [] and reader.seen == 0
    assert [drawn[row.id].attempts for row in plan] == [1] * 4
