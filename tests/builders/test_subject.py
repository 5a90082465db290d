"""`build subject` from end to end on small drawn pictures."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw

from builders import cli, write
from schemas import manifest as manifests
from schemas.dreambench import SUBJECTS
from schemas.features import SUBJECT

Err = pytest.CaptureFixture[str]
COLOURS = {"00.jpg": "red", "01.png": "royalblue", "02.jpg": "yellow", "03.webp": "black"}


def draw(folder: Path, colours: dict[str, str] = COLOURS) -> Path:
    """A green disc on a plain ground of its colour, once a file."""
    folder.mkdir(parents=True)
    for number, (name, colour) in enumerate(colours.items()):
        picture = Image.new("RGB", (60 + number, 50), colour)
        ImageDraw.Draw(picture).ellipse((20, 15, 40, 35), fill="green")
        picture.save(folder / name)
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw(tmp_path / "pack")


def build(photos: Path, out: Path, *words: str) -> int:
    return cli.main(["subject", "--images", str(photos), "--class-name", "backpack", "--out", str(out), *words])


def rows(version: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = pq.read_table(version / "data").to_pylist()
    return found


def texts(version: Path) -> list[object]:
    return [row["text"] for row in rows(version)]


def test_the_whole_command_with_light_captions(photos: Path, tmp_path: Path, capsys: Err) -> None:
    (photos / "notes.md").write_text("mine")
    assert build(photos, tmp_path / "out", "--captioner", "light") == 0
    version = tmp_path / "out" / "1.0.0"
    told = capsys.readouterr()
    assert f"build regularization --class-name backpack --kind object --subject {version} --out OUT" in told.out
    found = rows(version)
    assert [row["id"] for row in found] == ["pack/00", "pack/01", "pack/02", "pack/03"]
    assert [row["text"] for row in found] == [f"a olis backpack on a {colour} background"
                                              for colour in ("red", "blue", "yellow", "black")]
    assert found[0]["caption"] == "a backpack on a red background"
    assert found[1] | {"image": None} == {
        "id": "pack/01", "image": None, "text": "a olis backpack on a blue background",
        "caption": "a backpack on a blue background", "token": "olis", "class_name": "backpack", "kind": "object",
        "scene": "on a blue background", "subject": "pack", "width": 61, "height": 50,
        "sha256": hashlib.sha256((photos / "01.png").read_bytes()).hexdigest()}
    assert [row["image"]["bytes"] for row in found] == [(photos / name).read_bytes() for name in COLOURS]  # type: ignore[index]
    assert cli.main(["verify", str(version)]) == 0
    said = manifests.read(version)
    assert (said.recipe, said.splits, said.near_copies) == ("subject", {"train": 4}, 0)
    assert said.counts == {"hidden_files": 0, "other_files": 1, "captions_without_class": 0}
    assert [model.role for model in said.models] == ["captions"] and said.options["captioner"] == "light"
    assert str(tmp_path) not in (version / "manifest.json").read_text() + (version / "README.md").read_text()


def test_load_dataset_opens_it(photos: Path, tmp_path: Path) -> None:
    assert build(photos, tmp_path / "out", "--captioner", "light", "--kind", "person", "--token", "sks") == 0
    found = datasets.load_dataset(str(tmp_path / "out" / "1.0.0"), cache_dir=str(tmp_path / "cache"))["train"]
    assert found.column_names == [column.name for column in SUBJECT]
    assert found[3]["text"] == "a sks backpack on a black background" and found[3]["kind"] == "person"
    assert found[3]["image"].size == (63, 50) and found[3]["image"].getpixel((2, 2)) == (0, 0, 0)


def test_captions_in_one_file_need_no_model(photos: Path, tmp_path: Path, capsys: Err) -> None:
    (photos / "captions.txt").write_text("\ufeffa backpack on a rock\r\nA red  Backpack\n"
                                         "an olis backpack in the snow\na man with the olis backpack\n\n")
    assert build(photos, tmp_path / "out") == 0  # the default captioner would have to be fetched
    version = tmp_path / "out" / "1.0.0"
    assert [(row["text"], row["caption"], row["scene"]) for row in rows(version)] == [
        ("a olis backpack on a rock", "a backpack on a rock", "on a rock"),
        ("A red olis backpack", "A red backpack", "A red $concept"),
        ("a olis backpack in the snow", "a backpack in the snow", "in the snow"),
        ("a man with the olis backpack", "a man with the backpack", "a man with the $concept")]
    said = manifests.read(version)
    assert said.models == [] and said.options["captioner"] == "" and said.counts["other_files"] == 0
    assert cli.main(["verify", str(version)]) == 0
    assert not (tmp_path / "out" / ".annotations").exists()
    capsys.readouterr()
    assert cli.main(["explain", str(version), "03.webp"]) == 0
    assert "a man with the olis backpack" in (told := capsys.readouterr().out) and "by hand" in told


def test_captions_beside_the_pictures(photos: Path, tmp_path: Path) -> None:
    for name in COLOURS:
        (photos / name).with_suffix(".txt").write_text(f"a backpack\nnumber {name[:2]}")
    assert build(photos, tmp_path / "out") == 0
    assert texts(tmp_path / "out" / "1.0.0") == [f"a olis backpack number 0{n}" for n in range(4)]


def test_bad_pictures_leave_with_their_captions(photos: Path, tmp_path: Path, capsys: Err) -> None:
    whole = (photos / "00.jpg").read_bytes()
    (photos / "01.png").write_bytes((photos / "01.png").read_bytes()[:-40])
    (photos / "04.jpg").write_bytes(whole)  # as 00
    (photos / "05.jpg").write_bytes(b"<html>")
    (photos / "06.gif").write_bytes(b"")
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    frames[0].save(photos / "07.gif", save_all=True, append_images=frames[1:])
    (photos / "08.jpg").mkdir()
    (photos / "09.jpg").symlink_to("/etc/hostname")
    names = sorted(path.name for path in photos.iterdir())
    (photos / "captions.txt").write_text("".join(f"a backpack named {name}\n" for name in names))
    assert build(photos, tmp_path / "out") == 0
    version = tmp_path / "out" / "1.0.0"
    assert texts(version) == [f"a olis backpack named {name}" for name in ("00.jpg", "02.jpg", "03.webp")]
    left = pq.read_table(version / "rejected.parquet").to_pylist()
    assert {row["path"]: (row["stage"], row["reason"]) for row in left} == {
        "pack/01.png": ("file", "truncated"), "pack/04.jpg": ("source", "duplicate_file"),
        "pack/05.jpg": ("file", "not_an_image"), "pack/06.gif": ("file", "empty"), "pack/07.gif": ("file", "animated"),
        "pack/08.jpg": ("source", "not_a_file"), "pack/09.jpg": ("source", "outside_root")}
    assert [(step.stage, step.rows_in, step.rows_out) for step in manifests.read(version).funnel] == [
        ("source", 10, 7), ("file", 7, 3)]
    capsys.readouterr()
    assert cli.main(["verify", str(version)]) == 0
    assert cli.main(["explain", str(version), "04.jpg"]) == 0
    assert "the bytes of pack/00" in capsys.readouterr().out


Harm = Callable[[Path], object]


def _captions(text: str) -> Harm:
    return lambda folder: (folder / "captions.txt").write_text(text)


def _without_pictures(folder: Path) -> None:
    for name in COLOURS:
        (folder / name).unlink()


def _spoilt(folder: Path) -> None:
    for name in COLOURS:
        (folder / name).write_bytes(b"spoilt")


GOOD = "a backpack\n" * 3


@pytest.mark.parametrize(("harm", "words", "said"), [
    (_without_pictures, (), "--images holds no picture"),
    (_spoilt, ("--captioner", "light"), "no picture is left to publish (duplicate_file 3, not_an_image 1)"),
    (lambda folder: folder.chmod(0), (), "--images cannot be read"),
    (_captions(GOOD), (), "'3 lines, 4 pictures'"),
    (_captions(GOOD * 2), (), "'6 lines, 4 pictures'"),
    (_captions(GOOD + "a rucksack on a rock\n"), (), "lacks the class name (got 'captions.txt, line 4: a rucksack on"),
    (_captions("a backpack\n\n" + "a backpack\n" * 2), (), "lacks the class name (got 'captions.txt, line 2: '"),
    (_captions(GOOD + "olis with a backpack\n"), (), "has the token apart from the class name"),
    (lambda folder: (folder / "captions.txt").write_bytes(b"\xff\xfe"), (), "captions cannot be read"),
    (lambda folder: (folder / "00.txt").write_text("a backpack"), (), "3 of 4 pictures have no caption beside them"),
    (lambda folder: [(folder / name).with_suffix(".txt").write_text("backpacks") for name in COLOURS], (),
     "lacks the class name (got '00.txt: backpacks')"),
    (lambda folder: [(folder / name).write_text("a backpack") for name in ("captions.txt", "00.txt")], (),
     "captions stand twice"),
    (lambda folder: None, ("--class-name", " "), "--class-name is missing"),
    (lambda folder: None, ("--class-name", "the backpack"), "--class-name is no bare noun"),
    (lambda folder: None, ("--token", "two words"), "--token is not one word"),
    (lambda folder: None, ("--token", "Backpack"), "--token is a word of the class"),
    (lambda folder: None, ("--kind", "plant"), "--kind is not known"),
    (lambda folder: None, ("--captioner", "no/where/at/all"), "no folder with a model"),
    (lambda folder: None, ("--dreambench", "x"), "--images or --dreambench, one of them"),
    (lambda folder: None, ("--version", "one"), "--version is not a version"),
])
def test_bad_input_is_one_line_and_publishes_nothing(photos: Path, tmp_path: Path, capsys: Err, harm: Harm,
                                                     words: tuple[str, ...], said: str) -> None:
    if "--captioner" in words and "light" not in words:
        pytest.importorskip("transformers")
    harm(photos)
    try:
        assert build(photos, tmp_path / "out", *words) == 2
    finally:
        photos.chmod(0o700)
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_folders_that_are_none(tmp_path: Path, photos: Path, capsys: Err) -> None:
    assert build(tmp_path / "gone", tmp_path / "out") == 2
    assert "--images is not a folder" in capsys.readouterr().err
    assert build(photos, photos) == 2
    assert "--out is the folder of the pictures" in capsys.readouterr().err
    assert cli.main(["subject", "--out", str(tmp_path / "out")]) == 2
    assert "--images or --dreambench" in capsys.readouterr().err


def test_two_runs_give_the_same_version_and_another_text_needs_another_number(photos: Path, tmp_path: Path,
                                                                              capsys: Err) -> None:
    for out in ("one", "two"):
        assert build(photos, tmp_path / out, "--captioner", "light") == 0
    one, two = (tmp_path / out / "1.0.0" for out in ("one", "two"))
    assert [path.name for path in sorted(one.rglob("*"))] == [path.name for path in sorted(two.rglob("*"))]
    assert all((two / path.relative_to(one)).read_bytes() == path.read_bytes()
               for path in one.rglob("*") if path.is_file())
    assert build(photos, tmp_path / "one", "--captioner", "light") == 0
    assert "published already" in capsys.readouterr().err
    assert build(photos, tmp_path / "one", "--captioner", "light", "--token", "sks") == 2
    assert "--version 1.0.1" in capsys.readouterr().err


def test_dreambench_makes_a_dataset_of_each_known_folder(tmp_path: Path, capsys: Err) -> None:
    root = tmp_path / "dataset"
    for name in ("dog6", "red_cartoon", "duck_toy", "my_cup"):
        draw(root / name, {"00.jpg": "red", "02.jpg": "black"})
    (root / "prompts_and_classes.txt").write_text("theirs")
    words = ["subject", "--dreambench", str(root), "--captioner", "light", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    told = capsys.readouterr().err
    assert "left out, as no subject of DreamBench has such a name: 'my_cup'" in told
    missing = told.split("not there: ")[1].splitlines()[0].split(", ")
    assert len(missing) == len(SUBJECTS) - 3 == 27 and "backpack" in missing and "dog6" not in missing
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dog6", "duck_toy", "red_cartoon"]
    for name, words_, kind in (("dog6", "dog", "animal"), ("red_cartoon", "2d cartoon devil", "object"),
                               ("duck_toy", "duck toy", "object")):
        version = tmp_path / "out" / name / "1.0.0"
        assert [(row["id"], row["text"], row["kind"]) for row in rows(version)] == [
            (f"{name}/00", f"a olis {words_} on a red background", kind),
            (f"{name}/02", f"a olis {words_} on a black background", kind)]
        assert manifests.read(version).source["name"] == "dreambench"
        assert cli.main(["verify", str(version)]) == 0
    (root / "dog6" / "captions.txt").write_text("a dog\n")  # one for two pictures
    assert cli.main([*words, "--version", "1.1.0"]) == 2
    assert not list((tmp_path / "out").glob("*/1.1.0"))


def test_a_folder_without_dreambenchs_subjects(tmp_path: Path, capsys: Err) -> None:
    draw(tmp_path / "mine" / "cup")
    words = ["subject", "--dreambench", str(tmp_path / "mine"), "--out", str(tmp_path / "out")]
    assert cli.main(words) == 2
    assert "holds none of DreamBench's folders" in capsys.readouterr().err
    assert cli.main([*words, "--class-name", "cup"]) == 2
    assert "--class-name and --kind are for --images" in capsys.readouterr().err


_KILLED_AT_THE_CARD = """
import os, signal, sys
from builders import cli, subject
from cards import subject as card
card.pages = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
cli.main(sys.argv[1:])
"""


def test_a_killed_build_goes_on(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["subject", "--images", str(photos), "--class-name", "backpack", "--captioner", "light", "--out",
             str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", _KILLED_AT_THE_CARD, *words], check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "1.0.0").exists()
    filled: list[object] = []
    call = write.WriteShard.__call__

    def counted(task: write.WriteShard, shard: write.Shard) -> write.Written:
        if not (task.version / shard.name).exists():
            filled.append(shard.name)
        return call(task, shard)

    monkeypatch.setattr(write.WriteShard, "__call__", counted)
    monkeypatch.setattr("annotators.captions.LightCaptions.__call__", lambda *_: pytest.fail("asked again"))
    assert cli.main(words) == 0 and not filled
    monkeypatch.undo()
    assert build(photos, tmp_path / "whole", "--captioner", "light") == 0
    assert ((tmp_path / "out" / "1.0.0" / "manifest.json").read_bytes()
            == (tmp_path / "whole" / "1.0.0" / "manifest.json").read_bytes())
