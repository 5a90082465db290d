from pathlib import Path

import pytest

from trainers import cli, cli_docs


def test_help_says_how_to_open_a_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    assert "load_dataset" in capsys.readouterr().out


def test_no_words_is_help_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "usage: trainers COMMAND" in capsys.readouterr().out


def test_an_unknown_method_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["retrinet"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "'retrinet'" in error


def test_docs_say_what_the_code_says() -> None:
    there = (Path(__file__).parents[2] / cli_docs.TARGET).read_text(encoding="utf-8")
    assert there == cli_docs.page(), "run `make docs`"
