"""Each promise of a published version is broken once, by hand; verify must name it."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders import cli, verification
from schemas import manifest as manifests

# One process draws the mirror and builds it once for all of these.
pytestmark = pytest.mark.xdist_group("build")

Row = dict[str, Any]


@pytest.fixture
def version(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole / "1.0.0", tmp_path / "1.0.0"))


def _faults(version: Path) -> list[str]:
    return list(verification.faults_of(version, manifests.read(version)))


def _rewrite(version: Path, change: Callable[[list[Row]], None]) -> None:
    (path,) = (version / "data").glob("train-*.parquet")
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def test_a_sound_version(version: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", str(version)]) == 0
    assert "sound" in capsys.readouterr().out


def test_a_changed_page_and_a_stray_file(version: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (version / "README.md").write_text("other")
    (version / "stray.txt").write_text("x")
    assert cli.main(["verify", str(version)]) == 1
    out = capsys.readouterr().out
    assert "README.md has sha256" in out and "stray.txt stands in the folder" in out


def test_a_missing_shard(version: Path) -> None:
    (path,) = (version / "data").glob("train-*.parquet")
    path.unlink()
    said = "\n".join(_faults(version))
    assert f"data/{path.name} is missing" in said and "split train has 0 rows" in said


def test_a_truncated_shard(version: Path) -> None:
    (path,) = (version / "data").glob("train-*.parquet")
    path.write_bytes(path.read_bytes()[:-100])
    assert any("cannot be read" in fault for fault in _faults(version))


def _set(name: str, value: Any) -> Callable[[list[Row]], None]:
    return lambda rows: rows[0].update({name: value})


@pytest.mark.parametrize(("change", "said"), [
    (_set("similar", ["no such row"]), "its reference no such row is not in the dataset"),
    (_set("similar", []), "it has no reference"),
    (lambda rows: rows[0].update(similar=[rows[0]["id"]]), "it is its own reference"),
    (lambda rows: rows[0]["similar"].append(rows[0]["similar"][0]), "a reference stands twice"),
    (lambda rows: rows.append(rows[0]), "the id stands twice"),
    (_set("bbox", [0.1, 0.5, 0.4, 0.2]), "leaves the image"),
    (_set("face_score", 1.5), "face score 1.5 is not within"),
    (_set("mask", None), "null: mask"),
    (_set("image", None), "null: image"),
    (_set("similar", None), "null: similar"),
    (_set("id", None), "row number 1: null: id"),
    (_set("width", 7), "its columns say"),
    (_set("outfit", "another"), "has another outfit"),
    (lambda rows: rows[0].update(mask=rows[0]["image"]), "matte is no PNG"),
    (_set("prompts", "1boy"), "the content digest differs"),
])
def test_a_broken_row(version: Path, change: Callable[[list[Row]], None], said: str) -> None:
    _rewrite(version, change)
    assert said in "\n".join(_faults(version))


def test_a_reference_in_another_split(version: Path) -> None:
    other = next((version / "data").glob("test_unseen-*.parquet"))
    foreign = pq.read_table(other, columns=["id"])["id"][0].as_py()
    _rewrite(version, _set("similar", [foreign]))
    assert f"its reference {foreign} is in split test_unseen" in "\n".join(_faults(version))


def test_other_columns(version: Path) -> None:
    (path,) = (version / "data").glob("train-*.parquet")
    pq.write_table(pq.read_table(path).drop_columns(["phash"]), path)
    assert any("not the published ones" in fault for fault in _faults(version))


def test_rows_that_were_asked_other_questions(version: Path) -> None:
    _rewrite(version, _set("answers", [{"question": "who", "answer": "me"}]))
    assert "rows differ in what was asked: 2 lists of questions" in _faults(version)


def test_a_file_that_cannot_be_read_is_one_fault(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Path.open

    def shut(path: Path, *how: Any, **more: Any) -> Any:
        if path.name == "README.md":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return usual(path, *how, **more)

    monkeypatch.setattr(Path, "open", shut)
    assert _faults(version) == ["README.md cannot be read: Permission denied"]


def test_data_that_cannot_be_listed(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Path.iterdir

    def shut(path: Path) -> Iterator[Path]:
        if path.name == "data":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return usual(path)

    monkeypatch.setattr(Path, "iterdir", shut)
    assert "data/ cannot be listed: Permission denied" in _faults(version)


def test_shards_that_belong_to_no_split(version: Path) -> None:
    path = version / manifests.NAME
    path.write_text(path.read_text().replace('"test_unseen":', '"elsewhere":'))
    (name,) = (f"data/{path.name}" for path in (version / "data").glob("test_unseen-*"))
    faults = _faults(version)
    assert "split elsewhere is none of train, test_seen, test_unseen" in faults
    assert f"{name} belongs to no split" in faults


def test_a_funnel_that_does_not_add_up(version: Path) -> None:
    path = version / manifests.NAME
    step = manifests.read(version).funnel[0]
    path.write_text(path.read_text().replace(f'"rows_in": {step.rows_in}', f'"rows_in": {step.rows_in + 1}', 1))
    assert any(fault.startswith("stage ") and "dropped" in fault for fault in _faults(version))


def test_an_unknown_recipe(version: Path) -> None:
    path = version / manifests.NAME
    path.write_text(path.read_text().replace('"recipe": "retribooru"', '"recipe": "other"'))
    assert _faults(version) == ["manifest.json: recipe other is unknown"]
