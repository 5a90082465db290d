"""A version of a few rows by hand: which rows are found by id, post or path, and what is said of damaged ones."""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders import cli, explain
from builders.stories import TELLERS
from builders.write import write_rejected
from schemas import manifest as manifests
from schemas.features import REGULARIZATION, RETRIBOORU, SUBJECT, Column, arrow_schema
from schemas.manifest import Manifest
from schemas.records import REASONS, Drop, Rejected, drop
from tests.builders import made_pool

Out = pytest.CaptureFixture[str]


def _row(name: str, **change: Any) -> dict[str, Any]:
    return {"id": name, "image": {"bytes": b"", "path": None}, "mask": {"bytes": b"", "path": None}, "bbox": None,
            "character": "ann", "artists": "zun", "copyright": [], "cloths": ["skirt"], "prompts": "", "similar": ["9"],
            "outfit": "ab", "answers": [], "face_score": None, "coverage": 0.5, "rating": "general",
            "rating_raw": "s", "post_url": "", "sha256": "00", "phash": "", "width": 8, "height": 4} | change


def _version(folder: Path, source: str, rows: list[dict[str, Any]], left: list[Rejected], recipe: str = "retribooru",
             columns: tuple[Column, ...] = RETRIBOORU) -> Path:
    version = folder / "1.0.0"
    (version / "data").mkdir(parents=True)
    table = pa.Table.from_pylist(rows, schema=arrow_schema(columns))
    pq.write_table(table, version / "data" / "train-00000-of-00001.parquet")
    write_rejected(version / "rejected.parquet", left)
    manifest = Manifest(recipe=recipe, version="1.0.0", content_digest="", rows_digest="", counts={}, options={},
                        source={"name": source}, models=[], funnel=[], splits={"train": len(rows)}, near_copies=0,
                        built_with={}, files={})
    (version / manifests.NAME).write_bytes(manifests.encode(manifest))
    return version


@pytest.fixture
def mirror_version(tmp_path: Path) -> Path:
    def named(path: str, reason: str) -> Rejected:
        return Rejected(path, path, drop(reason))

    return _version(tmp_path, "danbooru2019", [_row("12"), _row("12_crop_3"), _row("120")], [
        named("figures/0012/12.png", "duplicate_file"), named("figures/0045/45.jpg", "not_a_file"),
        Rejected("7", "figures/0007/007.jpg", drop("empty")), Rejected("8", "figures/0008/8.jpg", Drop("whim", "file")),
        Rejected("12_crop_2", "figures/0012/12_crop_2.jpg", drop("too_small"))])


@pytest.fixture
def folder_version(tmp_path: Path) -> Path:
    rows = [_row("%E3%82%A2/%E6%98%A5%20a/pic%200"), _row("cup/a"), _row("cup/a!png"), _row("cup/v1.5")]
    return _version(tmp_path, "folder", rows, [Rejected("cup/b%20c", "cup/b c.png", drop("too_small")),
                                               Rejected("cup/d", "cup/d.png", drop("empty"))])


def _told(version: Path, wanted: str, capsys: Out) -> list[str]:
    """First line of each story."""
    code = cli.main(["explain", str(version), wanted])
    told = capsys.readouterr()
    assert (code, told.err) == (0, "") if told.out else code == 2
    return [story.splitlines()[0] for story in told.out.split("\n\n") if story]


DOUBLE = "figures/0012/12.png: dropped at stage source"
CROP = "12_crop_2: dropped at stage file"


@pytest.mark.parametrize(("wanted", "told"), [
    ("12", ["12: kept, split train", "12_crop_3: kept, split train", DOUBLE, CROP]),
    ("12_crop_3", ["12_crop_3: kept, split train"]),
    ("12_crop_2", [CROP]),
    ("figures/0012/12.jpg", ["12: kept, split train"]),
    ("figures/0012/12.png", [DOUBLE, "12: kept, split train"]),  # the very file first
    ("figures/0012/12_crop_3.jpg", ["12_crop_3: kept, split train"]),
    ("figures/0012/12_crop_1.jpg", ["12: kept, split train"]),  # the first of a post's crops has the post's id
    ("figures/0012/12_crop_2.jpg", [CROP]),
    ("45", ["figures/0045/45.jpg: dropped at stage source"]),
    ("figures/0045/45.jpg", ["figures/0045/45.jpg: dropped at stage source"]),
    ("7", ["7: dropped at stage file"]),
    ("007", ["7: dropped at stage file"]),
    ("5", []),
    ("figures/0005/5.jpg", []),
    ("", []),
])
def test_a_mirror(mirror_version: Path, wanted: str, told: list[str], capsys: Out) -> None:
    assert _told(mirror_version, wanted, capsys) == told


@pytest.mark.parametrize(("wanted", "told"), [
    ("ア/春 a/pic 0", ["%E3%82%A2/%E6%98%A5%20a/pic%200: kept, split train"]),
    ("ア/春 a/pic 0.png", ["%E3%82%A2/%E6%98%A5%20a/pic%200: kept, split train"]),
    ("%E3%82%A2/%E6%98%A5%20a/pic%200", ["%E3%82%A2/%E6%98%A5%20a/pic%200: kept, split train"]),
    ("cup/a", ["cup/a: kept, split train"]),
    ("cup/a.jpg", ["cup/a: kept, split train"]),
    ("cup/a.png", ["cup/a!png: kept, split train"]),
    ("cup/v1.5", ["cup/v1.5: kept, split train"]),
    ("cup/v1.5.png", ["cup/v1.5: kept, split train"]),
    ("cup/b c", ["cup/b%20c: dropped at stage file"]),
    ("cup/b c.png", ["cup/b%20c: dropped at stage file"]),
    ("cup/b%20c", ["cup/b%20c: dropped at stage file"]),
    ("a", []),
])
def test_a_folder(folder_version: Path, wanted: str, told: list[str], capsys: Out) -> None:
    assert _told(folder_version, wanted, capsys) == told


def test_a_reason_of_another_program(mirror_version: Path, capsys: Out) -> None:
    assert cli.main(["explain", str(mirror_version), "8"]) == 0
    assert "whim: no reason that this program knows" in capsys.readouterr().out


def test_data_that_cannot_be_listed(mirror_version: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    def shut(path: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "iterdir", shut)
    assert cli.main(["explain", str(mirror_version), "12"]) == 2
    told = capsys.readouterr().err
    assert "Permission denied" in told and "build verify" in told and told.count("\n") == 1


def test_a_row_of_nulls_is_damage(tmp_path: Path, capsys: Out) -> None:
    version = _version(tmp_path, "danbooru2019", [_row("12", similar=None, sha256=None)], [])
    assert cli.main(["explain", str(version), "12"]) == 2
    told = capsys.readouterr().err
    assert "row 12: null: similar, sha256" in told and told.count("\n") == 1


@pytest.fixture
def subject_version(tmp_path: Path) -> Path:
    def row(name: str) -> dict[str, Any]:
        return {"id": name, "image": {"bytes": b"", "path": None}, "text": "a olis cup on a table",
                "caption": "a cup on a table", "token": "olis", "class_name": "cup", "kind": "object",
                "scene": "on a table", "subject": "cup", "sha256": "00", "width": 8, "height": 4}

    left = [Rejected("cup/02", "cup/02.jpg", drop("empty")), Rejected("cup/a.jpg", "cup/a.jpg", drop("not_a_file"))]
    return _version(tmp_path, "folder", [row("cup/00"), row("cup/1%20b"), row("cup/00!png")], left, "subject", SUBJECT)


@pytest.mark.parametrize(("wanted", "told"), [
    ("cup/00", ["cup/00: kept, split train"]),
    ("00", ["cup/00: kept, split train"]),
    ("00.jpg", ["cup/00: kept, split train"]),
    ("cup/00.png", ["cup/00!png: kept, split train"]),
    ("00.png", ["cup/00!png: kept, split train"]),
    ("1 b.jpg", ["cup/1%20b: kept, split train"]),
    ("02.jpg", ["cup/02: dropped at stage file"]),
    ("cup/02", ["cup/02: dropped at stage file"]),
    ("a.jpg", ["cup/a.jpg: dropped at stage source"]),
    ("0", []),
])
def test_a_subject(subject_version: Path, wanted: str, told: list[str], capsys: Out) -> None:
    assert _told(subject_version, wanted, capsys) == told


def test_a_subjects_story(subject_version: Path, capsys: Out) -> None:
    assert cli.main(["explain", str(subject_version), "00"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "cup/00: kept, split train",
        "  subject    cup: cup (object), token olis",
        "  text       a olis cup on a table",
        "  caption    a cup on a table (by hand)",
        "  scene      on a table",
        "  file       8x4, sha256 00"]


def test_the_story_of_a_drawn_picture(tmp_path: Path, capsys: Out) -> None:
    row = {"id": "0012", "image": {"bytes": b"", "path": None}, "text": "a photo of a round cup on a table",
           "style": "a photo of", "shape": "round", "color": "", "texture": "", "class_name": "cup",
           "background": "on a table", "family": "photographic", "seed": 7, "generator": "light", "guidance": 0.0,
           "steps": 0, "attempts": 1, "clip_t": None, "sha256": "00", "width": 8, "height": 8}
    columns = REGULARIZATION["static"]
    version = _version(tmp_path, "plan", [row], [Rejected("0013", "", drop("refused"))], "regularization", columns)
    for wanted in ("0012", "12"):
        assert cli.main(["explain", str(version), wanted]) == 0
        told = capsys.readouterr().out
        assert told.startswith("0012: kept, split train\n  text       a photo of a round cup on a table\n")
        assert "photographic: cup; style 'a photo of', shape 'round', background 'on a table'\n" in told
        assert "light, seed 7, 0 steps, guidance 0, attempt 1\n  CLIP-T     not asked for\n  file       8x8" in told
    assert cli.main(["explain", str(version), "13"]) == 0
    assert capsys.readouterr().out.splitlines() == [  # it never was a file
        "0013: dropped at stage generate", f"  rule       refused: {REASONS['refused'][1]}"]


def test_the_story_of_a_score(tmp_path: Path) -> None:
    manifest = Manifest(recipe="regularization", version="1.0.0", content_digest="", rows_digest="", counts={},
                        options={"min_clip_t": 0.0}, source={}, models=[], funnel=[], splits={}, near_copies=0,
                        built_with={}, files={})
    row = dict.fromkeys(("style", "shape", "color", "texture", "background", "text", "family", "class_name",
                         "generator", "sha256"), "") | dict.fromkeys(("seed", "steps", "guidance", "attempts", "width",
                                                                      "height"), 1) | {"clip_t": 0.25}
    assert "  CLIP-T     0.250, at least 0.0" in TELLERS["regularization"].story(row, manifest)


def test_a_recipe_of_another_program(tmp_path: Path, capsys: Out) -> None:
    assert cli.main(["explain", str(_version(tmp_path, "folder", [], [], "magic")), "12"]) == 2
    assert "no recipe that this program knows (got 'magic')" in capsys.readouterr().err


def test_of_a_pool_addresses_are_found_and_nothing_acts_on_the_terminal(tmp_path: Path, capsys: Out) -> None:
    fetched, lost, held = (f"https://example.org/{name}.jpg" for name in ("a", "b", "c"))
    made = made_pool.rows()
    made[0] |= {"id": hashlib.sha256(fetched.encode()).hexdigest()[:16], "url": fetched, "text": "red\x1b[2J\u202egpj"}
    version = made_pool.publish_pool(tmp_path, made)
    write_rejected(version / "rejected.parquet", [
        Rejected(hashlib.sha256(lost.encode()).hexdigest()[:16], lost, Drop("not_an_image", "fetch", "\x9b2J")),
        Rejected("train/000000007", held, Drop("too_small", "file", "9x9"))])  # a dataset's ids are no digests
    for url, found in ((fetched, r"red\x1b[2J\u202egpj"), (lost, r"seen       \x9b2J"), (held, "too_small")):
        assert explain.run(version, url) == 0
        said = capsys.readouterr().out
        assert found in said and said.replace("\n", "").isprintable()
