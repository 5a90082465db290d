"""The main job from end to end, on the sample mirror, through the real command."""

import hashlib
import json
import os
import shutil
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest

from builders import cli
from builders.openings import open_models
from builders.options import Retribooru
from schemas import manifest as manifests
from schemas.answers import QUESTIONS
from schemas.errors import UsageError
from schemas.records import REASONS
from tests.conftest import command, run

# One process draws the mirror and builds it once for all of these.
pytestmark = pytest.mark.xdist_group("build")


def _files(version: Path) -> dict[str, str]:
    return {path.relative_to(version).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(version.rglob("*")) if path.is_file()}


def _parts(out: Path) -> dict[str, int]:
    """Finished parts; what a killed worker left unfinished is none."""
    return {path.relative_to(out).as_posix(): path.stat().st_mtime_ns
            for path in (out / ".annotations").rglob("*.parquet") if not path.name.startswith(".tmp-")}


def test_load_dataset_opens_it(whole: Path, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(whole / "1.0.0"), cache_dir=str(tmp_path))
    manifest = manifests.read(whole / "1.0.0")
    assert {name: split.num_rows for name, split in loaded.items()} == manifest.splits
    row = loaded["train"][0]
    assert row["image"].mode == "RGB" and row["mask"].mode == "L"
    assert row["image"].size == row["mask"].size == (row["width"], row["height"])
    assert len(row["bbox"]) == 4 and row["similar"]


def test_streaming_gives_the_same_rows(whole: Path, tmp_path: Path) -> None:
    streamed = datasets.load_dataset(str(whole / "1.0.0"), streaming=True, cache_dir=str(tmp_path))
    manifest = manifests.read(whole / "1.0.0")
    for split, rows in manifest.splits.items():
        assert sum(1 for _ in streamed[split]) == rows
    first = next(iter(streamed["train"]))
    assert first["mask"].mode == "L" and np.asarray(first["mask"]).max() > 200


def test_every_figure_file_is_a_row_or_has_a_reason(whole: Path, mirror: Path) -> None:
    version = whole / "1.0.0"
    manifest = manifests.read(version)
    truth = pq.read_table(mirror / "truth" / "truth.parquet")
    kept = sum(manifest.splits.values())
    rejected = pq.read_table(version / "rejected.parquet").to_pylist()
    assert kept + len(rejected) == truth.num_rows
    assert {row["reason"] for row in rejected} <= REASONS.keys()
    drops = Counter(row["reason"] for row in rejected)
    told: Counter[str] = Counter()
    for step in manifest.funnel:
        told.update(step.drops)
    assert told == drops
    assert kept >= truth.num_rows * 0.3


def test_planted_defects_leave_for_their_own_reason(whole: Path, mirror: Path) -> None:
    truth = pq.read_table(mirror / "truth" / "truth.parquet").to_pylist()
    rejected = {row["path"]: row["reason"] for row in pq.read_table(whole / "1.0.0" / "rejected.parquet").to_pylist()}
    # What tags and bytes decide is exact; what a model decides has its own measure in benchmarks/.
    by_models = {"no_face", "many_faces", "matte_coverage", "answer_unknown", "no_reference", "singleton"}
    planted = [row for row in truth if row["expected"] and row["expected"] not in by_models]
    assert len(planted) >= 10
    for row in planted:
        assert rejected.get(row["path"]) == row["expected"], row


def test_the_card_holds_answers_against_tags(whole: Path) -> None:
    section = (whole / "1.0.0" / "README.md").read_text().split("## Answers against tags")[1].split("\n## ")[0]
    told = {cells[0]: cells[1:] for line in section.splitlines() if line.startswith("| ")
            if len(cells := line.strip("| ").split(" | ")) == 5}
    assert set(QUESTIONS) <= told.keys()
    # Light answers read the garments from the tags; only the colours are seen.
    assert all(told[question][3] == "by construction" for question in QUESTIONS[1:])
    speak, silent, agree = (int(cell) for cell in told[QUESTIONS[0]][:3])
    assert speak > 30 and silent == 0 and agree >= 0.95 * speak
    upper, hushed, agreed = (int(cell) for cell in told[QUESTIONS[1]][:3])
    assert upper == agreed > speak / 2 and hushed == 0


def test_original_bytes_pass_through(whole: Path, mirror: Path) -> None:
    paths = {path.stem.split("_")[0]: path for path in (mirror / "danbooru2019-figures").rglob("*.*") if path.is_file()}
    rows = pq.read_table(whole / "1.0.0" / "data", columns=["id", "image", "sha256"]).to_pylist()
    for row in rows:
        data = row["image"]["bytes"]
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        if "_" not in row["id"]:
            assert paths[row["id"]].read_bytes() == data


def test_two_workers_publish_the_same_files(whole: Path, mirror: Path, tmp_path: Path) -> None:
    done = run(command(mirror, tmp_path / "out", "--workers", "2"))
    assert done.returncode == 0, done.stderr
    assert _files(tmp_path / "out" / "1.0.0") == _files(whole / "1.0.0")


def test_the_same_command_again_changes_nothing(whole: Path, mirror: Path) -> None:
    before, parts = _files(whole / "1.0.0"), _parts(whole)
    done = run(command(mirror, whole, "--workers", "1"))
    assert done.returncode == 0, done.stderr
    assert "published already" in done.stderr
    assert (_files(whole / "1.0.0"), _parts(whole)) == (before, parts)


def test_tightening_a_threshold_runs_no_model(whole: Path, mirror: Path) -> None:
    parts = _parts(whole)
    done = run(command(mirror, whole, "--workers", "1", "--version", "1.1.0", "--min-side", "200",
                       "--matte-max", "0.3"))
    assert done.returncode == 0, done.stderr
    assert _parts(whole) == parts
    new = manifests.read(whole / "1.1.0")
    assert sum(new.splits.values()) < sum(manifests.read(whole / "1.0.0").splits.values())


def test_a_published_version_never_changes(whole: Path, mirror: Path) -> None:
    before = _files(whole / "1.0.0")
    done = run(command(mirror, whole, "--workers", "1", "--matte-max", "0.3"))
    assert done.returncode == 2
    assert "published with other content" in done.stderr and "--version 1.0.1" in done.stderr
    assert _files(whole / "1.0.0") == before


def test_dry_run_writes_nothing(mirror: Path, tmp_path: Path) -> None:
    done = run(command(mirror, tmp_path / "out", "--dry-run"))
    assert done.returncode == 0, done.stderr
    assert "dry run" in done.stdout
    assert not (tmp_path / "out").exists()


def test_limit_takes_the_first_rows_that_pass(mirror: Path, tmp_path: Path) -> None:
    done = run(command(mirror, tmp_path / "out", "--dry-run", "--limit", "30", "--log", "json"))
    (select,) = [event for event in map(json.loads, done.stderr.splitlines()) if event.get("stage") == "select"]
    assert select["rows_out"] + select["drops"].get("singleton", 0) == 30


def test_paper_models_that_are_not_here_name_the_light_ones(mirror: Path, tmp_path: Path) -> None:
    words = [word for word in command(mirror, tmp_path / "out") if word not in ("--models", "light")]
    done = run(words, env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")})
    assert done.returncode == 2
    assert "--models light" in done.stderr and done.stderr.count("\n") == 1


def test_models_of_ones_own_are_opened_and_told(tmp_path: Path) -> None:
    mine = tmp_path / "mine.onnx"
    shutil.copy(str(resources.files("annotators") / "models" / "faces.onnx"), mine)
    models = open_models(Retribooru(source="sample", out=tmp_path / "out", faces=str(mine)))
    assert models.faces.provenance["weights"] == "mine.onnx" and models.faces.default_score == 0.5
    assert models.masks.provenance["weights"] == "packaged masks.onnx"
    with pytest.raises(UsageError, match="no weights for masks"):
        open_models(Retribooru(source="sample", out=tmp_path / "out", masks="nowhere.onnx"))


def test_json_log_is_json_on_every_line(mirror: Path, tmp_path: Path) -> None:
    done = run(command(mirror, tmp_path / "out", "--dry-run", "--log", "json"))
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert any(event["event"] == "stage" and event["stage"] == "select" for event in events)


def test_explain_tells_a_kept_and_a_dropped_row(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = whole / "1.0.0"
    kept = pq.read_table(version / "data", columns=["id"])["id"][0].as_py()
    assert cli.main(["explain", str(version), kept]) == 0
    assert f"{kept}: kept" in capsys.readouterr().out
    row = next(row for row in pq.read_table(version / "rejected.parquet").to_pylist() if row["reason"] == "truncated")
    assert cli.main(["explain", str(version), row["path"]]) == 0
    text = capsys.readouterr().out
    assert "dropped at stage file" in text and REASONS["truncated"][1] in text
    assert cli.main(["explain", str(version), "no such"]) == 2


def test_the_manifest_tells_nothing_of_the_machine(whole: Path, mirror: Path) -> None:
    text = (whole / "1.0.0" / manifests.NAME).read_text() + (whole / "1.0.0" / "README.md").read_text()
    assert str(mirror) not in text and str(whole) not in text


def test_loosening_a_threshold_looks_only_at_rows_never_seen(mirror: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(command(mirror, out, "--workers", "1", "--min-side", "420")).returncode == 0
    tight = {path: _keys(path) for path in (out / ".annotations").glob("faces-*/*.parquet")}
    loose = run(command(mirror, out, "--workers", "1", "--version", "1.1.0", "--min-side", "128"))
    assert loose.returncode == 0, loose.stderr
    seen = [key for keys in tight.values() for key in keys]
    new = [key for path in (out / ".annotations").glob("faces-*/*.parquet") if path not in tight for key in _keys(path)]
    assert seen and new
    assert not set(new) & set(seen)
    assert {path: _keys(path) for path in tight} == tight


def _keys(part: Path) -> list[str]:
    return list(pq.read_table(part, columns=["key"])["key"].to_pylist())


def test_the_sample_source_says_that_it_is_drawn(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "builders.cli", "retribooru", "--source", "sample", "--count", "60", "--seed", "3",
             "--out", str(tmp_path / "out")]
    done = run(words)
    assert done.returncode == 0, done.stderr
    version = tmp_path / "out" / "1.0.0"
    assert manifests.read(version).source["name"] == "sample"
    assert f'load_dataset("{version}")' in done.stdout and "outfits.png" in done.stdout
    assert set(pq.read_table(version / "data", columns=["post_url"])["post_url"].to_pylist()) == {""}
    assert "danbooru2019" not in (version / "README.md").read_text().split("---")[1]


@pytest.mark.parametrize("out", ["danbooru2019-figures", "metadata", "."])
def test_a_tree_of_a_mirror_is_not_built_into(mirror: Path, out: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["retribooru", "--source", "danbooru2019", "--root", str(mirror), "--models", "light", "--out"]
    assert cli.main([*words, str(mirror / out)]) == 2
    assert "--out is a folder of the source" in capsys.readouterr().err
    assert not (mirror / out / ".state").exists()
