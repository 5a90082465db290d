"""Whole runs of COTI on a tiny base, over a pool of planted pictures that `build coti` published: suns are the
concept, seas are not."""

from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch
from PIL import Image
from safetensors.torch import load_file

from annotators import concept_classifier
from builders import cli
from schemas.errors import UsageError
from tests.builders import pool_pictures
from trainers.bases import open_base
from trainers.coti import choices, coti
from trainers.coti.coti_options import Coti
from trainers.coti.curves import GAP, TILE
from trainers.data import open_data
from trainers.inversion import Inversion

pytestmark = pytest.mark.xdist_group("build")

SMALL: dict[str, Any] = {"base": "tiny", "vectors": 2, "batch_size": 1, "budget": 3, "lr": "0.1,0.01", "block": 2,
                         "steps_per_rate": 4, "previews": 2, "preview_steps": 2, "cycles": 2, "keep": 100}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """Also while the fixtures below train: pictures that two threads draw have other last bits."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pool")
    pool_pictures.plant(root / "pool", root / "seeds")
    assert cli.main(["coti", "--concept", "red sun", "--seeds", str(root / "seeds"), "--pool", str(root / "pool"),
                     "--models", "light", "--workers", "1", "--out", str(root / "out")]) == 0
    return root


def options(root: Path, out: Path, **more: Any) -> Coti:
    made = Coti(**{"pool": str(root / "out"), "out": out, **SMALL, **more})
    made.check()
    return made


@pytest.fixture(scope="module")
def whole(root: Path) -> Path:
    out = root / "whole"
    assert coti.run(options(root, out)) == 0
    return out


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((out / "cycles").glob("*.json"))]


def published(root: Path, split: str) -> datasets.Dataset:
    return datasets.load_dataset(str(root / "out" / "1.0.0"), split=split)


def test_the_best_by_the_equations_join(root: Path, whole: Path) -> None:
    pool, seeds = published(root, "pool"), published(root, "seed")
    chosen = np.asarray(seeds["embedding"])
    left = dict(zip(pool["id"], zip(np.asarray(pool["embedding"]), pool["aesthetic_score"], strict=True), strict=True))
    first, *cycles = records(whole)
    assert [one["id"] for one in first["chosen"]] == seeds["id"] and first["pool"] == 3
    assert len(cycles) == 2
    for record, before in zip(cycles, [first, *cycles], strict=False):
        # gamma is of the best previews of the cycle before, by its own scores.
        best = [block for block in before["blocks"] if block["better"]][-1]
        assert record["gamma_aesthetic"] == pytest.approx(best["gamma_aesthetic"], abs=1e-6)
        assert record["gamma_concept"] == pytest.approx(best["gamma_concept"], abs=1e-6)
        scores = {name: (1 - record["gamma_aesthetic"] / 10) * min(looks, 10)
                  + (1 - record["gamma_concept"] / 10) * max(0, 10 * float((chosen @ vector).mean()))
                  for name, (vector, looks) in left.items()}
        meant = sorted(scores, key=lambda name: -scores[name])[:3]
        assert [one["id"] for one in record["chosen"]] == meant
        assert [one["score"] for one in record["chosen"]] == pytest.approx([scores[name] for name in meant], abs=1e-4)
        assert all(name.startswith("suns/") for name in meant)
        chosen = np.concatenate([chosen, [left.pop(name)[0] for name in meant]])
    assert [record["pool"] for record in cycles] == [6, 9]


def test_blocks_are_what_previews_say(whole: Path) -> None:
    for record in records(whole):
        for block in record["blocks"]:
            a, c = block["gamma_aesthetic"], block["gamma_concept"]
            assert block["phi"] == pytest.approx(10 * np.sin(np.pi * a / 20) * np.sin(np.pi * c / 20))
            assert block["indicator"] == block["phi"]
        best = -1.0
        for at, block in enumerate(record["blocks"]):
            assert block["better"] == (block["indicator"] > best)
            best = max(best, block["indicator"])
            if not block["better"] and at + 1 < len(record["blocks"]):
                assert record["blocks"][at + 1]["rate"] == 0.01
    steps = [block["step"] for record in records(whole) for block in record["blocks"]]
    assert steps == list(range(2, 2 * len(steps) + 1, 2))


def test_the_best_cycle_is_published(whole: Path) -> None:
    assert [len(record["compared"]) for record in records(whole)] == [1, 2, 3]
    last = [one["indicator"] for one in records(whole)[-1]["compared"]]
    best = load_file(whole / "cycles" / f"{last.index(max(last)):02d}" / "embedding.safetensors")
    [rows] = best.values()
    assert torch.equal(load_file(whole / "learned_embeds.safetensors")["<red-sun>"], rows) and rows.shape[0] == 2
    said = json.loads((whole / "run.json").read_text())
    assert said["finished"] and said["options"]["token"] == "<red-sun>" and said["data"]["pool"]["recipe"] == "coti"


def test_cycles_begin_anew_or_go_on(root: Path, whole: Path, tmp_path: Path) -> None:
    def begins(out: Path) -> torch.Tensor:
        step = records(out)[0]["blocks"][-1]["step"]
        [rows] = load_file(out / "checkpoints" / f"step-{step:08d}" / "weights.safetensors").values()
        return rows

    method = Inversion(open_base("tiny", tmp_path), "<red-sun>", 2)
    assert torch.equal(begins(whole), method.tables[0].rows.detach())
    assert coti.run(options(root, tmp_path / "on", reinit=False, cycles=1)) == 0
    [kept] = load_file(tmp_path / "on" / "cycles" / "00" / "embedding.safetensors").values()
    assert torch.equal(begins(tmp_path / "on"), kept) and not torch.equal(begins(whole), kept)


def test_what_was_chosen_is_a_dataset(root: Path, whole: Path) -> None:
    chosen = [one["id"] for record in records(whole) for one in record["chosen"]]
    rows = datasets.load_dataset(str(whole / "selected"), split="train")
    assert rows["id"] == chosen and rows["cycle"] == [0] * 3 + [1] * 3 + [2] * 3
    scores = [one["score"] for record in records(whole)[1:] for one in record["chosen"]]
    assert rows["score"][:3] == [None] * 3 and rows["score"][3:] == pytest.approx(scores)
    raw = {row["id"]: row["image"]["bytes"] for split in ("pool", "seed")
           for row in published(root, split).cast_column("image", datasets.Image(decode=False))}
    opened = open_data(str(whole / "selected"), "--data", "", ("text",))
    assert [row["image"]["bytes"] for row in opened.rows] == [raw[name] for name in chosen]


def test_its_pictures_show_all_cycles(whole: Path) -> None:
    with Image.open(whole / "cycles.png") as page:
        assert page.width == GAP + 3 * (TILE + GAP)
    with Image.open(whole / "curves.png") as page:
        assert page.format == "PNG"


def trained(mine: Coti, cache: Path) -> None:
    """What a process of its own does."""
    torch.set_num_threads(1)
    datasets.config.HF_DATASETS_CACHE = cache
    coti.run(mine)


def test_a_run_that_was_killed_goes_on_as_if_it_had_not(root: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["trainers.coti.coti"])
    # First as cycle 1 begins, and then among the previews of its first block.
    for moment in ("01.json", "01/0.png"):
        run = context.Process(target=trained, args=(options(root, out, resume=True),
                                                    datasets.config.HF_DATASETS_CACHE))
        run.start()
        while not (out / "cycles" / moment).exists() and run.is_alive():
            time.sleep(0.002)
        assert run.is_alive()
        run.kill()
        run.join()
    assert not (out / "learned_embeds.safetensors").exists()
    assert coti.run(options(root, out, resume=True)) == 0
    for name in ("learned_embeds.safetensors", "cycles.png", "curves.png",
                 "selected/data/train-00000-of-00001.parquet", *(f"cycles/{at:02d}.json" for at in range(3))):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_finished_run_is_left_alone(root: Path, whole: Path) -> None:
    before = (whole / "learned_embeds.safetensors").stat().st_mtime_ns
    assert coti.run(options(root, whole, resume=True)) == 0
    assert (whole / "learned_embeds.safetensors").stat().st_mtime_ns == before


def test_scores_are_learnt_anew_as_in_the_released_code(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(concept_classifier, "EPOCHS", 12)  # of 50, which take half a minute
    seas = tmp_path / "seas"
    seas.mkdir()
    for number in range(40, 46):
        (seas / f"{number}.jpg").write_bytes(pool_pictures.jpeg(pool_pictures.sea(number)))
    (seas / "notes.txt").write_text("no picture")
    out = tmp_path / "code"
    assert coti.run(options(root, out, scorer="refresh", rule="code", confusable=seas, cycles=1, lr="0.1",
                            schedule="fixed")) == 0
    first, second = records(out)
    # A fixed schedule takes all steps of a rate, and progress is the plain sum.
    assert [len(record["blocks"]) for record in (first, second)] == [2, 2]
    for block in first["blocks"]:
        assert block["indicator"] == pytest.approx(block["gamma_aesthetic"] + block["gamma_concept"])
    said = capsys.readouterr().err
    assert f"sum {first['blocks'][0]['indicator']:.3f}" in said and "phi" not in said
    assert second["weight_aesthetic"] == second["weight_concept"] == 1
    for one in second["chosen"]:
        assert one["id"].startswith("suns/") and one["concept"] > 5
        assert one["score"] == pytest.approx(one["aesthetic"] + one["concept"], abs=1e-5)
    assert len(list((out / "cycles" / "base").glob("*.png"))) == 6  # as many as X_T: three seeds and three more


def test_everything_can_be_chosen_at_once(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "full"
    assert coti.run(options(root, out, select="full", lr="0.1", steps_per_rate=2)) == 0
    first, second = records(out)
    assert (first["pool"], second["pool"]) == (3, 23)  # and then there is nothing left for cycle 2
    assert {one["score"] for one in second["chosen"]} == {None}


@pytest.mark.parametrize("strategy", ["is", "lpips", "vlad"])
def test_single_scores_of_real_pictures(root: Path, tmp_path: Path, strategy: choices.Strategy) -> None:
    pool = choices.open_pool(str(root / "out"))
    base = open_base("tiny", tmp_path)
    found = choices.measured(strategy, pool, base.vae, base.resolution, 0)
    assert found is not None and found.shape == (20,) and np.isfinite(found).all()
    assert (found == choices.measured(strategy, pool, base.vae, base.resolution, 0)).all()
    if strategy == "lpips":  # is knows of no concept, and vlad compares suns among themselves
        best = np.argsort(-found)[:3]
        assert all(pool.ids[pool.seeds + at].startswith("suns/") for at in best)


def test_other_datasets_are_refused(root: Path, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pool"):
        coti.run(options(root, tmp_path / "a", pool=str(whole / "selected")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="--confusable holds no picture"):
        coti.run(options(root, tmp_path / "b", scorer="refresh", confusable=tmp_path / "empty"))
    with pytest.raises(UsageError, match="no model that embeds pictures"):
        coti.run(options(root, tmp_path / "c", embeddings=str(tmp_path)))
