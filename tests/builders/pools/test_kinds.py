"""What kind of pool a path or a name is, told by looking."""

import io
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.pools import KINDS, open_pool
from builders.pools.dataset import PictureDataset


def table(path: Path, **columns: pa.Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


def test_folders(tmp_path: Path) -> None:
    out = tmp_path / "out"
    keys, bytes_of = pa.array(["1"]), pa.array([b"x"], pa.binary())
    touch(tmp_path / "pictures" / "deep" / "1.jpg")
    with tarfile.open(tmp_path / "pictures.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("1.jpg"), io.BytesIO())
    (tmp_path / "tars").mkdir()
    (tmp_path / "pictures.tar").rename(tmp_path / "tars" / "00000.tar")
    table(tmp_path / "tables" / "00000.parquet", key=keys, status=keys, jpg=bytes_of)
    table(tmp_path / "files" / "00000.parquet", key=keys, status=keys)
    table(tmp_path / "plain" / "train.parquet", image=bytes_of)
    table(tmp_path / "published" / "data" / "train-00000-of-00001.parquet", image=bytes_of)
    touch(tmp_path / "imagefolder" / "metadata.jsonl")
    (tmp_path / "empty").mkdir()
    touch(tmp_path / "odd" / "1.parquet")
    found = {path.name: open_pool(str(path), out).name for path in sorted(tmp_path.iterdir())}
    assert found == {"empty": "folder", "files": "folder", "imagefolder": "dataset", "odd": "dataset",
                     "pictures": "folder", "plain": "dataset", "published": "dataset", "tables": "img2dataset",
                     "tars": "img2dataset"}


@pytest.mark.parametrize(("said", "name"), [
    ("list.txt", "urls"), ("list.csv.gz", "urls"), ("urls:list.txt", "urls"), ("maker/set", "dataset"),
    ("maker/set@v1.0#small", "dataset"), ("dataset:maker/set", "dataset"), ("openverse:chick", "openverse"),
    ("inaturalist:chick", "inaturalist"),
])
def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("list.txt", "list.csv.gz"):
        touch(tmp_path / file)
    pool = open_pool(said, tmp_path / "out")
    assert pool.name == name and name in KINDS
    assert isinstance(pool, PictureDataset) == (name == "dataset")
