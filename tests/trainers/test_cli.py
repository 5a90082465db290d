import pytest

from trainers import cli


def test_help_says_how_to_open_a_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    assert "load_dataset" in capsys.readouterr().out


def test_an_unknown_method_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["retrinet"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "'retrinet'" in error
