"""A small sample mirror, drawn once, and one uninterrupted build of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from builders.sources.sample import draw_mirror


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample") / "mirror"
    draw_mirror(root, count=120, seed=7, workers=2)
    return root


def command(mirror: Path, out: Path, *words: str) -> list[str]:
    """`build retribooru` on the mirror with the light models."""
    return [sys.executable, "-m", "builders.cli", "retribooru", "--source", "danbooru2019", "--root", str(mirror),
            "--out", str(out), "--models", "light", *words]


def run(words: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def whole(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT of an uninterrupted build with one worker."""
    out = tmp_path_factory.mktemp("whole") / "out"
    done = run(command(mirror, out, "--workers", "1"))
    assert done.returncode == 0, done.stderr
    return out
