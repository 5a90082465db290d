"""Fields of options: a dataclass field that carries its help, and those that all recipes have in common."""

from __future__ import annotations

import os
import re
from dataclasses import field, fields
from pathlib import Path
from typing import Any, Protocol

from upath import UPath

from schemas.errors import UsageError
from schemas.locations import Location
from schemas.prompts import SLOT

PLACES = frozenset({"out", "workers", "engine", "address", "gpus", "log"})
"""Kept out of manifests: they do not change what is built, or they are a place on this machine."""


class Running(Protocol):
    """Where and how a recipe runs."""

    @property
    def out(self) -> Location: ...
    @property
    def version(self) -> str: ...
    @property
    def workers(self) -> int: ...
    @property
    def engine(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def gpus(self) -> float: ...
    @property
    def log(self) -> str: ...


def option(default: Any, text: str, *, group: str, choices: tuple[str, ...] = (), low: float | None = None,
           high: float | None = None, metavar: str = "") -> Any:
    """A dataclass field with help text, help group, allowed values or an inclusive range."""
    return field(default=default, metadata={"help": text, "group": group, "choices": choices, "low": low,
                                            "high": high, "metavar": metavar})


def flag_of(name: str) -> str:
    """The command line's word for a field: --min-side, -k."""
    return ("--" if len(name) > 1 else "-") + name.replace("_", "-")


def out_option() -> Any:
    """--out"""
    return option(Path(), "folder for published versions and the store of annotations, or a URL such as "
                  "s3://bucket/folder", group="output", metavar="OUT")


def version_option() -> Any:
    """--version"""
    return option("1.0.0", "version to publish; a published one never changes", group="output", metavar="X.Y.Z")


def log_option() -> Any:
    """--log"""
    return option("text", "progress as text, or as JSON lines on stderr", group="output", choices=("text", "json"))


def workers_option(usual: int) -> Any:
    """--workers"""
    return option(usual, "worker processes; the result does not depend on it", group="running", low=1, high=512,
                  metavar="N")


def engine_option() -> Any:
    """--engine"""
    return option("local", "where the workers run: local, this machine; ray, a Ray cluster", group="running",
                  choices=("local", "ray"))


def address_option() -> Any:
    """--address"""
    return option("", "the Ray cluster to join: HOST:PORT of its head, or auto for the one on this machine. "
                  "Default: one is started here for the build", group="running", metavar="WHERE")


def gpus_option() -> Any:
    """--gpus"""
    return option(0.0, "GPUs that each worker asks Ray for; 0.5 puts two workers on one", group="running", low=0,
                  high=64, metavar="G")


def workers_here(options: Running) -> int:
    """Processes for what is done on this machine, whichever the engine: of a cluster it is only one node."""
    return options.workers if options.engine == "local" else min(options.workers, os.cpu_count() or 1)


def check_class_name(name: str, example: str) -> None:
    """Raises UsageError, with an `example` of a command, unless it is a bare noun of one or more words."""
    words = name.casefold().split()
    if not words:
        raise UsageError("--class-name is missing", allowed="a noun such as backpack", next_command=example)
    if words[0] in ("a", "an", "the") or SLOT in name or not name.isprintable():
        raise UsageError("--class-name is no bare noun", seen=name,
                         allowed="words such as backpack or duck toy, without an article")


def check(options: Any, needs_out: bool = True) -> None:
    """Checks every field against what it allows, and the common ones. Raises UsageError."""
    if needs_out and options.out == Path():
        raise UsageError("--out is missing", allowed="a folder", next_command="add --out OUT")
    for one in fields(options):
        _check(one.name, getattr(options, one.name), one.metadata)
    if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", options.version):
        raise UsageError("--version is not a version", seen=options.version, allowed="three numbers such as 1.0.0")
    if hasattr(options, "engine"):
        _check_engine(options)


def _check_engine(options: Running) -> None:
    for name in ("address", "gpus"):
        if getattr(options, name) and options.engine != "ray":
            raise UsageError(f"--{name} is for Ray", seen=getattr(options, name), allowed="with --engine ray",
                             next_command=f"add --engine ray, or leave out --{name}")
    if options.address and not re.fullmatch(r"auto|[^/:\s]+:[0-9]{1,5}", options.address):
        raise UsageError("--address is no address of a Ray cluster", seen=options.address,
                         allowed="HOST:PORT of its head (6379 is usual), or auto")
    if options.gpus > 1 and options.gpus % 1:
        raise UsageError("--gpus is neither a share of one nor a whole number", seen=options.gpus,
                         allowed="0 to 1, 2, 3, ...")


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
