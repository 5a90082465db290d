from importlib.metadata import PackageNotFoundError
from pathlib import Path

import msgspec
import onnxruntime
import pytest

from builders.publish import VERSION, built_with, publish, published
from builders.write import file_entry
from schemas import atomic
from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.manifest import FileEntry, Manifest

EMPTY = Manifest(recipe="retribooru", version="1.0.0", content_digest="", rows_digest="a", source={}, counts={},
                 options={}, models=[], funnel=[], splits={}, near_copies=0, built_with={}, files={})


def _publish(out: Path, version: str) -> Path:
    (out / version).mkdir()
    (out / version / manifests.NAME).write_bytes(manifests.encode(msgspec.structs.replace(EMPTY, version=version)))
    return out / version


def test_nothing_stands_there(tmp_path: Path) -> None:
    assert published(tmp_path / "1.0.0", "a") is None


def test_the_same_rows_are_published_already(tmp_path: Path) -> None:
    assert published(_publish(tmp_path, "1.0.0"), "a") == EMPTY


@pytest.mark.parametrize(("others", "free"), [([], "1.0.1"), (["1.0.1", "1.0.2"], "1.0.3"),
                                              (["1.0.2", "1.1.0", "2.0.0"], "1.0.1")])
def test_the_refusal_names_the_next_free_version(tmp_path: Path, others: list[str], free: str) -> None:
    for other in others:
        _publish(tmp_path, other)
    with pytest.raises(UsageError) as refusal:
        published(_publish(tmp_path, "1.0.0"), "b")
    assert str(refusal.value).endswith(f"--version {free}")


def test_versions_are_counted_as_numbers(tmp_path: Path) -> None:
    _publish(tmp_path, "1.0.10")
    with pytest.raises(UsageError, match=r"--version 1\.0\.11$"):
        published(_publish(tmp_path, "1.0.9"), "b")


def test_what_a_dead_worker_left_unfinished_is_not_published(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    for name in ("train-00000-of-00001.parquet", f"{atomic.TEMPORARY}77-train-00000-of-00001.parquet"):
        atomic.write(staging / VERSION / "data" / name, b"rows")
    data = "data/train-00000-of-00001.parquet"
    draft = msgspec.structs.replace(EMPTY, files={data: file_entry(staging / VERSION / data)})
    told = publish(staging, tmp_path / "1.0.0", draft, [("README.md", b"card")])
    there = {path.relative_to(tmp_path / "1.0.0").as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {*told.files, manifests.NAME} == {"README.md", "manifest.json", data}
    assert told.files["README.md"] == FileEntry("8367cd66fdd136bba8ba23f8805bb050dd6289401c8ec3b0be44a3c233eef90d", 4)


def test_versions_are_told_where_onnxruntime_came_under_the_name_of_its_gpu_package(
        monkeypatch: pytest.MonkeyPatch) -> None:
    def version_of(name: str) -> str:
        if name == "onnxruntime":
            raise PackageNotFoundError(name)
        return f"{name} 7"

    monkeypatch.setattr("builders.publish.version_of", version_of)
    said = built_with()
    assert said["onnxruntime"] == onnxruntime.__version__ and said["numpy"] == "numpy 7"
