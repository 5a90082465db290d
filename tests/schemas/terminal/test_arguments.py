from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.locations import Location
from schemas.terminal import arguments
from schemas.terminal.fields import option


@dataclass
class Bake:
    cake: str = option("plain", "which", group="what", choices=("plain", "fruit"))
    eggs: int = option(12_000, "how many", group="what", low=1, metavar="N")
    heat: float | None = option(None, "how hot. Default: by the cake", group="how", metavar="C")
    fan: bool = option(False, "blow", group="how")
    rise: bool = option(True, "wait for the dough", group="what")
    tin: Path = option(Path(), "what to bake in", group="how", metavar="DIR")
    shelf: Location = option(Path(), "where to put it", group="how", metavar="OUT")
    k: int = option(3, "a short one", group="how", metavar="K")


@dataclass
class Eat:
    cakes: tuple[str, ...] = option((), "which", group="what", metavar="CAKE")
    forks: int = option(1, "how many", group="how", metavar="N")
    fast: bool = option(False, "at once", group="how")


def _parser() -> arguments.Parser:
    return arguments.parser_for(Bake, "oven bake", "Bakes.")


def _read(*words: str) -> Bake:
    return arguments.read(Bake, _parser(), words)


def test_each_field_is_an_option_of_its_type() -> None:
    assert _read() == Bake("plain", 12_000, None, False, True, Path(), Path(), 3)
    assert _read("--cake", "fruit", "--eggs", "2", "--heat", "180.5", "--fan", "--tin", "t", "--shelf", "file:///s",
                 "-k", "4") == Bake("fruit", 2, 180.5, True, True, Path("t"), Path("/s"), 4)


def test_what_is_on_by_default_can_be_turned_off() -> None:
    assert _read("--rise").rise and not _read("--no-rise").rise
    text = _parser().format_help().partition("options:")[2]
    assert "--rise, --no-rise" in text and "True" not in text


def test_help_tells_groups_choices_and_defaults() -> None:
    text = _parser().format_help().partition("options:")[2]
    assert text.index("what:") < text.index("--eggs N") < text.index("how:") < text.index("--fan")
    assert "--cake plain|fruit" in text and "(default: 12,000)" in text and "(default: 3)" in text
    assert "Default: by the cake\n" in text


@pytest.mark.parametrize(("words", "said"), [
    (("--egs", "2"), r"unknown option \(got '--egs'\); allowed: --eggs.*; try: oven bake --help"),
    (("--egg", "2"), "unknown option"),  # no abbreviations
    (("--eggs", "many"), "invalid int value.*try: oven bake --help"),
    (("--tin", "s3://bucket/tin"), r"a URL where only a path will do \(got 's3://bucket/tin'\)"),
])
def test_a_wrong_word_is_a_usage_error(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _read(*words)


def test_options_become_the_words_again() -> None:
    words = ["--eggs=2", "--fan", "--no-rise", "--tin=-odd name", "-k", "4"]
    assert arguments.words(_read(*words)) == words


def test_words_of_no_option_are_the_field_of_many() -> None:
    parser = arguments.parser_for(Eat, "eat", "Eats.")
    assert arguments.read(Eat, parser, []) == Eat()
    for said in (["plum", "--forks", "2", "nut", "--fast"], ["--fast", "--forks=2", "plum", "nut"]):
        assert arguments.read(Eat, parser, said) == Eat(("plum", "nut"), 2, True)
    with pytest.raises(UsageError, match=r"unknown option \(got '-x'\)"):
        arguments.read(Eat, parser, ["plum", "-x"])
    again = Eat(("plum", "-"), 3)
    assert arguments.read(Eat, parser, arguments.words(again)) == again
    assert "CAKE" in parser.format_help() and "(default: ())" not in parser.format_help()


def test_words_that_no_field_takes_are_unknown() -> None:
    with pytest.raises(UsageError, match=r"unknown option \(got 'extra'\)"):
        _read("--eggs", "2", "extra")
