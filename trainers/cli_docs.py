"""Writes docs/trainers.md from the command line itself; a test fails when they differ."""

from __future__ import annotations

from pathlib import Path

from schemas.terminal import pages
from trainers import cli

TARGET = Path("docs/trainers.md")


def page() -> str:
    """All about `trainers`, Markdown."""
    return pages.page("trainers", cli.usage(), cli.COMMANDS)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
