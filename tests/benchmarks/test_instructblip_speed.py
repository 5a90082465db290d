"""Loop and annotator of the InstructBLIP benchmark run on one tiny model; the full one has seven billion weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from benchmarks import instructblip_speed, random_blip


def test_both_ways_run(tmp_path: Path) -> None:
    folder = random_blip.save(tmp_path)
    shown = [np.full((30, 20, 3), level, np.uint8) for level in (0, 90, 255)]
    seconds, held = instructblip_speed.timed(instructblip_speed.loop(folder, "cpu", shown[:1]), "cpu")
    assert seconds > 0 and held == 0
    answers = instructblip_speed.ours(folder, "cpu", shown, 2)()
    assert isinstance(answers, list)
    assert [[len(column) for column in batch] for batch in answers] == [[2] * 5, [1] * 5]


def test_the_full_model_has_the_papers_size() -> None:
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        weights = sum(weight.numel() for weight in random_blip.model(random_blip.FULL, 300).parameters())
    assert 7.8e9 < weights < 8.0e9  # EVA-CLIP g 0.99, Q-Former 0.19, Vicuna 6.74 billion
