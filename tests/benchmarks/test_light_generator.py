"""What is drawn is a plan of each kind, and all of it is."""

from __future__ import annotations

from benchmarks.light_generator import CLASSES, draw, requests


def test_every_kind_is_drawn() -> None:
    wanted = requests(5)
    assert [one.class_name for one in wanted] == [name for name in CLASSES.values() for _ in range(5)]
    count, seconds = draw((64, wanted))
    assert count == 15 and seconds > 0
