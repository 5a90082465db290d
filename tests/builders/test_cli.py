from collections.abc import Callable
from pathlib import Path

import pytest

from builders import cli, cli_docs
from schemas.records import REASONS


def test_help_groups_recipes_and_tools(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert text.index("recipes:") < text.index("retribooru") < text.index("tools:") < text.index("verify")
    assert "130" in text


def test_a_user_error_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["retriboru"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "retriboru" in error and "retribooru" in error


def test_verify_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", str(tmp_path)]) == 2
    assert "not a published dataset" in capsys.readouterr().err


@pytest.mark.parametrize(("target", "page"), [(cli_docs.TARGET, cli_docs.page),
                                              (cli_docs.REASONS_TARGET, cli_docs.reasons_page)])
def test_docs_say_what_the_code_says(target: Path, page: Callable[[], str]) -> None:
    there = (Path(__file__).parents[2] / target).read_text(encoding="utf-8")
    assert there == page(), "run `make docs`"


def test_reasons_page_names_every_reason() -> None:
    for reason in REASONS:
        assert f"`{reason}`" in cli_docs.reasons_page()
