"""Fields of options: a dataclass field that carries its help, and those that more than one command line has."""

from __future__ import annotations

from dataclasses import field, fields
from pathlib import Path
from typing import Any

from upath import UPath

from schemas.errors import UsageError
from schemas.locations import Location
from schemas.prompts import SLOT


def option(default: Any, text: str, *, group: str, choices: tuple[str, ...] = (), low: float | None = None,
           high: float | None = None, metavar: str = "") -> Any:
    """A dataclass field with help text, help group, allowed values or an inclusive range."""
    return field(default=default, metadata={"help": text, "group": group, "choices": choices, "low": low,
                                            "high": high, "metavar": metavar})


def flag_of(name: str) -> str:
    """The command line's word for a field: --min-side, -k."""
    return ("--" if len(name) > 1 else "-") + name.replace("_", "-")


def log_option() -> Any:
    """--log"""
    return option("text", "progress as text, or as JSON lines on stderr", group="output", choices=("text", "json"))


def check_class_name(name: str, example: str) -> None:
    """Raises UsageError, with an `example` of a command, unless it is a bare noun of one or more words."""
    words = name.casefold().split()
    if not words:
        raise UsageError("--class-name is missing", allowed="a noun such as backpack", next_command=example)
    if words[0] in ("a", "an", "the") or SLOT in name or not name.isprintable():
        raise UsageError("--class-name is no bare noun", seen=name,
                         allowed="words such as backpack or duck toy, without an article")


def check_fields(options: Any) -> None:
    """Checks every field against what it allows. Raises UsageError."""
    for one in fields(options):
        _check(one.name, getattr(options, one.name), one.metadata)


def _check(name: str, value: Any, allowed: Any) -> None:
    flag = flag_of(name)
    if isinstance(value, Path | UPath) and not _writable_name(value):
        raise UsageError(f"{flag} is no UTF-8 name", seen=value, allowed="a path that can be written as text")
    if value is None:
        return
    if allowed["choices"] and value not in allowed["choices"]:
        raise UsageError(f"{flag} is not known", seen=value, allowed=", ".join(filter(None, allowed["choices"])))
    low, high = allowed["low"], allowed["high"]
    if not ((low is None or value >= low) and (high is None or value <= high)):  # so that nan is out of range too
        raise UsageError(f"{flag} is out of range", seen=value,
                         allowed=f"{'' if low is None else low} to {'any' if high is None else high}")


def _writable_name(path: Location) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
