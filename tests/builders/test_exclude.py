"""The --exclude file in a build: by name before any file is read, by md5 once it was."""

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from builders import cli
from builders.annotate import Look
from builders.engines import Local
from builders.ledger import Ledger
from builders.retribooru import read_files
from builders.select import Exclude
from builders.sources.folder import Folder
from builders.visits import Limits
from builders.workspace import Workspace
from schemas.terminal.progress import Progress


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Mia and Tom, three pictures each."""
    for number, name in enumerate(["mia/1", "mia/2", "mia/3", "tom/1", "tom/2", "tom/3"]):
        path = tmp_path / "people" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(path)
    return tmp_path / "people"


def dry(people: Path, entries: str, *words: str) -> int:
    (people.parent / "out.txt").write_text(entries, encoding="utf-8")
    return cli.main(["retribooru", "--source", "folder", "--root", str(people), "--out", str(people.parent / "out"),
                     "--models", "light", "--dry-run", "--exclude", str(people.parent / "out.txt"), *words])


def test_entries_in_vain_are_told(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dry(people, f"Mia\nname:nobody\nmd5:{'a' * 32}\n") == 0
    said = capsys.readouterr()
    assert "dry run: 3 rows" in said.out and "excluded 3" in said.err
    assert "--exclude: no row was named by name:nobody\n" in said.err
    assert dry(people, "nobody\n", "--limit", "2") == 0
    assert "no row was named" not in capsys.readouterr().err


def test_an_artist_cannot_be_known_in_a_folder(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dry(people, "artist:mia\n") == 2
    error = capsys.readouterr().err
    assert "artist:mia" in error and "name:someone" in error and error.count("\n") == 1


def test_files_leave_by_their_md5(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    md5s = {hashlib.md5((people / name).read_bytes()).hexdigest() for name in ("mia/2.png", "tom/3.png")}
    exclude = Exclude(md5s=frozenset(md5s | {"a" * 32}))
    with Workspace(tmp_path / "out") as work:
        ledger = Ledger(tmp_path / "ledger.sqlite", people)
        ledger.take(Folder(people).posts(), "character", lambda *_: None)
        read_files(Look(work, Local(1), ledger, Progress("text"), Limits(10_000, 10_000)), exclude,
                   set(exclude.entries))
        assert [row.post.id for rows in ledger.rows() for row in rows] == ["mia/1", "mia/3", "tom/1", "tom/2"]
        assert [(row.id, row.drop.reason, row.drop.stage) for row in ledger.rejected()] == [
            ("mia/2", "excluded", "file"), ("tom/3", "excluded", "file")]
    assert f"--exclude: no row was named by md5:{'a' * 32}\n" in capsys.readouterr().err


def test_prefixes_may_be_written_in_capitals(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dry(people, "Name:MIA\nMD5:" + "A" * 32 + "\n") == 0
    said = capsys.readouterr()
    assert "dry run: 3 rows" in said.out and "no row was named" not in said.err


@pytest.mark.parametrize("entry", [
    "1, 2", "1 2", "12;13,", "1,2,3", "post:1, 2", "Post: 12 13", "https://danbooru.donmai.us/posts/1, 2"])
def test_several_numbers_on_a_line_are_refused(people: Path, entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert dry(people, f"mia\n{entry}\n") == 2
    assert "line 2 is malformed" in capsys.readouterr().err
