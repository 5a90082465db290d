from collections.abc import Sequence

import pytest

from schemas.errors import UsageError
from schemas.terminal.arguments import Parser
from schemas.terminal.commands import Command, find, usage


def _bake(words: Sequence[str]) -> int:
    return 0


BAKE = Command(_bake, Parser, "make a cake")
SIFT = Command(_bake, Parser, "sift the flour")
GRIND = Command(_bake, Parser, "grind the flour")
GROUPS = {"sweets": {"bake": BAKE}, "flour": {"flour sift": SIFT, "flour grind": GRIND}}


def test_usage_lists_every_command_below_its_group() -> None:
    assert usage("oven", "Bakes.", GROUPS, "exit codes:\n  0  done\n") == """usage: oven COMMAND [options]

Bakes.

sweets:
  bake                make a cake

flour:
  flour sift          sift the flour
  flour grind         grind the flour

`oven COMMAND --help` tells more.

exit codes:
  0  done
"""


def test_the_words_behind_the_name_are_left() -> None:
    assert find("oven", GROUPS, ["bake", "--eggs", "2"]) == (BAKE, ["--eggs", "2"])
    assert find("oven", GROUPS, ["flour", "grind", "sift"]) == (GRIND, ["sift"])


@pytest.mark.parametrize(("words", "name", "known"), [
    (["fry", "x"], "fry", "bake, flour sift, flour grind"), (["flo", "sift"], "flo", "bake, flour sift, flour grind"),
    ([""], "", "bake, flour sift, flour grind"), (["flour"], "flour", "flour sift, flour grind"),
    (["flour", "eat"], "flour eat", "flour sift, flour grind"),
])
def test_an_unknown_command_is_answered_by_the_known_ones(words: list[str], name: str, known: str) -> None:
    with pytest.raises(UsageError) as caught:
        find("oven", GROUPS, words)
    assert str(caught.value) == f"unknown command (got {name!r}); allowed: {known}; try: oven --help"
