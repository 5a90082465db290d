"""Scores by models whose answers are known: histograms of ours and nets of a few nodes. Needs no torch."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from annotators import images
from annotators.light_embeddings import embedding
from schemas.errors import UsageError
from schemas.terminal.progress import Progress
from tests.annotators import tiny
from tests.trainers.evaluation.scored import drawn, flat, noise, plan, real
from trainers.evaluation import plans, seen
from trainers.evaluation.models_options import Models
from trainers.evaluation.plans import Shown
from trainers.evaluation.scoring import score

LIGHT = Models(clip="light", dino="none")
RED, BLUE, BOTH = flat(255, 0, 0), flat(0, 0, 255), np.where(np.arange(64)[:, None, None] < 32, flat(255, 0, 0),
                                                             flat(0, 0, 255)).astype(np.uint8)


def by_light(one: np.ndarray, *others: np.ndarray) -> float:
    return float(np.mean([embedding(one) @ embedding(other) for other in others]))


def test_similarity_is_the_mean_over_the_references(tmp_path: Path) -> None:
    jobs = [real("a", "b"), drawn(tmp_path, "toy/0", BOTH, "a", "b"), drawn(tmp_path, "toy/1", RED, "a"),
            drawn(tmp_path, "toy/2", BLUE, "a", "b", apart={"face": ("b",)})]
    asked = plan(jobs, {"a": RED, "b": BOTH}, [plans.CLIP_I, plans.part(plans.CLIP_I, "face")])
    found = score(asked, tmp_path, LIGHT, Progress())
    assert list(found.columns) == ["Light-I", "Light-I (face)"]
    wanted = [by_light(RED, BOTH), by_light(BOTH, RED, BOTH), 1.0, by_light(BLUE, RED, BOTH)]
    assert found.columns["Light-I"] == pytest.approx(wanted, abs=1e-6)
    assert found.columns["Light-I (face)"] == pytest.approx([math.nan] * 3 + [by_light(BLUE, BOTH)], abs=1e-6,
                                                            nan_ok=True)
    assert found.models["Light-I"]["backend"] == "colour and edge histograms"


def test_what_has_no_model_is_left_out_and_told(tmp_path: Path) -> None:
    metrics = [plans.DINO, plans.CLIP_I, plans.CLIP_T, plans.swd(plans.CLIP_T, plans.CLIP_I), plans.IS]
    jobs = [drawn(tmp_path, "toy/0", BOTH, "a", texts={plans.CLIP_T: "a toy"})]
    found = score(plan(jobs, {"a": RED}, metrics), tmp_path, LIGHT, Progress())
    assert list(found.columns) == ["Light-I"] and found.sets == {}
    assert found.warnings == (
        "left out, as there is no model for it: DINO; CLIP-T; SWD(CLIP-T, CLIP-I); IS",)
    with pytest.raises(UsageError, match="no metric is left to score with"):
        score(plan(jobs, {"a": RED}, [plans.CLIP_T]), tmp_path, LIGHT, Progress())


def test_frechet_distance_of_sets_by_group_and_subject(tmp_path: Path) -> None:
    """Only red varies, so FID is the squared distance of means plus that of standard deviations."""
    reds = {"a": 51, "b": 153}
    jobs = [*(real(name, subject="toy") for name in reds), *(real(name, subject="cup") for name in "cd")]
    jobs += [drawn(tmp_path, f"toy/{at}", flat(level, 0, 0), group="new") for at, level in enumerate((0, 204))]
    jobs += [drawn(tmp_path, f"toy/old-{at}", flat(level, 0, 0), group="old") for at, level in enumerate((51, 153))]
    jobs += [drawn(tmp_path, "cup/0", flat(9, 9, 9), subject="cup", group="old")]
    asked = plan(jobs, {**{name: flat(red, 0, 0) for name, red in reds.items()}, "c": BLUE, "d": BLUE},
                 [plans.FID, plans.KID])
    net = str(tiny.means(tmp_path / "net.onnx"))
    found = score(asked, tmp_path, Models(clip="none", dino="none", inception=net), Progress())
    assert (found.columns, list(found.sets)) == ({}, ["FID", "KID"])
    deviations = (.2 * math.sqrt(2), .4 * math.sqrt(2))
    fid = found.sets["FID"]
    assert set(fid) == {("", ""), ("", "toy"), ("new", ""), ("new", "toy"), ("old", ""), ("old", "toy")}
    assert fid["new", ""] == fid["new", "toy"]  # no cup was drawn there, so none is what they are compared with
    assert fid["new", "toy"] == pytest.approx((deviations[1] - deviations[0])**2, abs=1e-5)
    assert fid["old", "toy"] == pytest.approx(0, abs=1e-6) and fid["", ""] > fid["", "toy"]
    assert any("FID of 4 pictures: below 2,048" in one for one in found.warnings)
    assert sum("FID of 2 sets left out" in one for one in found.warnings) == 1
    assert found.models["FID"]["weights"] == "net.onnx"
    light = score(asked, tmp_path, LIGHT, Progress())
    assert list(light.sets) == ["FID (Light)", "KID (Light)"]


def test_inception_score_of_what_a_classifier_is_sure_of(tmp_path: Path) -> None:
    """Logits are ten for red and for green: of p = e^10 / (e^10 + 1) and 1 - p, over two classes that are met alike."""
    jobs = [drawn(tmp_path, f"toy/{at}", flat(*levels)) for at, levels in enumerate(((255, 0, 0), (0, 255, 0)))]
    net = str(tiny.means(tmp_path / "net.onnx", logits=True))
    found = score(plan(jobs, {}, [plans.IS]), tmp_path, Models(clip="none", dino="none", inception=net), Progress())
    p = 1 / (1 + math.exp(-10))
    wanted = math.exp(p * math.log(2 * p) + (1 - p) * math.log(2 * (1 - p)))
    assert found.sets == {"IS": {("", ""): pytest.approx(wanted), ("", "toy"): pytest.approx(wanted)}}


@pytest.mark.parametrize(("weights", "each"), [(False, 2.0 + 2.0), (True, 1.0 + 2 * 2.0)])
def test_lpips_to_the_references(tmp_path: Path, weights: bool, each: float) -> None:
    """Pure red and pure blue are unit vectors at right angles in both layers: squares of their difference add to 2;
    with weights 1, 0, 0 to 1, and with 2, 2, 2 to twice as much."""
    jobs = [drawn(tmp_path, "toy/0", RED, "red", "blue"), drawn(tmp_path, "toy/1", RED, "red"), real("blue", "red")]
    net = str(tiny.layers(tmp_path / "net.onnx", weights))
    found = score(plan(jobs, {"red": RED, "blue": BLUE}, [plans.LPIPS]), tmp_path,
                  Models(clip="none", dino="none", lpips=net), Progress())
    assert found.columns["LPIPS"] == pytest.approx([each / 2, 0, each], abs=1e-5)


def test_leak_of_a_copied_layout(tmp_path: Path) -> None:
    left = np.where(np.arange(64)[None, :, None] < 32, flat(255, 255, 255), flat(0, 0, 0)).astype(np.uint8)
    more = {"target": "target", "shown": (Shown("ref"), Shown("ref#face", "face"))}
    jobs = [real("ref", "target"), drawn(tmp_path, "toy/0", left, **more),
            drawn(tmp_path, "toy/1", left[:, ::-1], **more),
            drawn(tmp_path, "toy/2", left.transpose(1, 0, 2), **more), drawn(tmp_path, "toy/3", left)]
    found = score(plan(jobs, {"ref": left, "target": left[:, ::-1]}, [plans.LEAK]), tmp_path, LIGHT, Progress())
    assert found.columns["Leak"] == pytest.approx([math.nan, 2, -2, 0, math.nan], abs=1e-6, nan_ok=True)


def test_pictures_that_are_not_there_are_counted_after_all_others_were_seen(tmp_path: Path) -> None:
    jobs = [drawn(tmp_path, f"toy/{at}", noise(at), "a") for at in range(4)]
    (tmp_path / "pictures/toy/1.png").unlink()
    whole = (tmp_path / "pictures/toy/2.png").read_bytes()
    (tmp_path / "pictures/toy/2.png").write_bytes(whole[:200])
    asked = plan(jobs, {"a": RED}, [plans.CLIP_I])
    with pytest.raises(UsageError, match=r"2 of 5 pictures are missing or damaged, first pictures/toy/1\.png: missing"):
        score(asked, tmp_path, LIGHT, Progress())
    kept, = (tmp_path / "seen").glob("*/*.parquet")
    assert len(pq.read_table(kept)) == 3
    gone = asked._replace(pictures={})
    with pytest.raises(UsageError, match=r"3 of 5 pictures .*, first a: missing_file"):
        score(gone, tmp_path, LIGHT, Progress())


def test_a_drawn_picture_is_decoded_once_for_lpips_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The references once more, for maps that are not kept."""
    models = Models(clip="light", dino="none", lpips=str(tiny.layers(tmp_path / "layers.onnx", True)))
    jobs = [drawn(tmp_path, f"toy/{at}", noise(at), "a", "b") for at in range(5)]
    decoded: list[int] = []
    decode = images.decode
    monkeypatch.setattr(images, "decode", lambda data: decoded.append(len(data)) or decode(data))
    score(plan(jobs, {"a": RED, "b": BLUE}, [plans.CLIP_I, plans.LPIPS]), tmp_path, models, Progress())
    assert len(decoded) == 5 + 2 + 2


def test_a_picture_is_decoded_once_and_never_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = str(tiny.means(tmp_path / "net.onnx", logits=True))
    models = Models(clip="light", dino="none", inception=net)
    jobs = [real("a", "b"), real("b", "a"), *(drawn(tmp_path, f"toy/{at}", noise(at), "a", "b") for at in range(5))]
    asked = plan(jobs, {"a": RED, "b": BLUE}, [plans.CLIP_I, plans.FID, plans.KID, plans.IS])
    decoded: list[int] = []
    decode = images.decode
    monkeypatch.setattr(images, "decode", lambda data: decoded.append(len(data)) or decode(data))
    first = score(asked, tmp_path, models, Progress())
    assert len(decoded) == 7
    again = score(asked, tmp_path, models, Progress())
    assert len(decoded) == 7 and again.columns["Light-I"].tobytes() == first.columns["Light-I"].tobytes()
    assert again.sets == first.sets
    monkeypatch.setattr(seen, "PART", 2)
    shutil.rmtree(tmp_path / "seen")
    alone = score(asked._replace(jobs=asked.jobs[:1:-1]), tmp_path, models, Progress())
    assert len(decoded) == 14 and alone.columns["Light-I"].tolist() == first.columns["Light-I"][:1:-1].tolist()
