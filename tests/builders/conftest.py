"""What tests of builds share."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders import face_weights
from schemas.errors import UsageError

Build = Callable[..., subprocess.CompletedProcess[str]]


def kill_tree(process: subprocess.Popen[str]) -> None:
    """`kill -9` of a process and everything it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def ultralytics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set up as the command does it, its settings in a folder of the test."""
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path / "settings"))
    try:
        return face_weights.ultralytics()
    except UsageError as error:
        pytest.skip(str(error))
