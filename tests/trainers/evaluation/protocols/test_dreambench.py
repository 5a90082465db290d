from collections import Counter

import pytest

from schemas.dreambench import SUBJECTS
from schemas.errors import UsageError
from tests.trainers.evaluation.protocols.planned import check, drawn, shown
from trainers.evaluation.plans import (
    ALL_CONDITIONS,
    BLIP,
    CLIP_T,
    CLIP_T_OBJECT,
    CONDITIONS,
    Job,
    Plan,
    Sampler,
)
from trainers.evaluation.protocols.dreambench import METRICS, PROTOCOLS, dreambench, sampler
from trainers.evaluation.protocols.subjects import Picture, Subject


def _subject(name: str, pictures: int = 3) -> Subject:
    fact = SUBJECTS[name]
    words = fact.class_name
    return Subject(f"run-{name}", name, "olis", words, fact.kind,
                   tuple(Picture(f"{name}/{at}", f"a {words} on a rock") for at in range(pictures)))


THIRTY = [_subject(name) for name in SUBJECTS]
DUCK, CLOCK, DOG = _subject("duck_toy"), _subject("clock"), _subject("dog")


def _plan(*subjects: Subject, protocol: str = "paper", seed: int = 0) -> Plan:
    plan = dreambench(subjects, {}, Sampler(), protocol=protocol, seed=seed)
    check(plan)
    return plan


def _job(plan: Plan, key: str) -> Job:
    return next(job for job in plan.jobs if job.key == key)


@pytest.mark.parametrize(("protocol", "count"), [
    ("paper", 3000), ("quick", 150), ("rephrased", 3000), ("color-order", 1200), ("composition", 1800)])
def test_counts_of_the_thirty_subjects(protocol: str, count: int) -> None:
    plan = _plan(*THIRTY, protocol=protocol)
    assert len(drawn(plan)) == count == plan.facts["pictures"]
    assert set(Counter(job.subject for job in drawn(plan)).values()) == {count // 30}
    assert len(shown(plan)) == 90 and plan.facts["of DreamBench"] == plan.facts["subjects"] == 30
    assert len({(job.subject, job.prompt, job.seed) for job in drawn(plan)}) == count


def test_every_protocol_is_counted_above() -> None:
    assert set(PROTOCOLS) == {"paper", "quick", "rephrased", "color-order", "composition"}


def test_prompts_and_texts_by_hand() -> None:
    plan = _plan(DUCK, CLOCK, DOG)
    job = _job(plan, "duck_toy/00-3")
    assert job.prompt == "a olis duck toy in the jungle" and job.run == "run-duck_toy"
    assert job.texts == {CLIP_T: "a toy in the jungle", CLIP_T_OBJECT: "a duck toy in the jungle",
                         BLIP: "a duck toy in the jungle"}
    assert job.like == ("duck_toy/0", "duck_toy/1", "duck_toy/2")
    red = _job(plan, "clock/20-0")
    assert red.prompt == "a red olis alarm clock"
    assert (red.texts[CLIP_T], red.texts[CLIP_T_OBJECT]) == ("a red clock", "a red alarm clock")
    assert _job(plan, "clock/12-0").texts[CLIP_T_OBJECT] == "an alarm clock with the Eiffel Tower in the background"
    assert _job(plan, "dog/14-1").prompt == "a olis dog in a chef outfit"


def test_training_pictures_are_scored_against_the_others() -> None:
    first, second, third = shown(_plan(DUCK))
    assert (first.target, first.like) == ("duck_toy/0", ("duck_toy/1", "duck_toy/2"))
    assert (second.target, set(second.like)) == ("duck_toy/1", {"duck_toy/0", "duck_toy/2"})
    assert (third.target, set(third.like)) == ("duck_toy/2", {"duck_toy/0", "duck_toy/1"})
    assert first.texts == {CLIP_T: "a toy on a rock", CLIP_T_OBJECT: "a duck toy on a rock",
                           BLIP: "a duck toy on a rock"}


def test_a_lone_training_picture_has_no_others() -> None:
    plan = _plan(_subject("can", 1))
    assert not shown(plan) and drawn(plan)[0].like == ("can/0",)


def test_a_caption_without_the_class_words_is_used_as_it_is() -> None:
    pictures = (Picture("1", "breakfast"), Picture("2"))
    plan = _plan(DUCK._replace(pictures=pictures))
    assert set(shown(plan)[0].texts.values()) == {"breakfast"} and shown(plan)[1].texts == {}


def test_a_subject_of_ones_own_has_one_name() -> None:
    own = Subject("mine", "My mug/2", "olis", "mug", "object", (Picture("a", "a mug"),))
    plan = _plan(own, _subject("vase")._replace(class_name="amphora"))
    mug = drawn(plan)[0]
    assert mug.texts[CLIP_T] == mug.texts[CLIP_T_OBJECT] == "a mug in the jungle" and mug.subject == "My mug/2"
    assert plan.facts["of DreamBench"] == 0
    assert drawn(plan)[-1].texts[CLIP_T] == "a cube shaped amphora"


def test_a_token_that_stands_for_the_class_words() -> None:
    alone = DUCK._replace(token="<duck>", alone=True)
    job = _job(_plan(alone), "duck_toy/21-0")
    assert job.prompt == "a purple <duck>" and job.texts[CLIP_T_OBJECT] == "a purple duck toy"
    with pytest.raises(UsageError, match=r"run-duck_toy"):
        _plan(alone, protocol="color-order")


def test_quick_takes_one_of_each_five() -> None:
    assert [job.prompt for job in drawn(_plan(DUCK, protocol="quick"))] == [
        "a olis duck toy in the jungle", "a olis duck toy on top of a wooden floor",
        "a olis duck toy with a wheat field in the background",
        "a olis duck toy on top of green grass with sunflowers around it", "a red olis duck toy"]


def test_rephrased_prompts_keep_meaning_and_noise() -> None:
    plan = _plan(DUCK, DOG, protocol="rephrased")
    pairs = list(zip(drawn(plan)[0::4], drawn(plan)[2::4], strict=True))
    assert (pairs[0][0].prompt, pairs[0][1].prompt) == (
        "a olis duck toy in the jungle", "deep in the jungle there is a olis duck toy")
    assert (pairs[40][0].prompt, pairs[40][1].prompt) == (
        "a olis dog in a firefighter outfit", "dressed as a firefighter we see a olis dog")
    for one, other in pairs:
        assert (one.group, other.group) == ("original", "rephrased") and one.prompt != other.prompt
        assert one.seed == other.seed and one.texts == other.texts
        assert not other.prompt.startswith("a olis")


def test_colors_stand_before_and_after_the_token() -> None:
    before, after = drawn(_plan(DOG, protocol="color-order"))[0:8:4]
    assert (before.prompt, after.prompt) == ("a red olis dog", "a olis red dog")
    assert (before.group, after.group) == ("before the token", "after the token")
    assert before.seed == after.seed and before.texts == after.texts
    assert before.texts[CLIP_T] == "a red dog"


def test_conditions_add_up_and_each_has_a_question() -> None:
    plan = _plan(DOG, CLOCK, protocol="composition")
    one, two, three = drawn(plan)[0:12:4]
    assert three.prompt == "a olis dog wearing headphones lying down in a library"
    assert (one.prompt, two.prompt) == ("a olis dog wearing headphones", "a olis dog wearing headphones lying down")
    assert (one.group, two.group, three.group) == ("1 condition", "2 conditions", "3 conditions")
    assert three.asked == ("Is there a dog in the picture?", "Is the dog wearing headphones?", "Is the dog lying down?",
                           "Is the dog in a library?")
    assert one.asked == three.asked[:2] and one.seed == two.seed == three.seed
    assert _job(plan, "clock/00-0").asked[0] == "Is there an alarm clock in the picture?"
    assert plan.metrics == (*METRICS, CONDITIONS, ALL_CONDITIONS)


def test_noise_follows_from_the_seed_and_not_from_the_run() -> None:
    seeds = [job.seed for job in drawn(_plan(DUCK, DOG))]
    assert len(set(seeds)) == 200
    assert seeds == [job.seed for job in drawn(_plan(DUCK._replace(run="other", token="sks"), DOG))]
    assert not set(seeds) & {job.seed for job in drawn(_plan(DUCK, DOG, seed=1))}
    assert _plan(DUCK, DOG).jobs == _plan(DUCK, DOG).jobs


def test_errors_are_one_line() -> None:
    with pytest.raises(UsageError, match=r"papre"):
        _plan(DUCK, protocol="papre")
    with pytest.raises(UsageError, match=r"duck_toy"):
        _plan(DUCK, DUCK._replace(run="again"))


def test_steps_are_the_papers() -> None:
    assert (sampler("paper", sdxl=False).steps, sampler("paper", sdxl=True).steps) == (200, 50)
    assert sampler("composition", sdxl=False) == Sampler(scheduler="ddim", steps=200, guidance=7.5, side=0, batch=4)
    assert sampler("quick", sdxl=False).steps == 50
