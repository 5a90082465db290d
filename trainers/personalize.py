"""Five photos, one command: a dataset, a regularization set, a plan for this card, a LoRA.

The data are made by the `build` command, as a person would. OUT/plan.json keeps what was chosen, so that the same
command goes on with it though other memory is free by then.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, cast

import torch

from schemas import atomic
from schemas.errors import BuildError, UsageError
from schemas.prompts import compose
from schemas.terminal.progress import Progress
from trainers import dreambooth, kohya, lora
from trainers.bases import open_base
from trainers.dreambooth import Identity
from trainers.dreambooth_options import Dreambooth as Training
from trainers.personalize_options import Personalize as Options
from trainers.plans import TINY, Plan, base_for, least, plans_for
from trainers.presets import Family
from trainers.tiny import KINDS
from trainers.training import draws
from trainers.training.draws import At
from trainers.training.feeding import Row
from trainers.training.loop import Loop
from trainers.training.record import Run

_FILE = "plan.json"
_TOKEN = "olis"
_WARM, _TIMED = 2, 3
"""Steps that are tried before it is told how long training takes."""
_DENOISING = 50
"""Steps of `build regularization` for a picture."""


class Chosen(NamedTuple):
    """What was chosen, and the options that asked for it."""

    base: str
    precision: str
    plan: Plan
    asked: tuple[str, float | None]


class Speed(NamedTuple):
    """What a trial saw: seconds of a training step, of a step of denoising one picture, and the most GiB in use."""

    step: float
    denoising: float
    peak: float


def run(options: Options) -> int:
    """Does all that is not yet done; returns the exit code. Raises UsageError and BuildError."""
    progress = Progress(options.log)
    light = options.base in KINDS
    chosen = remembered(options)
    if chosen is None:
        memory(options)  # where there is none, that is said before anything is built
    build("subject", images=options.images, class_name=options.class_name, kind=options.kind, token=_TOKEN,
          captioner=options.captioner or ("light" if light else "paper"), out=_subject(options), log=options.log)
    chosen = chosen or choose(options, progress)
    if not options.regularization:
        size = {} if light else {"size": chosen.plan.side, "batch": chosen.plan.drawn}
        build("regularization", class_name=options.class_name, kind=options.kind, count=options.count,
              seed=options.seed, subject=_subject(options) / "1.0.0", out=_regularization(options), log=options.log,
              generator="light" if light else chosen.base, **size)
    code = dreambooth.run(training(options, chosen))
    print(farewell(options))
    return code


def build(command: str, **options: object) -> None:
    """Runs `build COMMAND` with these options; what it prints goes to stderr. Raises BuildError when it fails."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    code = subprocess.run([sys.executable, "-m", "builders.cli", command, *words], stdout=2, check=False).returncode
    if code == 130:
        raise KeyboardInterrupt
    if code == UsageError.exit_code:
        raise UsageError(f"`build {command}` refused what it was given, see above",
                         next_command="mend that, or take another --out")
    if code:
        raise BuildError(f"`build {command}` could not go on, see above; the same command resumes it")


def training(options: Options, chosen: Chosen) -> Training:
    """The options of `trainers dreambooth`."""
    plan = chosen.plan
    steps = options.steps or plan.steps
    return Training(data=str(_subject(options) / "1.0.0"), base=chosen.base, out=options.out, resume=True,
                    regularization=options.regularization or str(_regularization(options) / "1.0.0"),
                    resolution=plan.side, lora=plan.rank, steps=steps, lr=plan.lr, precision=chosen.precision,
                    gradient_checkpointing=plan.gradient_checkpointing, seed=options.seed, log=options.log,
                    sample_every=max(50, steps // 4), checkpoint_every=max(50, min(500, steps // 4)))


def remembered(options: Options) -> Chosen | None:
    """What an earlier run of the command chose; None at the first. Raises UsageError when it was asked otherwise."""
    try:
        said = json.loads((options.out / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    found = Chosen(said["base"], said["precision"], Plan(**said["plan"]), tuple(said["asked"]))
    if found.asked != (options.base, options.vram):
        raise UsageError("OUT was begun with another --base or --vram", seen=str(options.out),
                         next_command="the command that began it, or another --out")
    return found


def choose(options: Options, progress: Progress) -> Chosen:
    """The largest plan whose first steps fit the memory. Says what it is and how long it will take."""
    free = memory(options)
    wanted, place = options.base or base_for(free), options.out / "base"
    base = open_base(wanted, place)
    family, side = base.family, base.resolution
    del base  # it is a GPU's memory that is tried
    plans = [TINY] if wanted in KINDS else plans_for(free, family)
    for plan in plans:
        precision = "no" if wanted in KINDS else _precision()
        chosen = Chosen(wanted, precision, plan._replace(side=min(plan.side, side)), (options.base, options.vram))
        speed = tried(options, chosen, place)
        if speed is not None:
            break
        progress.say(f"the plan for a card of {plan.card} does not fit")
    else:
        raise UsageError("the GPU has too little free memory", seen=f"{free:.1f} GiB",
                         allowed=f"{least(family):g} GiB and more for this base",
                         next_command="close what else uses it, or --base tiny to try out")
    progress.say("\n".join(told(options, chosen, speed, free)))
    said = chosen._asdict() | {"plan": chosen.plan._asdict()}
    atomic.write(options.out / _FILE, (json.dumps(said, indent=1) + "\n").encode())
    return chosen


def memory(options: Options) -> float:
    """GiB to plan for. Raises UsageError without a GPU, unless a tiny base or --vram is asked for."""
    if options.vram is not None:
        return options.vram
    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0]) / 2**30
    if options.base in KINDS:
        return 0
    raise UsageError("there is no GPU here", allowed="--base tiny tries all of it out on a CPU in minutes; --vram GIB "
                     "plans for so much memory all the same, and a CPU may take weeks")


def tried(options: Options, chosen: Chosen, place: Path) -> Speed | None:
    """Trains a few steps on noise, in a folder that is thrown away, and draws a little; None where memory is too
    small."""
    try:
        with TemporaryDirectory(prefix="likeness-") as folder:
            return _trial(options, chosen, place, Path(folder))
    except torch.cuda.OutOfMemoryError:
        return None
    finally:
        gc.collect()
        torch.cuda.empty_cache()


def _trial(options: Options, chosen: Chosen, place: Path, folder: Path) -> Speed:
    base = open_base(chosen.base, place)
    asked = replace(training(options, chosen), out=folder, resume=False, steps=_WARM + _TIMED, sample_every=0)
    asked = asked.resolved(cast(Family, base.family))
    method = dreambooth.Dreambooth(base, asked, Identity(_TOKEN, options.class_name))
    text = compose({}, options.class_name, _TOKEN)
    view = Noise(chosen.plan.side, base.latent_shape(chosen.plan.side), text, options.regularization != "none")
    loop = Loop(method, view, asked, Run(method="dreambooth", options=asked, data={}, base=base.provenance()))
    loop.train(_WARM)
    begun = time.perf_counter()
    loop.train(_WARM + _TIMED)
    step = (time.perf_counter() - begun) / _TIMED
    drawn = time.perf_counter()
    with loop.accelerator.autocast():
        method.pipeline()(text, height=chosen.plan.side, width=chosen.plan.side, output_type="latent",
                          num_inference_steps=_TIMED)
    peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0
    return Speed(step, (time.perf_counter() - drawn) / _TIMED, peak)


class Noise:
    """A view of nothing: rows of the right shapes, of a subject and, where there is a set, a regularizer."""

    def __init__(self, side: int, latent: tuple[int, int, int], text: str, regularized: bool) -> None:
        self._side, self._latent, self._text = side, latent, text
        self._names = ["subject", "regularizer"] if regularized else ["subject"]

    def rows(self, at: At) -> list[Row]:
        """See `trainers.training.feeding.View`."""
        side = self._side
        return [Row(id=name, pixels=draws.noise((3, side, side), at, name).clamp(-1, 1), text=self._text,
                    noise=draws.noise(self._latent, at, name), latent_noise=draws.latent_noise(self._latent, at, name),
                    timestep=at.step, size=(side, side, 0, 0, side, side), prior=name == "regularizer")
                for name in self._names]


def told(options: Options, chosen: Chosen, speed: Speed, free: float) -> list[str]:
    """What a person should know before hours pass."""
    plan, steps = chosen.plan, options.steps or chosen.plan.steps
    card = f"a card of {plan.card} ({free:.1f} GiB free)" if plan.needs else "a CPU"
    lines = [f"plan for {card}: {chosen.base}, {plan.side} px, a LoRA of rank {plan.rank}, precision "
             f"{chosen.precision}" + (", gradient checkpointing" if plan.gradient_checkpointing else "")]
    if not options.regularization and chosen.base not in KINDS:
        lines.append(f"drawing:  {options.count:,} pictures of the class, {_DENOISING * speed.denoising:.1f} s each or "
                     f"less: {duration(options.count * _DENOISING * speed.denoising)}")
    lines.append(f"training: {steps:,} steps, {speed.step:.2f} s each: {duration(steps * speed.step)}"
                 + (f"; {speed.peak:.1f} GiB at most" if speed.peak else ""))
    return lines


def duration(seconds: float) -> str:
    """As people say it: 40 s, 27 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def farewell(options: Options) -> str:
    """Which file is for whom."""
    prompt = compose({}, options.class_name, _TOKEN)
    return "\n".join([
        f"{options.out / kohya.FILE}: for ComfyUI (models/loras) and A1111 (models/Lora); prompt: {prompt}",
        f"{options.out / lora.FILE}: for diffusers; {options.out / 'README.md'} tells how",
        f"look at first: {options.out / 'samples'}",
    ])


def _precision() -> str:
    if not torch.cuda.is_available():
        return "no"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def _subject(options: Options) -> Path:
    return options.out / "data" / "subject"


def _regularization(options: Options) -> Path:
    return options.out / "data" / "regularization"
