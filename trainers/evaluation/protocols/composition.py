"""What `composition` asks of a picture: the class with an accessory, doing something, somewhere.

ClassDiffusion argues that a personalised model forgets how to compose its class with other things ("headphones" are
missing from "a dog wearing headphones"). These lists are ours. Each is three conditions that add up: one alone, two,
all three. A question is answered yes or no; {} is the class words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.prompts import Kind, article


class Condition(NamedTuple):
    """Words behind "a TOKEN CLASS", and the question that tells whether the picture does as they say."""

    words: str
    question: str


_BREATHING = (
    (Condition("wearing headphones", "Is the {} wearing headphones?"),
     Condition("lying down", "Is the {} lying down?"),
     Condition("in a library", "Is the {} in a library?")),
    (Condition("wearing a straw hat", "Is the {} wearing a hat?"),
     Condition("running", "Is the {} running?"),
     Condition("on a frozen lake", "Is the {} on ice?")),
    (Condition("wearing sunglasses", "Is the {} wearing sunglasses?"),
     Condition("sitting on a bench", "Is the {} sitting on a bench?"),
     Condition("beside a swimming pool", "Is there a swimming pool in the picture?")),
    (Condition("wearing a blue raincoat", "Is the {} wearing a raincoat?"),
     Condition("jumping", "Is the {} jumping?"),
     Condition("under a street lamp", "Is there a street lamp in the picture?")),
    (Condition("with a backpack", "Does the {} have a backpack?"),
     Condition("climbing stairs", "Is the {} on stairs?"),
     Condition("in front of a lighthouse", "Is there a lighthouse in the picture?")),
)
_THING = (
    (Condition("with a ribbon tied around it", "Is there a ribbon around the {}?"),
     Condition("standing on a pile of books", "Is the {} on a pile of books?"),
     Condition("in a library", "Is the {} in a library?")),
    (Condition("with a butterfly on it", "Is there a butterfly on the {}?"),
     Condition("lying on its side", "Is the {} lying on its side?"),
     Condition("in a flower bed", "Are there flowers around the {}?")),
    (Condition("covered with stickers", "Are there stickers on the {}?"),
     Condition("hanging from a rope", "Is the {} hanging from a rope?"),
     Condition("above a swimming pool", "Is there a swimming pool in the picture?")),
    (Condition("with a candle beside it", "Is there a candle beside the {}?"),
     Condition("reflected in a puddle", "Is the {} reflected in water?"),
     Condition("under a street lamp", "Is there a street lamp in the picture?")),
    (Condition("with a paper umbrella over it", "Is there an umbrella over the {}?"),
     Condition("half buried in sand", "Is the {} partly buried in sand?"),
     Condition("in front of a lighthouse", "Is there a lighthouse in the picture?")),
)
THREES: dict[Kind, tuple[tuple[Condition, ...], ...]] = {"object": _THING, "animal": _BREATHING, "person": _BREATHING}
"""Five times an accessory, an action and a scene for each kind of subject."""


def questions(class_name: str, conditions: Sequence[Condition]) -> tuple[str, ...]:
    """One for the class, which is the first condition, and one for each of these."""
    return (f"Is there {article(class_name)} {class_name} in the picture?",
            *(condition.question.format(class_name) for condition in conditions))
