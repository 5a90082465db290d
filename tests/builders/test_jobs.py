"""Records of shard jobs: what is found missing, mixed or changed before anything is published."""

from dataclasses import replace
from pathlib import Path

import pytest

from builders import cli, jobs
from builders.jobs import Record
from builders.options import Retribooru
from builders.slices import Slice
from schemas.errors import UsageError

MODELS = {"faces": "f" * 64, "masks": "a" * 64}


@pytest.fixture
def asked(tmp_path: Path) -> Retribooru:
    return Retribooru(source="danbooru2019", root=tmp_path / "mirror", exclude=tmp_path / "who.txt",
                      out=tmp_path / "out", models="light", matte_max=0.5)


def _leave(folder: Path, options: Retribooru, *slices: str, exclude: str = "e", **models: str) -> None:
    for text in slices:
        jobs.leave(folder, Record(options, exclude, MODELS | models), Slice.read(text))


def test_what_is_left_is_read_back(tmp_path: Path, asked: Retribooru) -> None:
    _leave(tmp_path, asked, "1/2", "2/2")
    assert jobs.agreed(tmp_path) == Record(asked, "e", MODELS)


def test_rows_are_those_of_all_jobs(tmp_path: Path, asked: Retribooru) -> None:
    for text, rows in (("1/2", 30), ("2/2", 12)):
        jobs.leave(tmp_path, Record(asked, "e", MODELS, rows), Slice.read(text))
    agreed = jobs.agreed(tmp_path)
    jobs.check_rows(42, agreed)
    with pytest.raises(UsageError, match="the shard jobs left 42 rows, now 41 are left"):
        jobs.check_rows(41, agreed)


def test_a_job_that_began_again_has_not_ended(tmp_path: Path, asked: Retribooru) -> None:
    _leave(tmp_path, asked, "1/2", "2/2")
    jobs.begin(tmp_path, Slice(2, 2))
    jobs.begin(tmp_path, Slice(2, 2))
    with pytest.raises(UsageError, match=r"shard jobs are missing \(got '2/2'\)"):
        jobs.agreed(tmp_path)


def test_what_a_machine_decides_for_itself_may_differ(tmp_path: Path, asked: Retribooru) -> None:
    _leave(tmp_path, replace(asked, shard="1/2", workers=1, log="json"), "1/2")
    _leave(tmp_path, replace(asked, shard="2/2", workers=9, out=tmp_path / "elsewhere"), "2/2")
    assert jobs.agreed(tmp_path).options.matte_max == 0.5


def test_nothing_was_left(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no shard job has ended on this OUT"):
        jobs.agreed(tmp_path / "out" / ".state" / "shards")


def test_missing_jobs_are_named(tmp_path: Path, asked: Retribooru) -> None:
    _leave(tmp_path, asked, "1/5", "3/5", "4/5")
    with pytest.raises(UsageError, match=r"shard jobs are missing \(got '2/5, 5/5'\); allowed: 1/5 to 5/5"):
        jobs.agreed(tmp_path)


def test_two_numbers_of_jobs_are_named(tmp_path: Path, asked: Retribooru) -> None:
    _leave(tmp_path, asked, "1/2", "2/2", "3/3")
    with pytest.raises(UsageError, match=r"different N have ended \(got '1/2, 2/2, 3/3'\)"):
        jobs.agreed(tmp_path)


def test_other_options_are_named_with_the_few_that_have_them(tmp_path: Path, asked: Retribooru) -> None:
    _leave(tmp_path, asked, "1/4", "3/4")
    _leave(tmp_path, replace(asked, min_side=200, root=tmp_path / "other"), "2/4", exclude="x")
    _leave(tmp_path, asked, "4/4", faces="0" * 64)
    with pytest.raises(UsageError, match=r"got '2/4: min_side, root, exclude; 4/4: faces'"):
        jobs.agreed(tmp_path)


def test_a_damaged_record_is_named(tmp_path: Path, asked: Retribooru) -> None:
    _leave(tmp_path, asked, "1/1")
    (tmp_path / "1-of-1.json").write_bytes(b'{"options": {')
    with pytest.raises(UsageError, match=r"record of a shard job cannot be read.*1-of-1\.json"):
        jobs.agreed(tmp_path)


def test_a_change_since_the_jobs_is_named(asked: Retribooru) -> None:
    was = Record(asked, "e", MODELS)
    jobs.check(Record(replace(asked, workers=7), "e", MODELS), was)
    with pytest.raises(UsageError, match=r"not what the shard jobs saw \(got 'masks, exclude'\)"):
        jobs.check(Record(asked, "another", MODELS | {"masks": "b" * 64}), was)


def test_places_are_recorded_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.onnx").touch()
    options = Retribooru(source="folder", root=Path("photos"), exclude=Path("who.txt"), out=Path("out"),
                         faces="mine.onnx", masks="light")
    record = Record.of(options, "e", {})
    assert (record.options.root, record.options.exclude) == (tmp_path / "photos", tmp_path / "who.txt")
    assert (record.options.faces, record.options.masks) == (str(tmp_path / "mine.onnx"), "light")


def test_publish_of_nothing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["publish", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())
