"""`trainers evaluate` as a command, on tiny runs."""

from __future__ import annotations

import pytest

from trainers.cli import main
from trainers.evaluation.evaluate_options import Coti, Dreambench, Retribooru

COMMANDS = ("dreambench", "retribooru", "coti")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(("words", "said"), [
    ([], "--run is missing"),
    (["--run", "RUN"], "--out is missing"),
    (["--run", "RUN", "--out", "OUT", "--protocol", "fast"], "--protocol is not known (got 'fast'); allowed: paper, "),
    (["--run", "RUN", "--out", "OUT", "--denoising-steps", "0"], "--denoising-steps is out of range (got 0)"),
    (["--run", "RUN", "--out", "OUT", "--clip", "none", "--dino", "none"], "no model is left to score with"),
    (["--run", "RUN", "--out", "OUT", "--repeats", "0"], "--repeats is out of range"),
])
def test_a_wrong_option_is_one_line_without_torch(name: str, words: list[str], said: str,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", name, *words]) == 2
    told = capsys.readouterr().err
    assert told.startswith("trainers: ") and said in told and told.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_the_protocols(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", name, "--help"])
    assert "paper|quick" in capsys.readouterr().out


def test_a_benchmark_that_is_not_known_is_answered_by_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "dreamboth"]) == 2
    assert "allowed: evaluate dreambench, evaluate retribooru, evaluate coti;" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "words", "said"), [
    ("coti", ["--r-precision", "attngan,top"], "--r-precision is not known (got 'top'); allowed: attngan, "),
    ("retribooru", ["--vqa-pairing", "both"], "--vqa-pairing is not known (got 'both'); allowed: reference, generated"),
])
def test_what_a_benchmark_alone_has_is_checked(name: str, words: list[str], said: str,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", name, "--run", "RUN", "--out", "OUT", *words]) == 2
    assert said in capsys.readouterr().err


def test_measures_are_named_with_commas_once_each() -> None:
    assert Coti(r_precision=" classifier, attngan,classifier").measures == ("classifier", "attngan")


def test_runs_are_named_with_commas() -> None:
    assert Dreambench(run=" a, b/c ,,").runs == ["a", "b/c"]


def test_a_benchmark_of_its_own_is_what_each_command_has() -> None:
    assert [one.protocol for one in (Dreambench(), Retribooru(), Coti())] == ["paper"] * 3
