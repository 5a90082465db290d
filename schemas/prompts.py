"""A caption composed from its parts, and its scene found again in a caption.

Two forms. `static`, for objects: "STYLE a SHAPE COLOR TEXTURE CLASS BACKGROUND". `living`, for animals and people:
"STYLE a BODY SKIN EMOTION CLASS MOTION". Every part may be "": a trainer drops words by composing without them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

SLOT = "$concept"
"""Where a scene that is a sentence has its subject: "a $concept sitting in a temple"."""

Kind = Literal["object", "animal", "person"]
Form = Literal["static", "living"]
FORM: dict[Kind, Form] = {"object": "static", "animal": "living", "person": "living"}
"""The form that a kind has unless told otherwise: the paper's control arm has living things in the static form, too."""
ADJECTIVES: dict[Form, tuple[str, ...]] = {
    "static": ("shape", "color", "texture"),
    "living": ("body", "skin", "emotion"),
}
"""The adjectives of a form, in the order they stand before the class words."""
SCENE: dict[Form, str] = {"static": "background", "living": "motion"}
"""The part of a form that says where the subject is or what it does."""
PARTS: dict[Form, tuple[str, ...]] = {form: ("style", *ADJECTIVES[form], SCENE[form]) for form in ADJECTIVES}
"""The columns of a form, without the class name."""

_SLOT = re.compile(r"(?<!\w)(an? +)?\$concept(?!\w)", re.IGNORECASE)

_AN = re.compile(r"""
    (?: 8 | 1[18] (?: \d{2,3} )? (?!\d) )                         # eight, eleven, eighteen hundred
  | (?: [AEFHILMNORSX] | [aefhilmnorsx] ) (?![A-Za-z])            # letters as they are called: an L-shaped room
  | [AEFHILMNORSX] [A-Z]{1,2} (?![A-Za-z])                        # and in short names: an LED
  | (?! [A-Z]{2,3} (?![A-Za-z]) | [Uu] (?![A-Za-z]) ) (?i:
        heir | hono | hones | hour                                # the h is not heard
      | y [^aeiou]
      | [ai]
      | e (?! [uw] )                                              # a European, a ewe
      | o (?! n (?: e (?: s | \b ) | ce ) | uija )                 # a one-eyed cat
      | u (?! ni (?! [dmnr] | ll ) | r [aeio] | s [aeiu] | t [aeio] | [bfgk] [aeiou] )  # a unicorn, a used car
    )
""", re.VERBOSE)
"""What begins with the sound of a vowel. A list of rules, not a dictionary; the tests tell what it must know."""


def compose(parts: Mapping[str, str], class_name: str, identifier: str = "") -> str:
    """The caption, its words one space apart: "a photo of an octagonal red backpack on a rock".

    `parts` holds parts of one form (any other key is a ValueError); what is missing counts as "". A style is a whole
    prefix ("a photo of"). A background or motion is a phrase that follows the noun phrase ("on a rock") or a sentence
    with `SLOT`: there "a $concept" becomes the noun phrase with its article, and a slot without "a" or "an" the noun
    phrase alone. The article goes by sound, but before an identifier it is "a", as in DreamBench's templates;
    adjectives follow the identifier ("a olis red backpack").
    """
    form = next((form for form, names in PARTS.items() if parts.keys() <= set(names)), None)
    if form is None:
        raise ValueError(f"{sorted(parts)} are the parts of neither form: {PARTS}")
    noun = " ".join([identifier, *(parts.get(name, "") for name in ADJECTIVES[form]), class_name]).strip()
    phrase = f"a {noun}" if identifier else f"{article(noun)} {noun}"
    scene = parts.get(SCENE[form], "")
    sentence, slots = _SLOT.subn(lambda found: phrase if found[1] else noun, scene)
    return " ".join(f"{parts.get('style', '')} {sentence if slots else f'{phrase} {scene}'}".split())


def split(caption: str, class_name: str, identifier: str = "") -> str | None:
    """The scene of a caption, for `compose`; None where the class words are missing.

    "a backpack on a rock" gives "on a rock", "two people beside a backpack" gives "two people beside a $concept".
    Case does not matter, and class words stand alone: "can" is neither in "candle" nor in "can-opener". Where they
    occur more than once, those behind the identifier count, else the first behind "a" or "an", else the first.
    The identifier is left out wherever it stands.
    """
    caption = " ".join(caption.split())
    noun = _pattern(class_name)
    patterns = [rf"(an? )?{_pattern(identifier)} {noun}"] if identifier else []
    for pattern in [*patterns, f"(an? ){noun}", f"(an? )?{noun}"]:
        if found := re.search(rf"(?<![\w-]){pattern}", caption, re.IGNORECASE):
            break
    else:
        return None
    before, after = caption[: found.start()], caption[found.end() :]
    if identifier:
        before, after = _without(identifier, before), _without(identifier, after)
    if found[1] and not before and after[:1] in ("", " "):
        return after.strip()
    return f"{before}{'a ' if found[1] else ''}{SLOT}{after}"


def article(words: str) -> str:
    """ "a" or "an", by the sound of the first of these words: an hourglass, a unicorn, an 8-sided die."""
    plain = unicodedata.normalize("NFKD", words.split()[0]).encode("ascii", "ignore").decode()
    return "an" if _AN.match(plain.lstrip("\"'([{<")) else "a"


def _without(identifier: str, text: str) -> str:
    """The text without these words, and with the article that what follows them asks for."""
    return re.sub(
        rf"(?<![\w-])(an? )?{_pattern(identifier)} ?(\S*)",
        lambda found: (f"{article(found[2])} " if found[1] and found[2] else "") + found[2], text, flags=re.IGNORECASE)


def _pattern(words: str) -> str:
    return " ".join(map(re.escape, words.split())) + r"(?![\w-])"
