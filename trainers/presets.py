"""DreamBooth's presets: what the papers tell of their runs. An option that is given wins over its preset.

The paper says nothing of the share of words dropped (0.5 here), of the weight of the regularization (1.0, as in
DreamBooth), and of crops in its baseline (none beyond the square, as in DreamBooth). "We also train the text
embeddings" is read as: the identifier's.
"""

from __future__ import annotations

import difflib
from typing import Literal, NamedTuple

from schemas.dreambench import BEST_STEPS
from schemas.errors import UsageError

Family = Literal["sd", "sdxl"]
TABLE4 = "table4:"
"""Beginning of the names of presets for one subject of DreamBench."""
DROPOUT, RATIO = 0.5, 0.75
FULL_LR, LORA_LR = 2e-6, 1e-4


class Preset(NamedTuple):
    """What a preset sets."""

    steps: int
    lora: int
    """Rank; 0 trains the entire model."""
    keep_from: int = 0
    """From this step on checkpoints are published as weights of their own, up to `steps`; 0 keeps none."""
    crop_ratio: float = RATIO
    word_dropout: float = DROPOUT
    captions: str = "own"
    class_only: bool = False
    """Whether the regularization set must be "a CLASS" in every row."""


OF_FAMILY: dict[Family, str] = {"sd": "paper-sd", "sdxl": "paper-sdxl"}
"""The preset when nobody names one."""
_NAMED: dict[str, tuple[Family, Preset]] = {
    "paper-sd": ("sd", Preset(4000, 0)),
    "paper-sdxl": ("sdxl", Preset(8000, 32)),
    "dreambooth-baseline": ("sd", Preset(1500, 0, crop_ratio=1.0, word_dropout=0.0, captions="class",
                                         class_only=True)),
}


def check_name(name: str) -> None:
    """Raises UsageError unless there is such a preset; "" is the paper's for the base's family."""
    known = [*_NAMED, *(TABLE4 + subject for subject in BEST_STEPS)]
    if name and name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        raise UsageError("--preset is not known", seen=name,
                         allowed=", ".join(near or [*_NAMED, f"{TABLE4}SUBJECT of DreamBench, {known[-1]}"]))


def preset(name: str, family: Family) -> Preset:
    """The preset of this name for a base of this family. Raises UsageError for one of the other family."""
    if name.startswith(TABLE4):
        steps = BEST_STEPS[name.removeprefix(TABLE4)][family == "sdxl"]
        return preset("", family)._replace(steps=steps.high, keep_from=steps.low)
    of, found = _NAMED[name or OF_FAMILY[family]]
    if of != family:
        raise UsageError(f"--preset is for {of.upper()}, and this base is {family.upper()}", seen=name,
                         allowed=f"{OF_FAMILY[family]}, {TABLE4}SUBJECT",
                         next_command=f"--preset {OF_FAMILY[family]}")
    return found
