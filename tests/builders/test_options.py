from pathlib import Path

import pytest

from builders.commands.recipes import retribooru_parser
from builders.options import Retribooru
from schemas.errors import UsageError
from schemas.terminal import arguments


def _read(*words: str) -> Retribooru:
    return arguments.read(Retribooru, retribooru_parser(), words)


def test_words_become_typed_options() -> None:
    options = _read("--source", "danbooru2019", "--root", "m", "--out", "o", "--min-side", "64", "--matte-min", "0.2",
                    "--dry-run")
    assert (options.root, options.out) == (Path("m"), Path("o"))
    assert (options.min_side, options.matte_min, options.dry_run) == (64, 0.2, True)
    assert options.backend == "paper"
    assert _read("--source", "sample", "--out", "o").backend == "light"


@pytest.mark.parametrize(("words", "said"), [
    (("--source", "sample"), "--out is missing"),
    (("--out", "o"), "--source is missing"),
    (("--source", "danboru", "--out", "o"), r"got 'danboru'.*sample, danbooru2019, danbooru, folder"),
    (("--source", "folder", "--out", "o"), "needs --root"),
    (("--source", "sample", "--out", "o", "--wokers", "3"), "--workers"),
    (("--source", "sample", "--out", "o", "--workers", "0"), r"out of range \(got 0\)"),
    (("--source", "sample", "--out", "o", "--workers", "many"), "invalid int value"),
    (("--source", "sample", "--out", "o", "--address", "head:6379"), "--address is for Ray .*--engine ray"),
    (("--source", "sample", "--out", "o", "--gpus", "1"), "--gpus is for Ray .*--engine ray"),
    (("--source", "sample", "--out", "o", "--engine", "ray", "--address", "ray://head:10001"), "HOST:PORT of its head"),
    (("--source", "sample", "--out", "o", "--engine", "ray", "--gpus", "1.5"), "whole number"),
    (("--source", "sample", "--out", "o", "--version", "../evil"), "version"),
    (("--source", "sample", "--out", "o", "--version", "١.٢.٣"), "version"),
    (("--source", "sample", "--out", "o", "--face-score", "nan"), "out of range"),
    (("--source", "sample", "--out", "o", "--test-seen", "nan"), "out of range"),
    (("--source", "sample", "--out", "o\udcff"), "UTF-8"),
    (("--source", "sample", "--out", "o", "--matte-min", "0.9", "--matte-max", "0.1"), "under --matte-max"),
])
def test_user_errors_name_what_is_allowed(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _read(*words)


@pytest.mark.parametrize("words", [
    ("--source=sample", "--out=o"),
    ("--source=danbooru2019", "--root=-odd name", "--out=s3://bucket/o", "--dry-run", "--matte-min=0.1", "--seed=7"),
])
def test_options_become_the_words_again(words: tuple[str, ...]) -> None:
    options = _read(*words)
    assert sorted(arguments.words(options)) == sorted(words)
    assert _read(*arguments.words(options)) == options


def test_a_url_is_taken_where_it_will_do() -> None:
    assert str(_read("--source", "sample", "--out", "s3://bucket/o/").out) == "s3://bucket/o"
    with pytest.raises(UsageError, match=r"a URL where only a path will do .*s3://bucket/photos"):
        _read("--source", "folder", "--root", "s3://bucket/photos", "--out", "o")


def test_a_folder_needs_neither_faces_nor_figures() -> None:
    folder = _read("--source", "folder", "--root", "r", "--out", "o")
    mirror = _read("--source", "danbooru2019", "--root", "r", "--out", "o")
    assert (folder.needs_face, folder.matte) == (False, (0.0, 1.0))
    assert (mirror.needs_face, mirror.matte) == (True, (0.08, 0.95))
    assert _read("--source", "folder", "--root", "r", "--out", "o", "--face", "one").needs_face


def test_published_options_hold_no_place_and_no_worker_count() -> None:
    said = _read("--source", "sample", "--out", "here", "--workers", "7").published()
    assert not {"root", "out", "workers", "log", "dry_run"} & said.keys()
    assert said["models"] == "light"
    elsewhere = _read("--source", "sample", "--out", "here", "--engine", "ray", "--address", "head:6379", "--gpus", "2")
    assert elsewhere.published() == said == elsewhere.absolute().published()


def test_a_cluster_of_many_workers_starts_few_processes_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    sample = ("--source", "sample", "--out", "here", "--workers")
    assert [_read(*sample, "7").workers_here, _read(*sample, "7", "--engine", "ray").workers_here,
            _read(*sample, "3", "--engine", "ray").workers_here] == [7, 4, 3]


def test_workers_elsewhere_get_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "face.onnx").touch()
    whole = _read("--source", "folder", "--root", "photos", "--out", "here", "--faces", "face.onnx").absolute()
    assert (whole.root, whole.out) == (tmp_path / "photos", tmp_path / "here")
    assert (whole.faces, whole.masks, whole.answers) == (str(tmp_path / "face.onnx"), "", "")


def test_the_folder_that_one_stands_in_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _read("--source", "sample", "--out", ".").out == tmp_path
    with pytest.raises(UsageError, match="--out is missing"):
        _read("--source", "sample", "--out", "")


def test_one_model_can_be_named_and_the_manifest_holds_no_path_of_it(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"")
    mine = str(tmp_path / "mine.onnx")
    options = _read("--source", "sample", "--out", "o", "--faces", mine, "--masks", "a/b@v1:c.onnx")
    assert (options.weights("faces"), options.weights("masks")) == (mine, "a/b@v1:c.onnx")
    said = options.published()
    assert (said["models"], said["faces"], said["masks"]) == ("light", "mine.onnx", "a/b@v1:c.onnx")
    plain = _read("--source", "sample", "--out", "o")
    assert (plain.weights("faces"), plain.published()["masks"]) == ("light", "light")
