"""`build search` on pools by hand: what is nearest, what is shown, what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotators.recalled import named
from builders import cli
from builders.search import Query, search
from schemas import manifest as manifests
from schemas.manifest import Model
from tests.builders.made_pool import encoded, painted, publish_pool, rows

Caught = pytest.CaptureFixture[str]


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return publish_pool(tmp_path, rows())


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A picture like row p07, but no copy."""
    path = tmp_path / "asked.jpg"
    path.write_bytes(encoded(painted(7, slope=6, size=(90, 70)), "JPEG"))
    return path


def refused(caught: Caught, *words: str) -> str:
    """The one line with which a search is refused."""
    assert cli.main(["search", *words]) == 2
    error = caught.readouterr().err
    assert error.count("\n") == 1
    return error


def test_the_likest_picture_comes_first(version: Path, asked: Path, tmp_path: Path, capsys: Caught) -> None:
    out = tmp_path / "new" / "found.png"
    assert cli.main(["search", str(version), "--image", str(asked), "-k", "4", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "1" and lines[0].split()[2:] == ["p07", "picture", "p07", "cc-by",
                                                                  "https://example.org/p07.png"]
    cosines = [float(line.split()[1]) for line in lines[:4]]
    assert cosines == sorted(cosines, reverse=True) and 0.9 < cosines[0] <= 1
    assert {line.split()[2] for line in lines[:3]} == {"p06", "p07", "p08"}  # hues beside its own
    assert lines[4:] == [f"{out}: contact sheet"]
    with Image.open(out) as page:
        assert page.format == "PNG" and page.width == 1600
        # The query stands framed at the left, the best beside it: both hold the hue of number 7.
        pixels = np.asarray(page.convert("RGB")).astype(int)
    hue = np.asarray(painted(7))[24, 32].astype(int)
    near = np.abs(pixels - hue).max(axis=2) < 12
    assert near[:, :340].sum() > 5_000 and near[:, 355:640].sum() > 5_000


def test_all_rows_of_all_files_are_found_in_their_order(version: Path) -> None:
    hits = search(version, Query(image=Path("x"), count=50), np.asarray(painted(3)))
    assert len(hits) == 11  # the seed is not in the index
    assert hits[0].row["id"] == "p03" and hits[0].cosine == pytest.approx(1, abs=1e-6)
    assert sorted(hit.row["id"] for hit in hits) == [f"p{number:02d}" for number in range(11)]
    stored = {one["id"]: one for one in rows()}
    for hit in hits:
        assert hit.row["image"]["bytes"] == stored[hit.row["id"]]["image"]["bytes"]
        assert hit.cosine == pytest.approx(float(np.dot(stored["p03"]["embedding"],
                                                        stored[hit.row["id"]]["embedding"])), abs=1e-5)


def test_what_strangers_wrote_cannot_steer_a_terminal(tmp_path: Path, asked: Path, capsys: Caught) -> None:
    made = rows()
    made[7]["text"] = "red\x1b[31m\nnext line \u202e"
    version = publish_pool(tmp_path, made)
    assert cli.main(["search", str(version), "--image", str(asked), "-k", "1", "--out", str(tmp_path / "x.png")]) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 2 and "\x1b" not in said and "\u202e" not in said
    assert "red\\u001b[31m\\u000anext line \\u202e" in said


def test_bad_queries_are_one_line(version: Path, asked: Path, tmp_path: Path, capsys: Caught) -> None:
    pool, out = str(version), ["--out", str(tmp_path / "x.png")]
    assert "read no text" in refused(capsys, pool, "a penguin", *out)
    assert "one text or one --image" in refused(capsys, pool, *out)
    assert "one text or one --image" in refused(capsys, pool, "  ", *out)
    assert "got 'both'" in refused(capsys, pool, "a penguin", "--image", str(asked), *out)
    for count in ("0", "201"):
        assert "1 to 200" in refused(capsys, pool, "--image", str(asked), "-k", count, *out)
    assert "missing_file" in refused(capsys, pool, "--image", str(tmp_path / "none.jpg"), *out)
    (tmp_path / "no.jpg").write_text("no picture")
    assert "not_an_image" in refused(capsys, pool, "--image", str(tmp_path / "no.jpg"), *out)
    asked.write_bytes(asked.read_bytes()[:500])
    assert "truncated" in refused(capsys, pool, "--image", str(asked), *out)
    assert not (tmp_path / "x.png").exists()
    asked.write_bytes(encoded(painted(7), "JPEG"))
    assert "--out is a folder" in refused(capsys, pool, "--image", str(asked), "--out", str(tmp_path))


def test_what_is_no_pool_is_one_line(version: Path, asked: Path, tmp_path: Path, capsys: Caught) -> None:
    words = ["--image", str(asked), "--out", str(tmp_path / "x.png")]
    assert "no manifest.json" in refused(capsys, str(tmp_path), *words)
    facts = version / "index" / "index.json"
    told = json.loads(facts.read_text())
    facts.write_text(json.dumps(told | {"dataset": "cd" * 32}))
    said = refused(capsys, str(version), *words)
    assert "dataset cdcdcdcdcdcdcdcd, not of abababababababab" in said and "build verify" in said
    facts.write_text(json.dumps(told))
    index = version / "index" / "pool.faiss"
    index.write_bytes(index.read_bytes()[:-9])
    assert "index/pool.faiss cannot be read" in refused(capsys, str(version), *words)
    facts.unlink()
    assert "no index" in refused(capsys, str(version), *words)
    manifest = version / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"coti"', '"subject"'))
    assert "a subject dataset" in refused(capsys, str(version), *words)


def test_an_index_of_other_rows_is_one_line(version: Path, asked: Path, tmp_path: Path, capsys: Caught) -> None:
    manifest = version / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"pool": 11', '"pool": 10'))
    said = refused(capsys, str(version), "--image", str(asked), "--out", str(tmp_path / "x.png"))
    assert "its index has 11 rows" in said


@pytest.mark.parametrize(("column", "value", "told"), [
    ("text", None, "row p07 has nulls"), ("image", {"bytes": b"GIF89a", "path": None}, "cannot be drawn")])
def test_damaged_rows_are_one_line(tmp_path: Path, asked: Path, capsys: Caught, column: str, value: object,
                                   told: str) -> None:
    made = rows()
    made[7][column] = value
    said = refused(capsys, str(publish_pool(tmp_path, made)), "--image", str(asked), "--out", str(tmp_path / "x.png"))
    assert told in said and "build verify" in said


def test_missing_shards_are_one_line(version: Path, asked: Path, tmp_path: Path, capsys: Caught) -> None:
    (version / "data" / "pool-00001-of-00002.parquet").unlink()
    said = refused(capsys, str(version), "--image", str(asked), "-k", "11", "--out", str(tmp_path / "x.png"))
    assert "rows cannot be read: row 5 of the pool is missing" in said


def test_other_weights_are_one_line(version: Path, asked: Path, tmp_path: Path, capsys: Caught) -> None:
    words = [str(version), "--image", str(asked), "--out", str(tmp_path / "x.png")]
    manifest = version / "manifest.json"
    whole = manifest.read_text()
    identity = json.loads(whole)["models"][0]["identity"]
    manifest.write_text(whole.replace(identity, "0" * 64))
    assert "not the weights that embedded the pool" in refused(capsys, *words)
    manifest.write_text(whole.replace('"embeddings": "light"', '"embeddings": "clip"'))
    said = refused(capsys, *words)
    assert "weights of a folder" in said and "--embeddings FOLDER" in said


def test_a_copy_elsewhere_can_be_searched(version: Path, asked: Path, tmp_path: Path) -> None:
    moved = version.rename(tmp_path / "elsewhere")
    assert cli.main(["search", str(moved), "--image", str(asked), "--out", str(tmp_path / "x.png")]) == 0


def test_weights_of_the_hub_are_asked_for_at_their_revision(version: Path) -> None:
    manifest = manifests.read(version)
    manifest.options["embeddings"] = "paper"
    there = Model("embeddings", "", {"weights": "openai/clip-vit-large-patch14", "revision": "0123abcd"})
    assert named(there, manifest) == "openai/clip-vit-large-patch14@0123abcd"


def test_a_text_finds_what_a_clip_says(tmp_path: Path, capsys: Caught) -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("diffusers")
    from benchmarks import random_diffusion

    clip = random_diffusion.save_clip(tmp_path / "clip")
    made = rows(str(clip))
    words = [str(publish_pool(tmp_path, made, str(clip), "clip")), "red backpack", "--out", str(tmp_path / "x.png")]
    assert cli.main(["search", *words, "--embeddings", str(clip)]) == 0
    # Said by transformers itself.
    model = transformers.CLIPModel.from_pretrained(clip)
    tokens = transformers.CLIPTokenizer.from_pretrained(clip)(["red backpack"], return_tensors="pt",
                                                              padding="max_length", truncation=True)
    said = model.get_text_features(**tokens).pooler_output.detach().numpy()[0]
    cosines = {one["id"]: float(np.dot(one["embedding"], said / np.linalg.norm(said))) for one in made[:-1]}
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[:-1]]
    assert {line[2]: float(line[1]) for line in lines} == pytest.approx(cosines, abs=2e-3)
    assert [float(line[1]) for line in lines] == sorted(map(float, (line[1] for line in lines)), reverse=True)

    assert "weights of a folder" in refused(capsys, *words)
    other = tmp_path / "other"
    shutil.copytree(clip, other)
    (other / "config.json").write_text((clip / "config.json").read_text() + " ")
    assert "not the weights that embedded the pool" in refused(capsys, *words, "--embeddings", str(other))
    assert "not the weights that embedded the pool" in refused(capsys, *words, "--embeddings", "light")
