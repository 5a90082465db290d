"""The clip-retrieval folder, read as that tool reads it."""

import io
import json
from pathlib import Path

import faiss
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders import cli
from schemas import manifest as manifests
from tests.builders.exports.conftest import Row, export, whose
from tests.builders.made_pool import publish_pool, rows, write_rows

Drawn = dict[str, tuple[Path, list[Row]]]
Caught = pytest.CaptureFixture[str]


def test_embeddings_metadata_and_index_go_together(drawn: Drawn, tmp_path: Path) -> None:
    version, pool = drawn["coti"]
    out = export(version, "clip-retrieval", tmp_path / "out")
    assert sorted(path.name for path in out.iterdir()) == [
        "export.json", "image.index", "images", "img_emb", "indices_paths.json", "metadata"]
    vectors = np.load(out / "img_emb" / "img_emb_0.npy")
    assert vectors.dtype == np.float16
    assert np.abs(vectors.astype(np.float32) - np.float32([row["embedding"] for row in pool])).max() < 5e-4
    metadata = pq.read_table(out / "metadata" / "metadata_0.parquet").to_pylist()
    assert [said["key"] for said in metadata] == [row["id"] for row in pool]
    index = faiss.read_index(str(out / "image.index"))
    for number, (said, row) in enumerate(zip(metadata, pool, strict=True)):
        cosines, found, _ = index.search_and_reconstruct(vectors[number:number + 1].astype(np.float32), 3)
        assert found[0, 0] == number and cosines[0, 0] == pytest.approx(1, abs=1e-3)
        assert said["caption"] == row["text"] and said["url"] == row["url"]
        assert (said["width"], said["height"], said["license"]) == (64, 48, "cc-by")
        assert whose(Path(said["image_path"]), pool)["id"] == row["id"]


def test_every_picture_can_be_sent_as_jpeg(drawn: Drawn, tmp_path: Path) -> None:
    version, pool = drawn["coti"]
    assert Image.open(io.BytesIO(pool[3]["image"]["bytes"])).mode == "RGBA"  # which no JPEG can hold
    out = export(version, "clip-retrieval", tmp_path / "out")
    for said in pq.read_table(out / "metadata" / "metadata_0.parquet").to_pylist():
        assert Path(said["image_path"]).is_relative_to(out)
        with Image.open(said["image_path"]) as picture:
            picture.save(io.BytesIO(), format="JPEG")
    untouched = pool[1]["image"]["bytes"]
    assert any(path.read_bytes() == untouched for path in (out / "images").iterdir())


def test_the_configuration_names_the_folder_and_a_clip_that_it_knows(drawn: Drawn, tmp_path: Path) -> None:
    version = drawn["coti"][0]
    out = export(version, "clip-retrieval", tmp_path / "out")
    served = json.loads((out / "indices_paths.json").read_text())
    assert served == {"pool": {"indice_folder": str(out), "columns_to_return": [
        "url", "image_path", "caption", "license", "attribution"], "enable_mclip_option": False,
        "provide_aesthetic_embeddings": False}}
    manifest = version / manifests.NAME
    manifest.write_text(manifest.read_text().replace('"weights": "none"', '"weights": "openai/clip-vit-large-patch14"'))
    other = export(version, "clip-retrieval", tmp_path / "other")
    assert json.loads((other / "indices_paths.json").read_text())["pool"]["clip_model"] == "ViT-L/14"


def refused(caught: Caught, *words: str) -> str:
    assert cli.main(["export", "--format", "clip-retrieval", *words]) == 2
    error = caught.readouterr().err
    assert error.count("\n") == 1
    return error


def test_what_cannot_be_served_is_one_line(drawn: Drawn, tmp_path: Path, capsys: Caught) -> None:
    version, words = drawn["coti"][0], ["--out", str(tmp_path / "out")]
    assert "the split of the index" in refused(capsys, str(version), *words, "--split", "seed")
    facts = version / "index" / "index.json"
    told = facts.read_text()
    facts.write_text(told.replace("abab", "cdcd"))
    assert "its index is of another dataset" in refused(capsys, str(version), *words)
    facts.write_text(told)
    (version / "index" / "pool.faiss").unlink()
    assert "pool.faiss cannot be read" in refused(capsys, str(version), *words)
    facts.unlink()
    assert "this version has no index" in refused(capsys, str(version), *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("column", "value", "told"), [
    ("embedding", None, "embeddings cannot be read"), ("text", None, "null: text"),
    ("image", {"bytes": b"GIF89a", "path": None}, "image cannot be read")])
def test_damaged_rows_are_one_line(tmp_path: Path, capsys: Caught, column: str, value: object, told: str) -> None:
    made, version = rows(), publish_pool(tmp_path, rows())
    made[8][column] = value
    write_rows(version, made)
    assert told in refused(capsys, str(version), "--out", str(tmp_path / "out"))
