"""A manifest and rejected.parquet by hand: five files, of which two left, one of them without an id."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders.verification.counts import count_faults
from builders.write import write_rejected
from schemas.manifest import Manifest, Model, Step
from schemas.records import Drop, Rejected, drop

KEPT = {"1": 0, "2": 0, "3": 0}
LEFT = [Rejected("4", "figures/4.png", drop("too_small")), Rejected("figures/1.gif", "figures/1.gif",
                                                                   drop("duplicate_file"))]
FUNNEL = [Step("source", 5, 4, {"duplicate_file": 1}), Step("select", 4, 4, {}), Step("file", 4, 3, {"too_small": 1}),
          *(Step(stage, 3, 3, {}) for stage in ("faces", "masks", "answers", "group"))]
MANIFEST = Manifest(recipe="retribooru", version="1.0.0", content_digest="", rows_digest="", source={}, counts={},
                    options={"version": "1.0.0"}, funnel=FUNNEL, splits={"train": 3}, near_copies=0, built_with={},
                    models=[Model(role, "ab", {}) for role in ("faces", "masks", "answers", "hashes")], files={})


def _faults(folder: Path, left: list[Rejected], name: str = "1.0.0", **change: Any) -> list[str]:
    version = folder / name
    version.mkdir(exist_ok=True)
    write_rejected(version / "rejected.parquet", left)
    return list(count_faults(version, msgspec.structs.replace(MANIFEST, **change), KEPT.keys()))


def test_a_sound_dataset(tmp_path: Path) -> None:
    assert _faults(tmp_path, LEFT) == []
    assert _faults(tmp_path, LEFT, "a copy of it") == []


def test_rows_that_singly_left_after_a_later_stage(tmp_path: Path) -> None:
    left = [LEFT[1], Rejected("4", "figures/4.png", Drop("singleton", "file"))]
    funnel = [step if step.stage != "file" else Step("file", 4, 3, {"singleton": 1}) for step in FUNNEL]
    assert _faults(tmp_path, left, funnel=funnel) == []


def _swap(at: int, **change: Any) -> list[Step]:
    return [msgspec.structs.replace(step, **change) if number == at else step for number, step in enumerate(FUNNEL)]


@pytest.mark.parametrize(("change", "said"), [
    ({"format": 2}, "manifest.json: format 2 is unknown, this program reads 1"),
    ({"version": "1.0.1"}, "manifest.json: version 1.0.1 stands in folder 1.0.0"),
    ({"version": "1.0.1"}, "manifest.json: version 1.0.1 was built as 1.0.0"),
    ({"near_copies": -5}, "manifest.json: near_copies is -5"),
    ({"version": "new"}, "manifest.json: version new is not three numbers"),
    ({"models": []}, "manifest.json: no model is named for masks"),
    ({"models": [Model("faces", "", {})]}, "manifest.json: the model of faces has no identity"),
    ({"funnel": []}, "the funnel's stages are none, not source, select, file, faces, masks, answers, group"),
    ({"funnel": FUNNEL[:-1]}, "the funnel's stages are source, select, file, faces, masks, answers, not source, "
                              "select, file, faces, masks, answers, group"),
    ({"funnel": _swap(2, drops={"empty": 1})},
     "stage file: rejected.parquet has 0 rows of empty, the funnel dropped 1"),
    ({"funnel": _swap(2, drops={"empty": 1})},
     "stage file: rejected.parquet has 1 rows of too_small, the funnel dropped 0"),
    ({"funnel": _swap(2, rows_in=9)}, "stage file: 9 in, 3 out, 1 dropped"),
    ({"funnel": _swap(2, rows_in=9)}, "stage file: 9 in, but 4 came out of select"),
    ({"funnel": _swap(6, rows_out=2)}, "the funnel ends with 2 rows, the dataset has 3"),
])
def test_a_manifest_that_is_wrong(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    assert said in _faults(tmp_path, LEFT, **change)


@pytest.mark.parametrize(("row", "said"), [
    (Rejected("4", "figures/4.png", Drop("whim", "file")), "stage file: unknown reason whim"),
    (Rejected("4", "figures/4.png", Drop("no_face", "file")), "stage file: no row leaves here for no_face"),
    (Rejected("2", "figures/2.png", drop("too_small")), "rejected.parquet: row 2 stands in the dataset, too"),
    (Rejected("4", "figures/4.png", Drop(None, "file")),  # type: ignore[arg-type]
     "rejected.parquet: row 4: null: reason"),
])
def test_a_row_that_left_wrongly(tmp_path: Path, row: Rejected, said: str) -> None:
    assert said in _faults(tmp_path, [row, LEFT[1]])


def test_a_row_that_left_twice(tmp_path: Path) -> None:
    faults = _faults(tmp_path, [LEFT[0], *LEFT])
    assert faults == ["rejected.parquet: row 4: the id stands twice",
                      "stage file: rejected.parquet has 2 rows of too_small, the funnel dropped 1"]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"PAR1")])
def test_a_damaged_file(tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    _faults(tmp_path, LEFT)
    damage(tmp_path / "1.0.0" / "rejected.parquet")
    (fault,) = count_faults(tmp_path / "1.0.0", MANIFEST, KEPT.keys())
    assert fault.startswith("rejected.parquet cannot be read")
