"""Captions of training rows.

Word dropout (A Data Perspective, section 3, "Dropout"): adjectives of a regularizer's prompt are left out at random and
the rest is composed anew, articles included. Where the paper is silent: each adjective leaves by itself with the same
chance, drawn anew at each use of the row; style, class words and scene stay; a subject's caption has no adjectives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from schemas.prompts import ADJECTIVES, FORM, PARTS, SCENE, Kind, compose
from trainers.training.draws import At, uniform, whole_number

Caption = Callable[[Mapping[str, Any], At], str]
"""The caption of a dataset's row at a place."""


def as_written(row: Mapping[str, Any], at: At) -> str:
    """The column `text`."""
    return str(row["text"])


def without_words(chance: float) -> Caption:
    """The columns of a regularizer's prompt composed, each adjective left out with this chance, 0 .. 1."""
    def caption(row: Mapping[str, Any], at: At) -> str:
        form = next(form for form, names in ADJECTIVES.items() if row.keys() >= set(names))
        left = {name for name in ADJECTIVES[form]
                if row[name] and uniform(at, row["id"], f"leave out {name}") < chance}
        if not left:
            return str(row["text"])
        return compose({name: "" if name in left else row[name] or "" for name in PARTS[form]}, row["class_name"])
    return caption


def from_templates(templates: Sequence[str], phrase: str) -> Caption:
    """One of the templates, each as likely, `phrase` in place of its {}."""
    return lambda row, at: templates[whole_number(at, row["id"], "template", len(templates))].replace("{}", phrase)


def identified(identifier: str) -> Caption:
    """A subject's caption with another identifier before the class words; without one for ""."""
    def caption(row: Mapping[str, Any], at: At) -> str:
        form = FORM[cast(Kind, row["kind"])]
        return compose({SCENE[form]: row["scene"]}, row["class_name"], identifier)
    return caption


def beginning(prefix: str, text: str) -> str:
    """The text behind a prefix, without an article of its own there: "a far away olis backpack"."""
    if not prefix:
        return text
    first, _, rest = text.partition(" ")
    return f"{prefix} {rest if first in ('a', 'an') and rest else text}"
