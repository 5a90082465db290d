"""The commands of `trainers`: of each its options, and what runs. Methods load late, when a command is known."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from schemas.errors import UsageError
from schemas.terminal import arguments
from schemas.terminal.commands import Command
from schemas.terminal.interrupts import ctrl_c_waits
from trainers import (
    coti_options,
    custom_options,
    dreambooth_options,
    inversion_options,
    personalize_options,
    tiny_options,
)
from trainers.options import Said

EXIT_CODES = """exit codes:
  0    done
  1    training could not go on; the same command with --resume goes on from the newest checkpoint
  2    the command or its input must be changed
  130  stopped by Ctrl-C; --resume goes on
"""
_EXTRA = {"torch", "diffusers", "transformers", "accelerate", "peft", "safetensors", "tensorboard"}
"""Packages that likeness[trainers] brings."""


@contextmanager
def extra() -> Iterator[None]:
    """Says in one line which extra brings a package that is missing in the block."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise UsageError("a package is not installed here", seen=error.name,
                         next_command="pip install 'likeness[trainers]'") from None


def _hush() -> None:
    """Libraries say only what is an error: they read this when they are imported."""
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"):
        os.environ.setdefault(name, "error")


def method(name: str, kind: type[Any], said: Said) -> Command:
    """The command of `trainers.NAME`, a module with `run(options) -> int`; `kind` is its dataclass of options, whose
    `check()` is called first."""

    def parser() -> arguments.Parser:
        return arguments.parser_for(kind, f"trainers {name}", said.description, f"{said.examples}\n{EXIT_CODES}")

    def run(words: Sequence[str]) -> int:
        options = arguments.read(kind, parser(), words)
        options.check()
        _hush()
        with ctrl_c_waits(), extra():
            module = import_module(f"trainers.{name}")
        done: int = module.run(options)
        return done

    return Command(run, parser, said.about)


METHODS: dict[str, Command] = {
    "personalize": method("personalize", personalize_options.Personalize, personalize_options.SAID),
    "dreambooth": method("dreambooth", dreambooth_options.Dreambooth, dreambooth_options.SAID),
    "inversion": method("inversion", inversion_options.Inversion, inversion_options.SAID),
    "coti": method("coti", coti_options.Coti, coti_options.SAID),
    "custom": method("custom", custom_options.Custom, custom_options.SAID),
}
"""By name, in the order of `trainers --help`."""

TOOLS = {"tiny": method("tiny", tiny_options.Tiny, tiny_options.SAID)}
