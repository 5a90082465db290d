from collections import Counter
from pathlib import Path

import msgspec
import pytest

from schemas.errors import UsageError
from tests.trainers.evaluation.survey import studies
from trainers.evaluation.plans import CLIP_T, Job
from trainers.evaluation.survey.asking_options import PLANS
from trainers.evaluation.survey.questions import PROMPT, REFERENCE, Evaluated, drawn, shared, text


def runs(count: int = 2, **sizes: int) -> list[Evaluated]:
    return [Evaluated(f"run{at}", Path(f"run{at}"), studies.jobs(**sizes)) for at in range(count)]


def test_the_papers_plan_is_300_comparisons_of_a_pair_in_10_groups_of_15_and_15() -> None:
    found = drawn(runs(subjects=8, prompts=25), *PLANS["paper"], seed=0)
    assert len(found) == 300
    assert Counter((one.group, one.kind) for one in found) == {(group, kind): 15 for group in range(1, 11)
                                                               for kind in (REFERENCE, PROMPT)}
    for kind in (REFERENCE, PROMPT):
        keys = [one.key for one in found if one.kind == kind]
        assert len(set(keys)) == len(keys) == 150
    assert len({one.id for one in found}) == 300


def test_every_two_of_three_runs_are_compared_so_a_person_answers_as_often_more() -> None:
    found = drawn(runs(3), 2, 3, seed=0)
    assert Counter((one.pair, one.kind, one.group) for one in found) == {
        (pair, kind, group): 3 for pair in ((0, 1), (0, 2), (1, 2)) for kind in (REFERENCE, PROMPT) for group in (1, 2)}


def test_sides_are_chance_and_all_chance_follows_from_the_seed() -> None:
    asked = runs(subjects=8, prompts=25)
    found = drawn(asked, 10, 15, seed=0)
    assert 110 < sum(one.swapped for one in found) < 190  # of 300: 150, and 4.6 standard deviations either way
    assert found == drawn(asked, 10, 15, seed=0)
    other = drawn(asked, 10, 15, seed=1)
    assert {one.key for one in found} != {one.key for one in other}
    assert [one.kind for one in found[:30]] == [REFERENCE] * 15 + [PROMPT] * 15


def test_a_reference_is_a_real_picture_of_the_subject_and_all_of_them_come() -> None:
    found = drawn(runs(subjects=4, prompts=25, real=3), 5, 20, seed=0)
    seen = {one.reference for one in found if one.kind == REFERENCE}
    assert seen == {f"toy{subject}/real-{number}" for subject in range(4) for number in range(3)}
    assert all(one.reference.startswith(f"{one.subject}/") for one in found if one.kind == REFERENCE)
    assert {one.reference for one in found if one.kind == PROMPT} == {""}


def test_people_are_told_the_prompt_without_token_and_with_the_class_that_is_seen() -> None:
    job = next(job for job in studies.jobs() if job.prompt)
    assert text(job) == "a duck toy at place 0"
    assert text(msgspec.structs.replace(job, texts={CLIP_T: "a toy at place 0"})) == "a toy at place 0"
    assert text(msgspec.structs.replace(job, texts={})) == "a olis toy at place 0"


def test_only_what_both_drew_alike_is_asked() -> None:
    plan = studies.jobs(subjects=1, prompts=5, real=1)
    changed: list[Job] = [msgspec.structs.replace(plan[1], texts={}), msgspec.structs.replace(plan[2], subject="other"),
                          msgspec.structs.replace(plan[3], group="0.25"), plan[0], plan[5]]
    assert shared(plan, changed) == [plan[5]]
    assert [job.key for job in shared(plan, studies.jobs(subjects=1, prompts=5, token="sks"))] == [
        f"toy0/0{number}-0" for number in range(5)]


def test_subjects_without_real_pictures_are_asked_of_the_prompt_alone() -> None:
    plan = [job for job in studies.jobs(subjects=2) if job.prompt or job.subject == "toy1"]
    found = drawn([Evaluated("a", Path("a"), plan), Evaluated("b", Path("b"), plan)], 1, 4, seed=0)
    assert {one.subject for one in found if one.kind == REFERENCE} == {"toy1"}
    assert {one.subject for one in found if one.kind == PROMPT} == {"toy0", "toy1"}


def test_too_few_pictures_are_told_with_how_many_it_needs() -> None:
    with pytest.raises(UsageError, match=r"'run0' and 'run1' .*real ones \(got 12\); allowed: at least 13"):
        drawn(runs(subjects=3, prompts=4), 13, 1, seed=0)
    with pytest.raises(UsageError, match=r"real ones \(got 0\); allowed: at least 2"):
        drawn(runs(real=0), 1, 2, seed=0)
