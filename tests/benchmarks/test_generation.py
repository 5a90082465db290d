"""Both ways run, on a tiny model, and are told."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from benchmarks import generation, random_diffusion


def test_both_ways_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                            capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(generation, "SHAPE", random_diffusion.TINY)
    monkeypatch.setattr("sys.argv", ["generation", "--count", "8", "--out", str(tmp_path)])
    generation.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines[-2:]] == ["bare pipeline", "build regularization"]
    assert lines[-2].endswith("| 1.00 |") and float(lines[-1].split("|")[4]) > 0
    assert (tmp_path / "built" / "1.0.0" / "manifest.json").exists()
