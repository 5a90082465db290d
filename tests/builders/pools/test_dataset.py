"""Datasets as pools: in every form that `datasets` opens, from a folder and from a local server that speaks as the Hub.
"""

import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders import files
from builders.pools import open_pool
from builders.pools.dataset import PictureDataset
from schemas.errors import UsageError
from schemas.records import Post, Rejected
from tests.builders.hub_server import Hub

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(colour: tuple[int, int, int]) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(data, "PNG")
    return data.getvalue()


def table(rows: dict[str, list[Any]], **features: Any) -> bytes:
    """A Parquet file as `datasets` writes it: pictures as bytes, and what they are in its metadata."""
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pydict(rows, datasets.Features(features).arrow_schema), data)
    return data.getvalue()


def cell(data: bytes | None, path: str | None = None) -> dict[str, Any]:
    return {"bytes": data, "path": path}


ROWS = {"n": [7, 8, 9], "picture": [cell(picture(RED)), None, cell(picture(BLUE))],
        "caption": ["a red\none", "none", ""],
        "url": ["http://a/1.png", "http://a/2.png", "file:///etc/passwd"], "license": ["cc0-1.0", None, "cc-by-4.0"]}
FEATURES = {"n": datasets.Value("int64"), "picture": datasets.Image(), "caption": datasets.Value("string"),
            "url": datasets.Value("string"), "license": datasets.Value("string")}


def said(rows: list[Post | Rejected]) -> list[tuple[str, ...]]:
    return [(row.id, row.url, row.text, row.license) if isinstance(row, Post) else (row.id, row.drop.reason)
            for row in rows]


def test_parquet_is_copied_once(tmp_path: Path) -> None:
    root, out = tmp_path / "set", tmp_path / "out"
    (root / "data").mkdir(parents=True)
    (root / "data" / "train-00000-of-00001.parquet").write_bytes(table(ROWS, **FEATURES))
    (root / "data" / "test-00000-of-00001.parquet").write_bytes(
        table({"picture": [cell(picture(RED))], "caption": ["again"]}, picture=datasets.Image(),
              caption=datasets.Value("string")))
    (root / "README.md").write_text("---\nlicense: cc-by-4.0\nconfigs:\n- config_name: default\n  data_files:\n"
                                    "  - {split: train, path: data/train-*}\n---\n# A set\n")
    pool = open_pool(str(root), out)
    rows = list(pool.posts())
    assert said(rows) == [("train/000000000", "http://a/1.png", "a red one", "cc0-1.0"), ("train/000000001", "empty"),
                          ("train/000000002", "", "", "cc-by-4.0")]
    assert [files.read(row.path) for row in rows if isinstance(row, Post)] == [picture(RED), picture(BLUE)]
    assert pool.said == "dataset:set" and pool.licence.startswith("cc-by-4.0, as its card says")
    assert list(open_pool(str(root), out).posts()) == rows
    assert [tar.name for tar in (out / ".annotations" / "cells").iterdir()] == ["00000.tar"]


def test_pictures_of_an_imagefolder_are_read_in_place(tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "train").mkdir(parents=True)
    (root / "train" / "red.png").write_bytes(picture(RED))
    (root / "train" / "gone.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "outside.png").write_bytes(picture(BLUE))
    names = [{"file_name": name, "text": f"this is {name}"} for name in ("red.png", "gone.png")]
    (root / "train" / "metadata.jsonl").write_text("\n".join(map(json.dumps, names)))
    rows = list(PictureDataset(str(root), tmp_path / "out").posts())
    assert said(rows) == [("train/000000000", "", "this is red.png", ""), ("train/000000001", "outside_root")]
    assert isinstance(rows[0], Post) and rows[0].path == str(root / "train" / "red.png")


def test_pictures_of_an_archive_are_copied(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    with zipfile.ZipFile(root / "all.zip", "w") as archive:
        archive.writestr("blue.png", picture(BLUE))
        archive.writestr("red.png", picture(RED))
    rows = list(open_pool(f"dataset:{root}", tmp_path / "out").posts())
    assert said(rows) == [("train/000000000", "", "", ""), ("train/000000001", "", "", "")]
    assert [files.read(row.path) for row in rows if isinstance(row, Post)] == [picture(BLUE), picture(RED)]


def test_what_save_to_disk_wrote(tmp_path: Path) -> None:
    whole = datasets.Dataset.from_dict(ROWS, datasets.Features(FEATURES))
    whole.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict({"small": whole.select([2])}).save_to_disk(str(tmp_path / "more"))
    assert said(list(PictureDataset(str(tmp_path / "one"), tmp_path / "out").posts()))[1:] == [
        ("train/000000001", "empty"), ("train/000000002", "", "", "cc-by-4.0")]
    assert said(list(open_pool(str(tmp_path / "more"), tmp_path / "out").posts())) == [
        ("small/000000000", "", "", "cc-by-4.0")]


def test_a_configuration_by_name(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for name, colour in (("reds", RED), ("blues", BLUE)):
        (root / name).mkdir(parents=True)
        (root / name / "1.parquet").write_bytes(table({"image": [cell(picture(colour))]}, image=datasets.Image()))
    (root / "README.md").write_text("---\nconfigs:\n- {config_name: reds, data_files: reds/*}\n"
                                    "- {config_name: blues, data_files: blues/*}\n---\n")
    [row] = open_pool(f"dataset:{root}#blues", tmp_path / "out").posts()
    assert isinstance(row, Post) and files.read(row.path) == picture(BLUE)
    with pytest.raises(UsageError, match=r"reds.*blues"):
        list(open_pool(f"dataset:{root}", tmp_path / "out").posts())


@pytest.mark.parametrize("path", ["/etc/hostname", "https://example.org/a.png", "zip://a.png::https://example.org/a.zip",
                                  "zip://a.png::/etc/a.zip", "../../outside.png"])
def test_a_table_that_names_files_elsewhere(tmp_path: Path, path: str) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "1.parquet").write_bytes(
        table({"image": [cell(None, path), cell(picture(RED), path)]}, image=datasets.Image()))
    rows = list(PictureDataset(str(tmp_path / "set"), tmp_path / "out").posts())
    assert said(rows) == [("train/000000000", "outside_root"), ("train/000000001", "", "", "")]


def nothing(root: Path) -> None:
    """An empty folder."""


def texts(root: Path) -> None:
    (root / "a.txt").write_text("one\ntwo")


def numbers(root: Path) -> None:
    pq.write_table(pa.table({"n": [1], "url": ["http://a/1"]}), root / "1.parquet")


def script(root: Path) -> None:
    (root / f"{root.name}.py").write_text("raise SystemExit(7)")


def damaged(root: Path) -> None:
    (root / "1.parquet").write_bytes(table(ROWS, **FEATURES)[:-50])


def card(root: Path) -> None:
    (root / "README.md").write_text("---\nconfigs: [\n---\n")
    (root / "1.parquet").write_bytes(table(ROWS, **FEATURES))


@pytest.mark.parametrize("make", [nothing, texts, numbers, script, damaged, card])
def test_what_is_no_dataset_of_pictures_is_told_in_one_line(tmp_path: Path, make: Any,
                                                            capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "set").mkdir()
    make(tmp_path / "set")
    with pytest.raises(UsageError, match="--pool") as raised:
        list(PictureDataset(str(tmp_path / "set"), tmp_path / "out").posts())
    assert "\n" not in str(raised.value) and capfd.readouterr() == ("", "")


def test_a_table_damaged_in_its_middle(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    path = tmp_path / "set" / "1.parquet"
    rows = {"image": [cell(bytes(range(256)) * 16 + number.to_bytes(2)) for number in range(400)]}
    pq.write_table(pa.Table.from_pydict(rows, datasets.Features({"image": datasets.Image()}).arrow_schema), path,
                   compression="zstd", row_group_size=100)
    data = bytearray(path.read_bytes())
    data[len(data) // 2:len(data) // 2 + 64] = os.urandom(64)
    path.write_bytes(data)
    with pytest.raises(UsageError, match="--pool cannot be read to its end"):
        list(PictureDataset(str(tmp_path / "set"), tmp_path / "out").posts())


def test_out_inside_the_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--out lies in the dataset"):
        PictureDataset(str(tmp_path), tmp_path / "out")


def test_first_rows_only(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "1.parquet").write_bytes(table(ROWS, **FEATURES))
    assert len(list(PictureDataset(str(tmp_path / "set"), tmp_path / "out", 1).posts())) == 1


_ASK = """import json, sys
from pathlib import Path
from builders import files
from builders.pools import open_pool
from schemas.errors import UsageError
home, out = Path(sys.argv[1]), Path(sys.argv[1], "out")
for said in sys.argv[2:]:
    try:
        pool = open_pool(said, out)
        rows = list(pool.posts())
        places = [any(Path(row.path).is_relative_to(root) for root in (pool.root, out)) for row in rows]
        print(json.dumps([pool.said, pool.licence[:7], all(places),
                          [(row.id, row.text, len(files.read(row.path))) for row in rows]]))
    except UsageError as error:
        print(json.dumps(str(error)))
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path / "xet")
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def ask(home: Path, url: str, *pools: str) -> list[Any]:
    """What a process of its own reads: the client takes its settings when it is imported."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_"))}
    env = {**clean, "HF_HOME": str(home / "home"), "HF_ENDPOINT": url, "HF_HUB_DISABLE_XET": "1",
           "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run([sys.executable, "-c", _ASK, str(home), *pools], env=env, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_dataset_of_the_hub(tmp_path: Path, hub: Hub) -> None:
    whole = {name: [values[0], values[2]] for name, values in ROWS.items()}
    repo = hub.create("maker/set", files={"README.md": b"---\nlicense: cc0-1.0\n---\n",
                                          "data/train-00000-of-00001.parquet": table(whole, **FEATURES)})
    hub.create("maker/folder", files={"red.png": picture(RED), "metadata.jsonl":
                                      b'{"file_name": "red.png", "text": "in a file"}'})
    commit = repo.commits[-1][0]
    first, again, folder, none, wrong = ask(tmp_path, hub.url, "maker/set", f"dataset:maker/set@{commit}",
                                            "maker/folder", "maker/none", "maker/set@no-such")
    assert first == again == [f"dataset:maker/set@{commit}", "cc0-1.0", True, [
        ["train/000000000", "a red one", len(picture(RED))], ["train/000000001", "", len(picture(BLUE))]]]
    assert folder[2:] == [True, [["train/000000000", "in a file", len(picture(RED))]]]
    assert "no such dataset on the Hub" in none and "cannot be fetched" in wrong
    # What was fetched needs no network.
    there, other = ask(tmp_path, "http://127.0.0.1:9", f"maker/set@{commit}", "maker/other")
    assert there == first and "cannot be fetched" in other
