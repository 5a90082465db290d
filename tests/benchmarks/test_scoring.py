"""The benchmark of scoring runs, and its loop scores as we do."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from benchmarks import scoring


def test_the_loop_gives_the_same_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["scoring", "--size", "tiny", "--pictures", "12", "--loop", "5", "--out",
                                      str(tmp_path / "out")])
    scoring.main()
    said = capsys.readouterr().out
    assert float(re.search(r"scores differ by (\S+) at most", said)[1]) < 1e-4  # type: ignore[index]
    assert "| loop | 5 |" in said and "| likeness | 12 |" in said
