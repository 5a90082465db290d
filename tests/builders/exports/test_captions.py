"""Custom Diffusion's files, read as its script reads them."""

from pathlib import Path

import pytest

from tests.builders.exports.conftest import Row, export, whose


@pytest.mark.parametrize("recipe", ["regularization", "subject"])
def test_lines_of_both_files_belong_together(drawn: dict[str, tuple[Path, list[Row]]], tmp_path: Path, recipe: str,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    version, rows = drawn[recipe]
    monkeypatch.chdir(tmp_path)
    out = export(version, "custom-diffusion", Path("out"))
    monkeypatch.chdir("/")  # the script runs anywhere
    out = tmp_path / out
    paths = (out / "images.txt").read_text("utf-8").splitlines()
    captions = (out / "caption.txt").read_text("utf-8").splitlines()
    assert len(paths) == len(captions) == len(list((out / "images").iterdir())) == len(rows)  # as --real_prior asks
    assert [whose(Path(path), rows)["id"] for path in paths] == [row["id"] for row in rows]
    for path, said in zip(paths, captions, strict=True):
        assert said.split() == whose(Path(path), rows)["text"].split()
