"""A real build of the sample mirror through the view, held against what was planted in it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch")

from trainers.data import open_data  # noqa: E402
from trainers.training.draws import At  # noqa: E402
from trainers.views.identities import COLUMNS, Identities  # noqa: E402
from trainers.views.references import Asked, References, Sheet  # noqa: E402

pytestmark = pytest.mark.xdist_group("build")
EPOCHS, COUNT, CLOSE = 3, 4, 0.1
"""No face of the sample covers the half of its picture, as the default of `majority` has it; some cover a tenth."""


@pytest.fixture(scope="module")
def planted(mirror: Path, whole: Path) -> dict[str, dict[str, Any]]:
    """Published rows by id, each with its true outfit, and `drawing`, the same for a picture and its near copies."""
    truth = {row["sha256"]: row for row in pq.read_table(mirror / "truth" / "truth.parquet").to_pylist()}
    rows = pq.read_table(whole / "1.0.0" / "data", columns=["id", "sha256", "similar", "bbox"]).to_pylist()
    return {row["id"]: {**row, "outfit": truth[row["sha256"]]["outfit"],
                        "drawing": truth[row["sha256"]]["near_of"] or truth[row["sha256"]]["post_id"]} for row in rows}


@pytest.fixture(scope="module")
def seen(whole: Path) -> list[Any]:
    """All that training sees in some epochs under -b."""
    identities = Identities(open_data(str(whole), "--data", "retribooru", COLUMNS).rows)
    view = References(identities, Sheet(side=32, latent=(4, 8, 8), timesteps=1000),
                      Asked(count=COUNT, compose=1, majority=CLOSE))
    return [view.rows(At(0, step, 0))[0] for step in range(EPOCHS * len(identities))]


def test_no_target_is_shown_itself_nor_a_near_copy(seen: list[Any], planted: dict[str, dict[str, Any]]) -> None:
    """But figures of its outfit that `similar` names. Some targets stand beside near copies with which they share
    references: what is similar to the similar is not shown."""
    shown: dict[str, set[str]] = {}
    for row in seen:
        assert len(set(row["reference_ids"])) == min(COUNT, len(planted[row["id"]]["similar"]))
        shown.setdefault(row["id"], set()).update(row["reference_ids"])
    for name, others in shown.items():
        target = planted[name]
        assert name not in others and others <= set(target["similar"])
        assert {planted[other]["outfit"] for other in others} == {target["outfit"]}
        assert target["drawing"] not in {planted[other]["drawing"] for other in others}
    assert sum(planted[one]["drawing"] == planted[other]["drawing"] and bool(shown[one] & shown[other])
               for one in shown for other in shown if one < other) >= 3


def test_faces_and_clothes_are_drawn_alike_often(seen: list[Any], planted: dict[str, dict[str, Any]]) -> None:
    """Each reference by itself; in place of clothes behind a close face stands the whole figure."""
    close, other = Counter[str](), Counter[str]()
    for row in seen:
        for name, word in zip(row["reference_ids"], row["concepts"], strict=True):
            box = planted[name]["bbox"]
            (close if box[2] * box[3] > CLOSE else other)[word] += 1
    assert set(close) == {"face", "figure"} and set(other) == {"face", "clothes"}
    for words in (close, other):
        assert words["face"] / words.total() == pytest.approx(0.5, abs=2 / words.total() ** 0.5)
    faces = Counter(row["concepts"].count("face") for row in seen)
    for number, ways in enumerate((1, 4, 6, 4, 1)):
        assert faces[number] / len(seen) == pytest.approx(ways / 16, abs=0.1)
