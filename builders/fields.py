"""Fields of options that all recipes have in common."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Protocol

from schemas.errors import UsageError
from schemas.locations import Location
from schemas.terminal.fields import check_fields, option

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


def out_option() -> Any:
    """--out"""
    return option(Path(), "folder for published versions and the store of annotations, or a URL such as "
                  "s3://bucket/folder", group="output", metavar="OUT")


def version_option() -> Any:
    """--version"""
    return option("1.0.0", "version to publish; a published one never changes", group="output", metavar="X.Y.Z")


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


def check(options: Any, needs_out: bool = True) -> None:
    """Checks every field against what it allows, and the common ones. Raises UsageError."""
    if needs_out and options.out == Path():
        raise UsageError("--out is missing", allowed="a folder", next_command="add --out OUT")
    check_fields(options)
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
