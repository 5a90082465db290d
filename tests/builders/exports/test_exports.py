"""The command: what is refused, and what is left behind when it is stopped."""

import hashlib
import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders import cli, exports
from builders.commands.tools import export_parser
from schemas.features import REGULARIZATION, RETRIBOORU
from tests.builders.exports.conftest import Row, encoded, export, figures, publish, regularization, seen

Drawn = dict[str, tuple[Path, list[Row]]]
Caught = pytest.CaptureFixture[str]


def refused(caught: Caught, *words: str) -> str:
    """The one line with which a command is refused."""
    assert cli.main(["export", *words]) == 2
    error = caught.readouterr().err
    assert error.count("\n") == 1
    return error


def tree(out: Path) -> dict[str, str]:
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(("recipe", "name"), [(recipe, name) for recipe, formats in exports.FORMATS.items()
                                              for name in formats])
def test_an_export_stands_whole_and_once(drawn: Drawn, tmp_path: Path, capsys: Caught, recipe: str, name: str) -> None:
    version = drawn[recipe][0]
    before = tree(version)
    out = export(version, name, tmp_path / "new" / "out")
    rows = len(drawn[recipe][1])
    split = "pool" if recipe == "coti" else "train"
    assert f"{rows} rows of split {split} for {name}" in capsys.readouterr().out
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert all(path.resolve().is_relative_to(out) for path in out.rglob("*"))
    assert tree(version) == before
    there = tree(out)
    export(version, name, out)
    assert "is there already" in capsys.readouterr().out and tree(out) == there
    shutil.rmtree(out)
    out.mkdir()  # an empty folder will do
    assert tree(export(version, name, out)) == there


def test_every_format_is_named_in_the_help() -> None:
    said = export_parser().format_help()
    assert all(re.search(rf"\b{name}\b", said) for name in exports.NAMES)


def test_what_is_no_export_is_one_line(drawn: Drawn, tmp_path: Path, capsys: Caught) -> None:
    version, out = str(drawn["retribooru"][0]), str(tmp_path / "out")
    assert "manifest.json" in refused(capsys, str(tmp_path), "--format", "kohya", "--out", out)
    said = refused(capsys, version, "--format", "khoya", "--out", out)
    assert "khoya" in said and "allowed: kohya" in said
    said = refused(capsys, version, "--format", "zzz", "--out", out)
    assert all(name in said for name in exports.NAMES)
    said = refused(capsys, version, "--format", "custom-diffusion", "--out", out)
    assert "retribooru" in said and all(name in said for name in exports.FORMATS["retribooru"])
    said = refused(capsys, str(drawn["subject"][0]), "--format", "ip-adapter", "--out", out)
    assert "allowed: ai-toolkit, custom-diffusion, imagefolder, kohya" in said
    said = refused(capsys, version, "--format", "kohya", "--out", out, "--split", "test")
    assert "'test'" in said and "test_seen, train" in said
    assert "URL" in refused(capsys, version, "--format", "kohya", "--out", "s3://bucket/out")
    assert "one line" in refused(capsys, version, "--format", "kohya", "--out", f"{out}\nx")
    assert "one line" in refused(capsys, version, "--format", "kohya", "--out", f"{out}\udcff")
    assert not Path(out).exists()


def test_a_taken_folder_is_left_alone(drawn: Drawn, tmp_path: Path, capsys: Caught) -> None:
    version = drawn["retribooru"][0]
    out = export(version, "kohya", tmp_path / "out")
    there = tree(out)
    words = [str(version), "--out", str(out), "--format"]
    assert "another export" in refused(capsys, *words, "imagefolder")
    assert "another export" in refused(capsys, *words, "kohya", "--split", "test_seen")
    moved = out.rename(tmp_path / "moved")  # its configuration names files that are no longer there
    assert "another export" in refused(capsys, str(version), "--out", str(moved), "--format", "kohya")
    assert tree(moved) == there
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert "taken" in refused(capsys, *words, "kohya")
    assert tree(out).keys() == {"mine.txt"}
    assert "taken" in refused(capsys, str(version), "--format", "kohya", "--out", str(out / "mine.txt"))
    assert "cannot be written" in refused(capsys, str(version), "--format", "kohya", "--out", str(out / "mine.txt/x"))


@pytest.mark.parametrize("name", sorted(exports.FORMATS["retribooru"]))
@pytest.mark.parametrize(("column", "value", "said"), [
    ("image", {"bytes": b"GIF89a no more", "path": None}, "image"), ("prompts", None, "null: prompts"),
    ("image", None, "null: image"), ("id", "../up/E", "two rows ../up/E")])
def test_damage_is_one_line_and_leaves_nothing(tmp_path: Path, capsys: Caught, name: str, column: str, value: object,
                                               said: str) -> None:
    rows = figures()
    rows[0] = {**rows[0], column: value}
    version = publish(tmp_path, "retribooru", RETRIBOORU, {"train": rows})
    error = refused(capsys, str(version), "--format", name, "--out", str(tmp_path / "out"))
    assert "damaged" in error and "build verify" in error
    assert said in error
    assert [path.name for path in tmp_path.iterdir()] == ["retribooru"]


def test_lost_data_files_and_rows_are_damage(drawn: Drawn, tmp_path: Path, capsys: Caught) -> None:
    words = [str(drawn["retribooru"][0]), "--format", "kohya", "--out", str(tmp_path / "out")]
    data = drawn["retribooru"][0] / "data"
    (data / "train-00001-of-00002.parquet").rename(tmp_path / "away")
    assert "2 rows, the manifest says 5" in refused(capsys, *words)
    (data / "train-00001-of-00002.parquet").write_bytes(b"PAR1 no more PAR1")
    assert "train-00001-of-00002.parquet cannot be read" in refused(capsys, *words)
    shutil.rmtree(data)
    assert "data/ cannot be listed" in refused(capsys, *words)
    data.mkdir()
    assert "missing" in refused(capsys, *words)
    assert not (tmp_path / "out").exists()


def test_a_reference_outside_of_the_split_is_damage(tmp_path: Path, capsys: Caught) -> None:
    rows = figures()
    rows[1]["similar"] = ["elsewhere"]
    version = publish(tmp_path, "retribooru", RETRIBOORU, {"train": rows})
    for name in ("ip-adapter", "controlnet", "fastcomposer"):
        assert "elsewhere" in refused(capsys, str(version), "--format", name, "--out", str(tmp_path / "out"))


@pytest.mark.xdist_group("build")
def test_a_build_is_exported_with_its_own_captions(whole: Path, tmp_path: Path) -> None:
    def look(data: bytes) -> str:  # one of them is turned by its EXIF
        return hashlib.sha256(seen(data).tobytes()).hexdigest()

    rows = {look(row["image"]["bytes"]): row for path in (whole / "1.0.0/data").glob("train-*")
            for row in pq.read_table(path, columns=["id", "image", "prompts", "outfit", "similar"]).to_pylist()}
    kohya, outfits = (export(whole / "1.0.0", name, tmp_path / name) for name in ("kohya", "ai-toolkit"))
    for out in (kohya, outfits):
        pictures = [path for path in (out / "images").rglob("*") if path.suffix in (".jpg", ".png")]
        found = {path: rows[look(path.read_bytes())] for path in pictures}
        assert len(found) == len(rows)
        for path, row in found.items():
            assert path.with_suffix(".txt").read_text("utf-8").replace(" ", "_") == row["prompts"].replace(" ", "_")
            if out == outfits:
                assert {row["outfit"]} == {found[other]["outfit"] for other in found if other.parent == path.parent}
    adapter = export(whole / "1.0.0", "ip-adapter", tmp_path / "ip-adapter")
    ids = {path.relative_to(adapter).as_posix(): rows[look(path.read_bytes())] for path in adapter.glob("images/*")}
    for item in json.loads((adapter / "data.json").read_text("utf-8")):
        assert item["text"].replace(" ", "_") == ids[item["image_file"]]["prompts"].replace(" ", "_")
        assert [ids[place]["id"] for place in item["ref_files"]] == ids[item["image_file"]]["similar"]


def _command(version: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "builders.cli", "export", str(version), "--format", "kohya", "--out", str(out)]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version that takes a second or more to export."""
    some = regularization(7)
    rows = [{**some[number % 7], "id": f"{number:05d}"} for number in range(6000)]
    return publish(tmp_path_factory.mktemp("long"), "regularization", REGULARIZATION["static"], {"train": rows})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_export_leaves_no_folder_and_the_same_command_makes_it(long: Path, tmp_path: Path,
                                                                        number: signal.Signals) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(_command(long, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and len(list((tmp_path / ".tmp-out" / "images").glob("*.txt"))) < 5:
        time.sleep(0.002)
    process.send_signal(number)
    out_said, err = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else -9), out_said
    assert "Traceback" not in err and not out.exists()
    assert (tmp_path / ".tmp-out").exists() == (number == signal.SIGKILL)
    assert cli.main(_command(long, out)[3:]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(list((out / "images").iterdir())) == 12_000
    assert sorted(path.name for path in out.iterdir()) == ["dataset.toml", "export.json", "images"]


def test_two_at_a_time_do_not_mix(long: Path, tmp_path: Path, capsys: Caught) -> None:
    process = subprocess.Popen(_command(long, tmp_path / "out"), stdout=subprocess.DEVNULL)
    while process.poll() is None and not (tmp_path / ".tmp-out" / "images").exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)
    try:
        assert "another run is writing there" in refused(capsys, *_command(long, tmp_path / "out")[4:])
    finally:
        process.send_signal(signal.SIGCONT)
    assert process.wait(60) == 0
    assert len(list((tmp_path / "out" / "images").iterdir())) == 12_000


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, 150))


def test_a_full_disk_is_one_line_and_leaves_nothing(drawn: Drawn, tmp_path: Path) -> None:
    done = subprocess.run(_command(drawn["retribooru"][0], tmp_path / "out"), capture_output=True, text=True,
                          check=False, preexec_fn=_small_files)
    assert done.returncode == 1 and "disk full?" in done.stderr and "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"coti", "retribooru", "regularization", "subject"}


_PEAK = """
import sys
from builders import cli
assert cli.main(sys.argv[1:]) == 0
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def test_memory_does_not_grow_with_the_version(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    rows = []
    for number in range(400):
        picture = Image.fromarray(noise.integers(0, 256, (256, 256, 3), np.uint8))
        rows.append({**regularization(1)[0], "id": f"{number:05d}",
                     "image": {"bytes": encoded(picture, "PNG", compress_level=0), "path": None}})
    peaks = []
    for count in (100, 400):
        version = publish(tmp_path / str(count), "regularization", REGULARIZATION["static"], {"train": rows[:count]})
        done = subprocess.run([sys.executable, "-c", _PEAK, "export", str(version), "--format", "imagefolder", "--out",
                               str(tmp_path / f"out{count}")], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.splitlines()[-1]) * 1024)
    assert peaks[1] - peaks[0] < 120 * len(rows[0]["image"]["bytes"])  # 300 more pictures
