"""What is said of a stage under way. Time is a list of numbers, so that rates are known."""

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from schemas.terminal import progress
from schemas.terminal.progress import Progress

Clock = Callable[..., None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets what the clock will show, in seconds: first when the bar begins, then at each advance."""

    def show(*times: float) -> None:
        left = iter(times)
        monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(left)))

    return show


def test_no_keep_rate_where_nothing_was_judged(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    clock(0, 10)
    with Progress().bar("faces", 40) as bar:
        bar.advance(30)
    assert capsys.readouterr().err == "   faces: 30 of 40, 3 s left, 3.0/s\n"


def test_the_keep_rate_is_of_what_was_judged(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    clock(0, 1, 20)
    with Progress().bar("select", 200) as bar:
        bar.advance(50)
        bar.advance(50, kept=25)
    assert capsys.readouterr().err == "  select: 100 of 200, 20 s left, 5.0/s, kept 50%\n"


def test_no_time_left_before_the_first_row(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    clock(0, 12)
    with Progress().bar("faces", 44) as bar:
        bar.advance(0)
    assert capsys.readouterr().err == "   faces: 0 of 44, 0.0/s\n"


def test_no_time_left_without_a_total(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    clock(0, 10)
    with Progress().bar("source", None) as bar:
        bar.advance(2_000)
    assert capsys.readouterr().err == "  source: 2,000, 200.0/s\n"


def test_lines_are_at_least_ten_seconds_apart(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    clock(0, 9.9, 10, 19.9, 20)
    with Progress().bar("source", None) as bar:
        for _ in range(4):
            bar.advance(5)
    assert capsys.readouterr().err == "  source: 10, 1.0/s\n  source: 20, 1.0/s\n"


def test_events_say_null_for_what_is_not_known(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    clock(0, 10, 20)
    with Progress("json").bar("faces", 4) as bar:
        bar.advance(0)
        bar.advance(2, kept=1)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["judged"], first["kept"], first["seconds_left"], first["rows_per_second"]) == (0, 0, None, 0.0)
    assert (second["judged"], second["kept"], second["seconds_left"], second["rows_per_second"]) == (2, 1, 20, 0.1)


def test_a_note_is_said_behind_the_rate(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    clock(0, 10)
    with Progress().bar("train", 40, "step") as bar:
        bar.advance(30, note="loss 0.1250")
    assert capsys.readouterr().err == "   train: 30 of 40, 3 s left, 3.0/s, loss 0.1250\n"
