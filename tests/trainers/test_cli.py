import subprocess
import sys
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
    assert cli.main(["retrino"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "'retrino'" in error


def test_docs_say_what_the_code_says() -> None:
    there = (Path(__file__).parents[2] / cli_docs.TARGET).read_text(encoding="utf-8")
    assert there == cli_docs.page(), "run `make docs`"


_CORE = """
import sys
for name in ("torch", "diffusers", "transformers", "accelerate", "peft", "safetensors", "tensorboard"):
    sys.modules[name] = None  # as if it were not installed
from trainers import cli
for name in ("--help", *cli.METHODS, *cli.TOOLS):
    try:
        assert cli.main([name, "--help"] if name != "--help" else [name]) == 0
    except SystemExit as end:
        assert end.code == 0
for name in cli.METHODS:
    assert cli.main([name, "--stebs", "3"]) == 2
assert cli.main(["tiny", "--out", sys.argv[1]]) == 2
"""


def test_help_and_what_is_missing_need_only_the_core(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _CORE, tmp_path / "new"], capture_output=True, text=True,
                          cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].endswith("try: pip install 'likeness[trainers]'")
    assert "--steps" in done.stderr or not cli.METHODS
