"""DreamBench's test prompts in other words: the subject comes late, in another part of the sentence.

"A Data Perspective" rephrases prompts to see whether a model knows its subject only behind "a" at the beginning
(section 4.2, Figure 4) and prints no list: this one is ours. {0} is the identifier, {1} the class.
"""

from __future__ import annotations

from schemas.prompts import Kind

_ANYWHERE = (
    "deep in the jungle there is a {0} {1}",
    "snow lies all around a {0} {1}",
    "at the seaside, on the sand of the beach, we see a {0} {1}",
    "cobblestones of an old street, and on them a {0} {1}",
    "pink fabric, spread out under a {0} {1}",
    "the boards of a wooden floor carry a {0} {1}",
    "a city stretches out behind a {0} {1}",
    "a mountain rises behind a {0} {1}",
    "a blue house stands behind a {0} {1}",
    "in a forest, a purple rug has been laid under a {0} {1}",
)
_OBJECT = (
    "a field of wheat reaches to the horizon behind a {0} {1}",
    "autumn leaves and the tree they fell from are seen behind a {0} {1}",
    "in Paris, with the Eiffel Tower far behind, stands a {0} {1}",
    "the water carries, afloat, a {0} {1}",
    "nothing but an ocean of milk, and floating in it a {0} {1}",
    "sunflowers and green grass surround a {0} {1}",
    "a mirror lies flat under a {0} {1}",
    "people crowd the street, and on its sidewalk rests a {0} {1}",
    "down the middle of a dirt road we find a {0} {1}",
    "a white rug has been put under a {0} {1}",
)
_LIVE = (
    "a red hat sits on the head of a {0} {1}",
    "a santa hat sits on the head of a {0} {1}",
    "a scarf in the colors of the rainbow is worn by a {0} {1}",
    "a monocle and a black top hat are worn by a {0} {1}",
    "dressed as a chef we see a {0} {1}",
    "dressed as a firefighter we see a {0} {1}",
    "dressed as a police officer we see a {0} {1}",
    "pink glasses sit on the nose of a {0} {1}",
    "a yellow shirt is worn by a {0} {1}",
    "in the purple robes of a wizard we see a {0} {1}",
)
_ALTERED = (
    "red is the color of a {0} {1}",
    "purple is the color of a {0} {1}",
    "light gleams on the shiny surface of a {0} {1}",
    "water drips from a wet {0} {1}",
    "made in the shape of a cube, here is a {0} {1}",
)
REPHRASED: dict[Kind, tuple[str, ...]] = {
    "object": (*_ANYWHERE, *_OBJECT, *_ALTERED), "animal": (*_ANYWHERE, *_LIVE, *_ALTERED),
    "person": (*_ANYWHERE, *_LIVE, *_ALTERED)}
"""One for each of `schemas.dreambench.TEMPLATES`, in its order."""
