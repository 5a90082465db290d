"""Writes docs/cli.md and docs/reasons.md from the code itself; a test fails when they differ."""

from __future__ import annotations

from pathlib import Path

from builders import cli
from schemas.records import REASONS
from schemas.terminal import pages

TARGET = Path("docs/cli.md")
REASONS_TARGET = Path("docs/reasons.md")


def page() -> str:
    """All about `build`, Markdown."""
    return pages.page("build", cli.usage(), cli.COMMANDS)


def reasons_page() -> str:
    """The closed vocabulary of drop reasons, Markdown."""
    lines = ["# Why a row can leave", "", "Made by `make docs`; do not edit. Every dropped row stands in "
             "`rejected.parquet` with one of these reasons;", "`build explain DIR ID` tells the value and the "
             "threshold. `singleton` can happen after any stage.", "", "| reason | stage | meaning |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {stage} | {text} |" for name, (stage, text) in REASONS.items())]) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
    REASONS_TARGET.write_text(reasons_page(), encoding="utf-8")
