"""The page of the docs about a program, made from its parsers' options.

Not from argparse's help text, whose layout changes from one Python to the next.
"""

from __future__ import annotations

import argparse

from schemas.terminal import arguments
from schemas.terminal.commands import Groups


def page(prog: str, usage: str, groups: Groups) -> str:
    """The whole page, Markdown."""
    lines = [f"# The `{prog}` command", "", "Made by `make docs`; do not edit.", "", "```", usage.rstrip(), "```"]
    for group, commands in groups.items():
        for name, (_, parser, about) in commands.items():
            lines += ["", f"## `{prog} {name}`", "", f"{about[0].upper()}{about[1:]} ({group}).", ""]
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
    name = " ".join(filter(None, [", ".join(action.option_strings), str(action.metavar or "")]))
    return f"- `{name}`: {action.help}"
