from collections import Counter, defaultdict

import pytest

from schemas.errors import UsageError
from tests.trainers.evaluation.protocols.planned import check, drawn, shown
from trainers.evaluation.plans import CLIP_T, R_AMONG, R_CLASSIFIER, R_PRECISION, Plan, Sampler
from trainers.evaluation.protocols.coti import PROTOCOLS, coti, sampler
from trainers.evaluation.protocols.subjects import Inverted, Picture

EIGHT = ("axolotl", "frilled lizard", "crampfish", "garfish", "emperor penguin chick", "king penguin chick",
         "Indian cobra", "sidewinder")


def _runs(*concepts: str, strategies: tuple[str, ...] = ("random", "full", "coti"), real: int = 20) -> list[Inverted]:
    return [Inverted(f"{concept}-{strategy}", concept, strategy, f"<{concept.replace(' ', '-')}>",
                     [Picture(f"{concept}/{at}") for at in range(real)])
            for concept in concepts for strategy in strategies]


def _plan(runs: list[Inverted], protocol: str = "paper", seed: int = 0) -> Plan:
    plan = coti(runs, {}, Sampler(), protocol=protocol, seed=seed)
    check(plan)
    return plan


@pytest.mark.parametrize(("protocol", "count"), [("paper", 4800), ("quick", 240)])
def test_counts_of_eight_concepts_by_three_strategies(protocol: str, count: int) -> None:
    plan = _plan(_runs(*EIGHT), protocol)
    assert len(drawn(plan)) == count == plan.facts["pictures"] and set(PROTOCOLS) == {"paper", "quick"}
    assert set(Counter((job.subject, job.group) for job in drawn(plan)).values()) == {count // 24}
    assert len(shown(plan)) == 160 and plan.facts["without a run"] == []


def test_prompts_and_texts_by_hand() -> None:
    plan = _plan(_runs("axolotl"))
    job = next(job for job in plan.jobs if job.key == "axolotl/full/0007")
    assert (job.run, job.subject, job.group, job.prompt) == ("axolotl-full", "axolotl", "full", "a photo of <axolotl>")
    assert job.texts == {CLIP_T: "a photo of an axolotl", R_PRECISION: "a photo of an axolotl",
                         R_AMONG: "a painting of axolotl"}
    assert shown(plan)[0].texts == job.texts and shown(plan)[0].target == "axolotl/0"


def test_strategies_have_the_same_noise_and_are_like_the_same_pictures() -> None:
    plan = _plan(_runs("axolotl", "garfish"), "quick")
    by_run = defaultdict(list)
    for job in drawn(plan):
        by_run[job.run].append((job.seed, job.like))
    assert by_run["axolotl-random"] == by_run["axolotl-full"] == by_run["axolotl-coti"]
    assert len({seed for seed, _ in by_run["axolotl-coti"] + by_run["garfish-coti"]}) == 20
    assert {len(job.like) for job in plan.jobs} == {16} and len({job.like for job in drawn(plan)}) == 2
    assert by_run != _plan(_runs("axolotl", "garfish"), "quick", seed=1)


def test_ninety_nine_captions_do_not_match() -> None:
    for concepts in (("axolotl",), EIGHT):
        plan = _plan(_runs(*concepts), "quick")
        assert len(set(plan.captions)) == len(plan.captions) == 100
        for job in plan.jobs:
            assert len([text for text in plan.captions if text != job.texts[R_PRECISION]]) == 99
    captions = _plan(_runs("polar bear", "Brown Bear"), "quick").captions
    bears = [text for text in captions if "bear" in text.lower()]
    assert bears == ["a photo of a polar bear", "a photo of a Brown Bear"]
    assert "a photo of an eagle" in captions


def test_measures_of_the_published_code_change_no_job() -> None:
    runs, names = _runs("axolotl", "garfish"), [f"thing {at}" for at in range(200)]
    usual = _plan(runs, "quick")
    more = coti(runs, {}, Sampler(), protocol="quick", measures=(R_CLASSIFIER, R_AMONG), classes=names)
    assert (usual.metrics[:3], more.metrics[:4]) == (("FID", R_PRECISION, "KID"), ("FID", R_CLASSIFIER, R_AMONG, "KID"))
    assert more.jobs == usual.jobs and more.classes[7] == "a painting of thing 7" and len(more.classes) == 200
    with pytest.raises(UsageError, match=r"tells a concept from others \(got '1 concept'\)"):
        coti(_runs("axolotl"), {}, Sampler(), measures=(R_CLASSIFIER,))
    with pytest.raises(UsageError, match=r"got '199 of them'\); allowed: 200 or more.*--classes FILE"):
        coti(runs, {}, Sampler(), measures=(R_AMONG,), classes=names[1:])


def test_cells_without_a_run_are_told() -> None:
    plan = _plan([*_runs("axolotl"), *_runs("garfish", strategies=("coti",))], "quick")
    assert plan.facts["without a run"] == ["garfish: full", "garfish: random"]


def test_what_cannot_be_planned() -> None:
    with pytest.raises(UsageError, match=r"axolotl: coti"):
        _plan(_runs("axolotl", strategies=("coti", "coti")))
    with pytest.raises(UsageError, match=r"axolotl needs real pictures.*axolotl-random: 1.*--real"):
        _plan(_runs("axolotl", real=1))
    with pytest.raises(UsageError, match=r"the same for all of its runs.*axolotl-coti: 3"):
        _plan([*_runs("axolotl", strategies=("full",)), *_runs("axolotl", strategies=("coti",), real=3)])
    with pytest.raises(UsageError, match=r"rephrased"):
        _plan(_runs("axolotl"), "rephrased")


def test_it_draws_as_previews_are_drawn() -> None:
    assert sampler("paper", sdxl=False) == Sampler(scheduler="ddim", steps=50, guidance=7.0)
