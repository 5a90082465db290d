"""Writes docs/cli.md from the command line itself; a test fails when they differ.

It reads the parsers' options, not argparse's help text, whose layout changes from one Python to the next.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from builders import arguments, cli
from schemas.records import REASONS

TARGET = Path("docs/cli.md")
REASONS_TARGET = Path("docs/reasons.md")


def page() -> str:
    """The whole page, Markdown."""
    lines = ["# The `build` command", "", "Made by `make docs`; do not edit.", "", "```", cli.usage().rstrip(), "```"]
    for group, commands in cli.COMMANDS.items():
        for name, (_, parser, about) in commands.items():
            lines += ["", f"## `build {name}`", "", f"{about[0].upper()}{about[1:]} ({group}).", ""]
            lines += _options(parser())
    return "\n".join(lines) + "\n"


def _options(parser: arguments.Parser) -> list[str]:
    lines = [*(parser.description or "").splitlines(), ""]
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if not isinstance(action, argparse._HelpAction)]
        if actions:
            lines += [f"**{group.title}**", "", *(_line(action) for action in actions), ""]
    return lines[:-1]


def _line(action: argparse.Action) -> str:
    name = " ".join([*action.option_strings[:1], *([str(action.metavar)] if action.metavar else [])])
    return f"- `{name}`: {action.help}"


def reasons_page() -> str:
    """The closed vocabulary of drop reasons, Markdown."""
    lines = ["# Why a row can leave", "", "Made by `make docs`; do not edit. Every dropped row stands in "
             "`rejected.parquet` with one of these reasons;", "`build explain DIR ID` tells the value and the "
             "threshold. `singleton` can happen after any stage.", "", "| reason | stage | meaning |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {stage} | {text} |" for name, (stage, text) in REASONS.items())]) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
    REASONS_TARGET.write_text(reasons_page(), encoding="utf-8")
