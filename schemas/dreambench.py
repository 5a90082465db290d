"""DreamBench's facts: its thirty subjects and fifty test prompts (Ruiz et al., "DreamBooth").

Published at github.com/google/dreambooth as folders of 4 to 6 pictures, and in `dataset/prompts_and_classes.txt`.
The renamed classes are Table 3 of "A Data Perspective on Enhanced Identity Preservation", which names vague classes
("toy") by what the pictures show ("duck toy"); how long each subject is best trained is its Table 4.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.prompts import SCENE, Form, Kind


class Subject(NamedTuple):
    """A folder of DreamBench, the class of the benchmark, the class to caption with, and what it is."""

    name: str
    original: str
    class_name: str
    kind: Kind


RENAMED: dict[str, str] = {
    "bear_plushie": "bear plushie",
    "berry_bowl": "berry bowl",
    "can": "drink can",
    "clock": "alarm clock",
    "duck_toy": "duck toy",
    "grey_sloth_plushie": "sloth plushie",
    "monster_toy": "monster toy",
    "poop_emoji": "poop emoji toy",
    "rc_car": "racing car toy",
    "red_cartoon": "2d cartoon devil",
    "robot_toy": "robot toy",
    "wolf_plushie": "wolf plushie",
}
"""Table 3: the folders whose class has another name."""

_CLASSES: dict[str, str] = {
    "backpack": "backpack", "backpack_dog": "backpack", "bear_plushie": "stuffed animal", "berry_bowl": "bowl",
    "can": "can", "candle": "candle", "cat": "cat", "cat2": "cat", "clock": "clock", "colorful_sneaker": "sneaker",
    "dog": "dog", "dog2": "dog", "dog3": "dog", "dog5": "dog", "dog6": "dog", "dog7": "dog", "dog8": "dog",
    "duck_toy": "toy", "fancy_boot": "boot", "grey_sloth_plushie": "stuffed animal", "monster_toy": "toy",
    "pink_sunglasses": "glasses", "poop_emoji": "toy", "rc_car": "toy", "red_cartoon": "cartoon", "robot_toy": "toy",
    "shiny_sneaker": "sneaker", "teapot": "teapot", "vase": "vase", "wolf_plushie": "stuffed animal",
}  # fmt: skip

SUBJECTS: dict[str, Subject] = {
    name: Subject(name, original, RENAMED.get(name, original), "animal" if original in ("cat", "dog") else "object")
    for name, original in _CLASSES.items()
}
"""The thirty subjects by folder name, in the order of the benchmark."""



class Range(NamedTuple):
    """Numbers of training steps, both ends included."""

    low: int
    high: int


_LONG, _MIDDLE, _SHORT = Range(6000, 8000), Range(3000, 4000), Range(1000, 3000)
BEST_STEPS: dict[str, tuple[Range, Range]] = {
    "backpack": (_LONG, Range(8000, 10000)), "backpack_dog": (Range(2000, 3000), Range(4000, 6000)),
    "bear_plushie": (Range(2000, 4000), Range(4000, 6000)), "berry_bowl": (_LONG, Range(8000, 10000)),
    "can": (_LONG, Range(8000, 10000)), "candle": (Range(4000, 6000), Range(8000, 10000)), "cat": (_SHORT, _SHORT),
    "cat2": (_LONG, Range(8000, 10000)), "clock": (_LONG, Range(8000, 10000)),
    "colorful_sneaker": (Range(4000, 6000), _LONG), "dog": (_SHORT, _SHORT),
    "dog2": (Range(2000, 4000), Range(4000, 6000)), "dog3": (Range(2000, 4000), Range(8000, 10000)),
    "dog5": (_MIDDLE, _LONG), "dog6": (_MIDDLE, _LONG), "dog7": (_MIDDLE, _LONG), "dog8": (_SHORT, _SHORT),
    "duck_toy": (_MIDDLE, _MIDDLE), "fancy_boot": (_MIDDLE, _LONG), "grey_sloth_plushie": (_MIDDLE, _LONG),
    "monster_toy": (_MIDDLE, Range(8000, 10000)), "pink_sunglasses": (_MIDDLE, Range(4000, 6000)),
    "poop_emoji": (_MIDDLE, Range(4000, 6000)), "rc_car": (_MIDDLE, Range(4000, 6000)),
    "red_cartoon": (_LONG, Range(8000, 10000)), "robot_toy": (_MIDDLE, _LONG), "shiny_sneaker": (_MIDDLE, _LONG),
    "teapot": (_LONG, Range(8000, 10000)), "vase": (_LONG, Range(8000, 10000)),
    "wolf_plushie": (_MIDDLE, Range(4000, 6000)),
}  # fmt: skip
"""Table 4: the best numbers of steps for each subject, on SD and on SDXL."""

_ANYWHERE = (
    "in the jungle", "in the snow", "on the beach", "on a cobblestone street", "on top of pink fabric",
    "on top of a wooden floor", "with a city in the background", "with a mountain in the background",
    "with a blue house in the background", "on top of a purple rug in a forest",
)  # fmt: skip
_OBJECT = (
    "with a wheat field in the background", "with a tree and autumn leaves in the background",
    "with the Eiffel Tower in the background", "floating on top of water", "floating in an ocean of milk",
    "on top of green grass with sunflowers around it", "on top of a mirror",
    "on top of the sidewalk in a crowded street", "on top of a dirt road", "on top of a white rug",
)  # fmt: skip
_LIVE = (
    "wearing a red hat", "wearing a santa hat", "wearing a rainbow scarf", "wearing a black top hat and a monocle",
    "in a chef outfit", "in a firefighter outfit", "in a police outfit", "wearing pink glasses",
    "wearing a yellow shirt", "in a purple wizard outfit",
)  # fmt: skip
_ALTERED: dict[Form, dict[str, str]] = {
    "static": {"red": "color", "purple": "color", "shiny": "texture", "wet": "texture", "cube shaped": "shape"},
    "living": {"red": "skin", "purple": "skin", "shiny": "skin", "wet": "skin", "cube shaped": "body"},
}
"""The adjectives of the last five prompts, and the part that each is."""


def _templates(scenes: tuple[str, ...]) -> tuple[str, ...]:
    return (*(f"a {{0}} {{1}} {scene}" for scene in scenes), *(f"a {word} {{0}} {{1}}" for word in _ALTERED["static"]))


_SCENES: dict[Kind, tuple[str, ...]] = {
    "object": (*_ANYWHERE, *_OBJECT), "animal": (*_ANYWHERE, *_LIVE), "person": (*_ANYWHERE, *_LIVE),
}  # fmt: skip
TEMPLATES: dict[Kind, tuple[str, ...]] = {kind: _templates(scenes) for kind, scenes in _SCENES.items()}
"""The 25 test prompts of objects and the 25 of live subjects: {0} is the identifier, {1} the class."""


def prompt_parts(kind: Kind, form: Form) -> list[dict[str, str]]:
    """The test prompts of a kind as parts of a form, for `schemas.prompts.compose`, in the order of `TEMPLATES`."""
    return [{SCENE[form]: scene} for scene in _SCENES[kind]] + [{part: word} for word, part in _ALTERED[form].items()]
