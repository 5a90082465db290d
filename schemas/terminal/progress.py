"""What a person sees while a build runs: bars on a terminal, plain lines elsewhere, JSON lines on request.

Everything goes to stderr; stdout carries only the result.
"""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

from schemas.manifest import Step

_QUIET_SECONDS = 10.0
"""Least time between two lines of one stage when nobody watches a terminal."""


class Progress:
    """Speaks for a whole build. `style` is "text" or "json"."""

    def __init__(self, style: str = "text") -> None:
        self._json = style == "json"

    def bar(self, stage: str, total: int | None, unit: str = "row") -> Bar:
        """Progress of one stage with rate, time left and, once rows are judged, keep rate; a context manager."""
        return Bar(self, stage, total, unit)

    def say(self, text: str, **facts: object) -> None:
        """One line; with --log json the facts as an event."""
        if self._json:
            self.event("note", text=text, **facts)
        else:
            tqdm.write(text, file=sys.stderr)

    def event(self, kind: str, **facts: object) -> None:
        """One JSON line, only with --log json."""
        if self._json:
            print(json.dumps({"event": kind, **facts}, sort_keys=True), file=sys.stderr, flush=True)

    def step(self, step: Step) -> None:
        """The end of a stage: rows in, rows out, drops by reason."""
        if self._json:
            self.event("stage", stage=step.stage, rows_in=step.rows_in, rows_out=step.rows_out, drops=step.drops)
            return
        drops = ", ".join(f"{reason} {count:,}" for reason, count in step.drops.items())
        self.say(f"{step.stage:>8}: {step.rows_in:,} rows in, {step.rows_out:,} out" + (f" ({drops})" if drops else ""))

    @property
    def plain(self) -> bool:
        """True when bars are not drawn."""
        return self._json or not sys.stderr.isatty()


class Bar:
    """One stage under way."""

    def __init__(self, progress: Progress, stage: str, total: int | None, unit: str) -> None:
        self._progress, self._stage, self._total = progress, stage, total
        self._done, self._judged, self._kept, self._note = 0, 0, 0, ""
        self._begun = self._said = time.monotonic()
        self._bar = tqdm(total=total, desc=f"{stage:>8}", unit=unit, disable=progress.plain, file=sys.stderr,
                         smoothing=0.1, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._bar.close()

    def advance(self, rows: int, kept: int | None = None, note: str = "") -> None:
        """`rows` more are done, of which `kept` stay, None where nobody has judged them; `note` is what to say now."""
        self._done, self._note = self._done + rows, note
        if kept is not None:
            self._judged, self._kept = self._judged + rows, self._kept + kept
        self._bar.set_postfix_str(", ".join(self._notes()), refresh=False)
        self._bar.update(rows)
        now = time.monotonic()
        if self._progress.plain and now - self._said >= _QUIET_SECONDS:
            self._said = now
            self._speak(self._done / (now - self._begun))

    def _notes(self) -> list[str]:
        kept = [f"kept {self._kept / self._judged:.0%}"] if self._judged else []
        return [*kept, *([self._note] if self._note else [])]

    def _speak(self, rate: float) -> None:
        # Nobody knows the time left before the first row is done, nor the keep rate before one was judged.
        left = None if self._total is None or not rate else round((self._total - self._done) / rate)
        self._progress.event("progress", stage=self._stage, done=self._done, total=self._total,
                             judged=self._judged, kept=self._kept, note=self._note,
                             rows_per_second=round(rate, 1), seconds_left=left)
        if not self._progress._json:
            parts = [f"{self._done:,}" if self._total is None else f"{self._done:,} of {self._total:,}"]
            parts += [] if left is None else [f"{left} s left"]
            parts += [f"{rate:.1f}/s", *self._notes()]
            self._progress.say(f"{self._stage:>8}: {', '.join(parts)}")
