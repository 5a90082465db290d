"""What is planted is what was planned, and grouping finds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from annotators.answers import LightAnswers
from annotators.hashes import Hashes
from benchmarks.grouping import COPIES, fill_ledger, ours, plan, plant, reading, script, wear
from builders.annotate import Look
from builders.engines import Local
from builders.options import Retribooru
from builders.outfits import group_outfits
from builders.visits import Limits, Link
from builders.workspace import Workspace
from schemas.terminal.progress import Progress

ROWS, PAIRS = 600, 60


def test_a_plan_is_skewed() -> None:
    planned = plan(60_000, 6_000)
    pairs = np.bincount(planned.pair)
    assert pairs.sum() == 60_000 and len(pairs) == 6_000 and pairs.min() == 2
    assert pairs.max() > 50 * np.median(pairs) and (pairs <= 3).sum() > 2_000
    outfits = np.bincount(planned.outfit)
    of = np.zeros(len(outfits), dtype=np.int64)
    of[planned.outfit] = planned.pair
    assert np.array_equal(of[planned.outfit], planned.pair)  # an outfit is of one pair
    assert 0.3 < (outfits == 1).sum() / 60_000 < 0.5 and (outfits == 2).sum() > 3 * (outfits == 3).sum()
    copies = np.flatnonzero(planned.copy_of != np.arange(60_000))
    assert np.array_equal(planned.outfit[copies], planned.outfit[planned.copy_of[copies]])
    assert 0.6 * COPIES < len(copies) / (outfits > 1).sum() < 1.4 * COPIES
    family = np.flatnonzero(planned.parent >= 0)
    assert np.array_equal(planned.outfit[family], planned.outfit[planned.parent[family]])


def test_what_a_picture_does_not_show_is_not_answered() -> None:
    whole, tags = wear(5, 0)
    half, fewer = wear(5, 2)
    assert all(whole) and half[:3] == whole[:3] and half[3:7] == [""] * 4 and half[7] == whole[7]
    assert set(fewer) < set(tags)


def test_contenders_group_what_is_planted(tmp_path: Path) -> None:
    planned = plan(ROWS, PAIRS)
    plant(tmp_path, planned)
    kept, strict = ours(tmp_path, ROWS, PAIRS)[2], script(tmp_path, ROWS, PAIRS)[2]
    assert reading(tmp_path, ROWS, PAIRS)[2] == ROWS and 0 < strict < kept < ROWS
    with Workspace(tmp_path) as work:
        look = Look(work, Local(1), fill_ledger(work.state / "ledger.sqlite", planned), Progress("text"),
                    Limits(1 << 30, 1 << 30))
        look.visit([Link(LightAnswers(), "answers")])
        look.visit([Link(Hashes(), "group")])
        places = group_outfits(look, Retribooru(source="sample", out=tmp_path))
    ids, outfit, copy = (planned[at].tolist() for at in (0, 2, 4))
    copies = {frozenset((row, of)) for row, of in enumerate(copy) if row != of}
    assert copies
    for row in range(ROWS):
        found = places.by_id[str(ids[row])].similar if str(ids[row]) in places.by_id else []
        worn = {other for other in range(ROWS) if outfit[other] == outfit[row] and other != row}
        assert {str(ids[other]) for other in worn if frozenset((row, other)) not in copies} <= set(found)
        assert not {str(ids[other]) for other in worn if frozenset((row, other)) in copies} & set(found)
