"""What fits which card: how `trainers personalize` trains, by the memory that is free.

Thresholds are reckoned from the sizes of the models, and generous; who chooses also tries a few steps, and takes the
next smaller plan where they do not fit. Ranks, sides and SD's steps are ours; rank 32 at 1024 px with 8,000 steps is
what "A Data Perspective on Enhanced Identity Preservation" trains SDXL with.
"""

from __future__ import annotations

from typing import NamedTuple

SD, SDXL = "stable-diffusion-v1-5/stable-diffusion-v1-5", "stabilityai/stable-diffusion-xl-base-1.0"


class Plan(NamedTuple):
    """How to train a LoRA."""

    card: str
    """the smallest card that it is for"""
    family: str
    needs: float
    """GiB that must be free"""
    side: int
    """of the training pictures, pixels; a base that was trained on smaller ones keeps to its own"""
    rank: int
    steps: int
    lr: float
    gradient_checkpointing: bool
    drawn: int
    """pictures of the regularization set that are drawn at a time"""


PLANS = (
    Plan("48 GB", "sdxl", 40, 1024, 32, 8000, 1e-4, False, 4),
    Plan("24 GB", "sdxl", 20, 1024, 32, 8000, 1e-4, True, 1),
    Plan("12 GB", "sdxl", 10, 768, 16, 8000, 1e-4, True, 1),
    Plan("12 GB", "sd", 10, 512, 32, 2000, 1e-4, False, 4),
    Plan("8 GB", "sd", 6.5, 512, 16, 2000, 1e-4, True, 4),
)
"""The largest first."""
TINY = Plan("none", "", 0, 1024, 16, 400, 2e-3, False, 4)
"""Of the tiny bases: a minute or two on a CPU."""


def base_for(free: float) -> str:
    """The base when nobody names one: SDXL where it can be trained at its own size."""
    return SDXL if any(one.family == "sdxl" and one.side == 1024 and one.needs <= free for one in PLANS) else SD


def plans_for(free: float, family: str) -> list[Plan]:
    """The plans of a family of bases that fit so many free GiB, the largest first."""
    return [one for one in PLANS if one.family == family and one.needs <= free]


def least(family: str) -> float:
    """GiB below which there is no plan for the family."""
    return min(one.needs for one in PLANS if one.family == family)
