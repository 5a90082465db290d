import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("tensorboard")

from trainers.training.journal import Journal


def test_what_was_said_after_the_checkpoint_is_forgotten(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f'{{"step": {step}, "loss": 1.0}}\n' for step in (1, 2, 3, 4)) + '{"step": 5, "lo')
    Journal(tmp_path, 4)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [1, 2, 3, 4]
    with Journal(tmp_path, 2) as journal:
        journal.write(3, {"loss": 0.5})
    assert [json.loads(line) for line in log.read_text().splitlines()] == [
        {"step": 1, "loss": 1.0}, {"step": 2, "loss": 1.0}, {"step": 3, "loss": 0.5}]
