"""What the tests of protocols have in common."""

import re

from trainers.evaluation.plans import REAL, Job, Plan


def drawn(plan: Plan) -> list[Job]:
    return [job for job in plan.jobs if job.group != REAL]


def shown(plan: Plan) -> list[Job]:
    return [job for job in plan.jobs if job.group == REAL]


def check(plan: Plan) -> None:
    """What holds for every plan."""
    keys = [job.key for job in plan.jobs]
    assert len({key.lower() for key in keys}) == len(keys)
    assert all(re.fullmatch(r"([a-z0-9_-]+/)+[a-z0-9_-]+", key) and len(key) < 200 for key in keys)
    assert list(plan.jobs) == [*shown(plan), *drawn(plan)]
    assert all(job.prompt and 0 <= job.seed < 2**32 for job in drawn(plan))
    for job in shown(plan):
        assert not job.prompt and not job.shown and job.target and job.like
        assert job.target not in job.like
    for job in plan.jobs:
        assert len(set(job.like)) == len(job.like)
        assert all(set(ids) <= set(job.like) for ids in job.apart.values())
