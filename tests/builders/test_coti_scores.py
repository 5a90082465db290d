"""The rules by which a pool is scored and selected, in whole builds; models are tiny ones that are saved here."""

from pathlib import Path

import datasets
import numpy as np
import pytest

from builders import cli
from builders.coti_models import open_models
from builders.coti_options import Coti
from schemas import manifest as manifests
from schemas.errors import UsageError
from tests.builders import pool_pictures

pytestmark = pytest.mark.xdist_group("build")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scores")
    pool_pictures.plant(root / "pool", root / "seeds", suns=5, seas=6)
    for folder, draw in (("generated", pool_pictures.sun), ("others", pool_pictures.sea)):
        (root / folder).mkdir()
        for number in range(4):
            (root / folder / f"{number}.jpg").write_bytes(pool_pictures.jpeg(draw(700 + number)))
    (root / "generated" / "broken.jpg").write_bytes(b"no picture")
    return root


def build(root: Path, version: str, *more: str) -> datasets.DatasetDict:
    words = ["coti", "--concept", "red sun", "--seeds", str(root / "seeds"), "--pool", str(root / "pool"), "--models",
             "light", "--budget", "4", "--workers", "1", "--out", str(root / "out"), "--version", version, *more]
    assert cli.main(words) == 0
    assert cli.main(["verify", str(root / "out" / version)]) == 0
    return datasets.load_dataset(str(root / "out" / version), cache_dir=str(root / "cache"))


def cosines(sets: datasets.DatasetDict) -> np.ndarray:
    seeds, pool = (np.asarray(sets[split]["embedding"]) for split in ("seed", "pool"))
    return np.asarray(pool @ seeds.T)


def selected(sets: datasets.DatasetDict) -> set[str]:
    return {row["id"] for row in sets["pool"].remove_columns("image") if row["status"] == "selected"}


@pytest.mark.parametrize(("rule", "meant"), [("min", np.min), ("max", np.max)])
def test_rules_of_the_concept_score(root: Path, rule: str, meant: object) -> None:
    sets = build(root, f"1.1.{'min max'.index(rule)}", "--concept-rule", rule)
    expected = np.clip(10 * meant(cosines(sets), axis=1), 0, 10)  # type: ignore[operator]
    assert np.allclose(sets["pool"]["concept_score"], expected, atol=1e-4)


def test_pictures_that_were_generated_weigh_both_scores(root: Path) -> None:
    sets = build(root, "2.0.0", "--generated", str(root / "generated"))
    said = manifests.read(root / "out" / "2.0.0").options
    ways = [float(str(said[name])) for name in ("gamma_aesthetic", "gamma_concept")]
    assert 5 < ways[1] < 10 and 0 < ways[0] < 10  # they are suns, as the seeds are
    looks, concept = (np.asarray(sets["pool"][name]) for name in ("aesthetic_score", "concept_score"))
    meant = (1 - ways[0] / 10) * looks + (1 - ways[1] / 10) * concept
    assert np.allclose(sets["pool"]["integrated_score"], meant, atol=1e-4)
    there = manifests.read(root / "out" / "2.0.0")
    assert len(there.source["generated"]) == 64
    assert there.counts["pictures of --generated that cannot be used"] == 1


def test_strategies(root: Path) -> None:
    everything = build(root, "3.0.0", "--select", "full")
    assert set(everything["pool"]["status"]) == {"selected"}
    looks = build(root, "3.0.1", "--select", "aesthetic")["pool"].remove_columns("image").to_list()
    best = sorted(looks, key=lambda row: -row["aesthetic_score"])[:4]
    assert {row["id"] for row in looks if row["status"] == "selected"} == {row["id"] for row in best}
    drawn = [selected(build(root, f"3.1.{seed}", "--select", "random", "--seed", str(seed))) for seed in range(2)]
    assert len(drawn[0]) == len(drawn[1]) == 4 and drawn[0] != drawn[1]


def test_the_result_does_not_depend_on_workers_or_on_earlier_versions(root: Path) -> None:
    one = build(root, "4.0.0")
    words = ["coti", "--concept", "red sun", "--seeds", str(root / "seeds"), "--pool", str(root / "pool"), "--models",
             "light", "--budget", "4", "--workers", "2", "--out", str(root / "other"), "--version", "4.0.0"]
    assert cli.main(words) == 0
    assert selected(one) <= set(one["pool"]["id"])
    assert manifests.read(root / "out" / "4.0.0") == manifests.read(root / "other" / "4.0.0")


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda seeds: [path.unlink() for path in seeds.iterdir()], "--seeds holds no picture"),
    (lambda seeds: [path.write_bytes(b"") for path in seeds.iterdir()], "no picture of --seeds can be used (empty 3)"),
    (lambda seeds: [path.write_bytes(b"<svg/>") for path in seeds.iterdir()], "(not_an_image 3)"),
])
def test_seeds_that_cannot_be_used(tmp_path: Path, spoil: object, said: str,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    pool_pictures.plant(tmp_path / "pool", tmp_path / "seeds", suns=2, seas=2)
    spoil(tmp_path / "seeds")  # type: ignore[operator]
    assert cli.main(["coti", "--concept", "red sun", "--seeds", str(tmp_path / "seeds"), "--pool",
                     str(tmp_path / "pool"), "--models", "light", "--workers", "1", "--out",
                     str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(("more", "said"), [
    (("--concept-rule", "code", "--confusable", "others", "--generated", "generated"), "sums plainly"),
    (("--concept-rule", "paper", "--vae", "light"), "no folder with a model, and no name of one (got 'light')"),
])
def test_options_that_do_not_fit_are_one_line(root: Path, more: tuple[str, ...], said: str,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    if "paper" in more:
        pytest.importorskip("torch")
    assert cli.main(["coti", "--concept", "red sun", "--seeds", str(root / "seeds"), "--pool", str(root / "pool"),
                     "--models", "light", "--workers", "1", "--out", str(root / "unfit"),
                     *(str(root / word) if (root / word).is_dir() else word for word in more)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and said in told[0]


def test_a_seed_that_copies_another_leaves(tmp_path: Path) -> None:
    pool_pictures.plant(tmp_path / "pool", tmp_path / "seeds", suns=2, seas=2)
    (tmp_path / "seeds" / "again.jpg").write_bytes(pool_pictures.jpeg(pool_pictures.sun(501), 60))
    (tmp_path / "seeds" / "cut.jpg").write_bytes(pool_pictures.jpeg(pool_pictures.sun(501))[:700])
    sets = build(tmp_path, "1.0.0")
    assert len(sets["seed"]) == 3 and not {"seed:cut"} & set(sets["seed"]["id"])
    assert len({"seed:1", "seed:again"} & set(sets["seed"]["id"])) == 1


def test_the_paper_s_models_and_rule(root: Path) -> None:
    pytest.importorskip("diffusers")
    torch = pytest.importorskip("torch")
    from benchmarks import random_diffusion

    clip, pipeline = random_diffusion.save_clip(root / "clip"), random_diffusion.save(root / "pipeline")
    torch.manual_seed(1)
    widths = dict(zip((0, 2, 4, 6, 7), ((1024, 16), (128, 1024), (64, 128), (16, 64), (1, 16)), strict=True))
    head = {f"layers.{at}.{name}": torch.randn(shape if name == "weight" else shape[:1]) / 8
            for at, shape in widths.items() for name in ("weight", "bias")}
    torch.save(head, root / "head.pth")
    mine = ["--models", "paper", "--embeddings", str(clip), "--aesthetics", str(root / "head.pth")]
    with pytest.raises(UsageError, match=r"--vae is no VAE .*, a CLIP"):
        open_models(Coti(concept="sun", seeds=root, pool="sun", out=root, models="light", concept_rule="paper",
                         vae=str(clip)))
    sets = build(root, "5.0.0", *mine, "--concept-rule", "paper", "--vae", str(pipeline))
    roles = {model.role: model.provenance for model in manifests.read(root / "out" / "5.0.0").models}
    assert set(roles) == {"hashes", "embeddings", "aesthetics", "latents"}
    assert len(sets["pool"][0]["embedding"]) == 16
    means = build(root, "5.0.1", *mine)
    assert means["pool"]["embedding"] == sets["pool"]["embedding"]
    assert not np.allclose(means["pool"]["concept_score"], sets["pool"]["concept_score"], atol=0.1)
    code = build(root, "5.0.2", *mine, "--concept-rule", "code", "--confusable", str(root / "others"))
    scores = dict(zip(code["pool"]["id"], code["pool"]["concept_score"], strict=True))
    assert min(score for name, score in scores.items() if name.startswith("suns")) > 5 > max(
        score for name, score in scores.items() if name.startswith("seas"))
