"""The commands of `trainers`: of each its options, and what runs. Methods load late, when a command is known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from schemas.errors import BuildError, UsageError
from schemas.locks import locked
from schemas.terminal import arguments
from schemas.terminal.commands import Command
from schemas.terminal.interrupts import ctrl_c_waits
from trainers import custom_options, dreambooth_options, inversion_options, personalize_options, tiny_options
from trainers.baselines import controlnet_options, fastcomposer_options, ip_adapter_options, kandinsky_options
from trainers.coti import coti_options
from trainers.evaluation import compare_options, evaluate_options
from trainers.evaluation.survey import asking_options, tally_options
from trainers.options import Said
from trainers.retrinet import attend_options, retrinet_options

EXIT_CODES = """exit codes:
  0    done
  1    it could not go on; the same command does, with --resume where it trains
  2    the command or its input must be changed
  130  stopped by Ctrl-C; the same command goes on, with --resume where it trains
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


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keeps others out of OUT. Of the processes of a run the first does so for all. Raises UsageError when another run
    is there, or when OUT cannot be written."""
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    with ExitStack() as held:
        held.callback(_remove_empty, out)
        try:
            out.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(out / ".lock"))
        except BlockingIOError:
            raise UsageError("another run is writing there", seen=str(out), allowed="one at a time",
                             next_command="wait for it to end, or take another --out") from None
        except OSError as error:
            raise _unwritable(out, error) from None
        held.callback((out / ".lock").unlink, missing_ok=True)  # while it is held: `locked` notices
        yield


@contextmanager
def possible(out: Path) -> Iterator[None]:
    """For what makes OUT at its very end. Raises UsageError when OUT cannot be made."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        TemporaryDirectory(prefix=".tmp-", dir=out.parent).cleanup()
    except OSError as error:
        raise _unwritable(out, error) from None
    yield


def _unwritable(out: Path, error: OSError) -> UsageError:
    return UsageError(f"--out cannot be written: {error.strerror}", seen=error.filename or str(out),
                      allowed="a folder that can be written", next_command="another --out")


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # it is not empty
        folder.rmdir()


@contextmanager
def room() -> Iterator[None]:
    """Says in one line that the GPU's memory is too small for what the block does."""
    try:
        yield
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's; this file does not need it
            raise
        raise BuildError(f"{' '.join(str(error).split('. ')[:2])}; these need less: --precision bf16, "
                         "--gradient-checkpointing, --optimizer adamw8bit, a smaller --batch-size or --resolution, "
                         "--sample-every 0") from None


def _hush() -> None:
    """Libraries say only what is an error: they read this when they are imported."""
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"):
        os.environ.setdefault(name, "error")


def method(name: str, kind: type[Any], said: Said,
           hold: Callable[[Path], AbstractContextManager[None]] = alone) -> Command:
    """The command `trainers NAME`: `kind` is its dataclass of options, whose `check()` is called first, in a module
    MODULE_options beside MODULE, which has `run(options) -> int`. Its OUT is held while it runs."""

    def parser() -> arguments.Parser:
        return arguments.parser_for(kind, f"trainers {name}", said.description, f"{said.examples}\n{EXIT_CODES}")

    def run(words: Sequence[str]) -> int:
        options = arguments.read(kind, parser(), words)
        options.check()
        _hush()
        with hold(options.out):
            with ctrl_c_waits(), extra():
                module = import_module(kind.__module__.removesuffix("_options"))
            with room():
                done: int = module.run(options)
        return done

    return Command(run, parser, said.about)


METHODS: dict[str, Command] = {
    "personalize": method("personalize", personalize_options.Personalize, personalize_options.SAID),
    "dreambooth": method("dreambooth", dreambooth_options.Dreambooth, dreambooth_options.SAID),
    "inversion": method("inversion", inversion_options.Inversion, inversion_options.SAID),
    "coti": method("coti", coti_options.Coti, coti_options.SAID),
    "custom": method("custom", custom_options.Custom, custom_options.SAID),
    "retrinet": method("retrinet", retrinet_options.RetriNet, retrinet_options.SAID),
    "ip-adapter": method("ip-adapter", ip_adapter_options.IpAdapter, ip_adapter_options.SAID),
    "controlnet": method("controlnet", controlnet_options.ControlNet, controlnet_options.SAID),
    "fastcomposer": method("fastcomposer", fastcomposer_options.FastComposer, fastcomposer_options.SAID),
    "kandinsky": method("kandinsky", kandinsky_options.Kandinsky, kandinsky_options.SAID),
}
"""By name, in the order of `trainers --help`."""

EVALUATIONS = {
    "evaluate dreambench": method("evaluate dreambench", evaluate_options.Dreambench, evaluate_options.DREAMBENCH),
    "evaluate retribooru": method("evaluate retribooru", evaluate_options.Retribooru, evaluate_options.RETRIBOORU),
    "evaluate coti": method("evaluate coti", evaluate_options.Coti, evaluate_options.COTI),
    "compare": method("compare", compare_options.Compare, compare_options.SAID),
    "survey": method("survey", asking_options.Survey, asking_options.SAID, hold=possible),
    "survey-results": method("survey-results", tally_options.SurveyResults, tally_options.SAID),
}
"""How good it is."""

TOOLS = {
    "attend": method("attend", attend_options.Attend, attend_options.SAID, hold=possible),
    "tiny": method("tiny", tiny_options.Tiny, tiny_options.SAID, hold=possible),
}
