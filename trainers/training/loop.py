"""The only training loop.

All chance is a function of the seed, the step, the slot and the row, and the learning rate one of the step. So a
checkpoint needs no state of samplers, generators or schedulers: a run that goes on from one takes the very steps of
one that was never stopped, and two processes take those of one with twice the batch.
"""

from __future__ import annotations

import math
import shutil
import warnings
from collections.abc import Container, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import gather_object
from diffusers.training_utils import EMAModel
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from schemas import atomic
from schemas.draws import draw
from schemas.errors import BuildError, UsageError
from schemas.terminal.progress import Bar, Progress
from trainers.options import Training
from trainers.training import card, checkpoints, optimizers
from trainers.training.checkpoints import Checkpoint
from trainers.training.feeding import Batch, Share, View, batches
from trainers.training.journal import Journal
from trainers.training.method import Method
from trainers.training.record import Run

_DTYPES = {"no": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def train(method: Method, view: View, options: Training, run: Run, told: str = "") -> int:
    """A whole run: all steps, then the weights. Goes on from a checkpoint with --resume. `told` is said first. Returns
    the exit code."""
    loop = Loop(method, view, options, run)
    if not loop.finished:
        if told:
            loop.say(told)
        loop.train(options.steps)
        loop.finish()
    return 0


class Loop:
    """A run under way. `step` counts the optimizer steps done. `extra` is JSON that checkpoints keep for the method.
    After the steps in `publish_at` the weights are published, too, as OUT/steps/STEP.

    Where OUT holds the finished run already, `finished` is true and nothing is left to do.
    """

    def __init__(self, method: Method, view: View, options: Training, run: Run) -> None:
        self.accelerator = _accelerator(options.precision)
        run.facts, run.processes = method.facts(), self.accelerator.num_processes
        run.check()
        self.method, self.view, self.options, self.run = method, view, options, run
        self.progress, self.publish_at = Progress(options.log), cast(Container[int], ())
        self.step, self.extra, self.finished = 0, cast(dict[str, Any], {}), run.finished
        self._saved: object = None
        self._given: dict[str, Tensor] = {}
        if self.finished:
            self.say(f"this run is finished: {options.out} has its weights")
            return
        self.accelerator.wait_for_everyone()  # so that all have looked before one of them writes
        if self._main:
            run.write()
        if options.gradient_checkpointing:
            method.spare_activations()
        _cast(method, _DTYPES[options.precision])
        self.model = self.accelerator.prepare_model(method)
        self.trained = method.trained()
        self.ema = EMAModel(self.trained.values(), decay=options.ema) if options.ema else None
        self.begin(options.lr)
        self._restore()
        self._journal = Journal(options.out, self.step) if self._main else None

    def begin(self, lr: float) -> None:
        """Begins anew with the optimizer and the schedule of the learning rate; weights and step stay."""
        self.lr, self._begun = lr, self.step
        groups = self.method.groups(lr)
        self._rates = [group["lr"] for group in groups]
        self.optimizer = optimizers.open_optimizer(self.options.optimizer, groups, self.options.weight_decay)

    def train(self, until: int) -> None:
        """Takes steps until `until` of them are done; a checkpoint and samples whenever they are due."""
        options, todo = self.options, range(self.step, until)
        fed = batches(self.view, options.seed, todo, self._share(), options.threads)
        with closing(fed), self._journal or nullcontext(), self._bar(len(todo)) as bar:
            for step, micro in zip(todo, fed, strict=True):
                said = self._take(step, micro)
                self.step = step + 1
                if self._journal:
                    self._journal.write(self.step, said)
                if bar:
                    bar.advance(1, note=f"loss {said['loss']:.4f}")
                if self.step in self.publish_at:  # before the checkpoint, so that a killed run does it again
                    self.publish(f"steps/{self.step}")
                if self.step % options.checkpoint_every == 0:
                    self.checkpoint()
                if options.sample_every and self.step % options.sample_every == 0:
                    self.sample()

    def checkpoint(self) -> None:
        """Writes a checkpoint, unless one of this very state is there."""
        now = (self.step, self._begun, self.lr, repr(self.extra))
        if now == self._saved:
            return
        if self._main:
            tensors, numbers = optimizers.packed(self.optimizer, self.trained)
            scaler = self.accelerator.scaler
            state = {"step": self.step, "lr": self.lr, "begun": self._begun, "optimizer": numbers, "extra": self.extra,
                     "scaler": scaler.state_dict() if scaler else {}}
            ema = dict(zip(self.trained, self.ema.shadow_params, strict=True)) if self.ema else {}
            checkpoints.save(self.options.out / "checkpoints", self.step,
                             Checkpoint(self.method.weights(), tensors, ema, state), self.options.keep)
        self._saved = now
        self.accelerator.wait_for_everyone()

    def sample(self) -> None:
        """Writes a grid of samples of the method as it stands; with --ema of its averaged weights."""
        prompts = self.prompts
        if self._journal and prompts:
            with self._averaged():
                picture = self.method.grid(prompts, self.options, self.accelerator.autocast())
            with atomic.replacing(self.options.out / "samples" / f"step-{self.step:08d}.png") as path:
                picture.save(path, format="PNG")
            self._journal.show(self.step, picture)
        self.accelerator.wait_for_everyone()

    @property
    def prompts(self) -> list[str]:
        """The prompts of the samples, by row."""
        return self.options.prompts() or list(self.run.facts.get("prompts", []))

    def publish(self, name: str) -> None:
        """Writes the weights as users load them into OUT/`name`, whole or not at all; not when it is there."""
        folder = self.options.out / name
        if self._main and not folder.exists():
            with atomic.whole(folder) as temporary, self._averaged():
                self.method.publish(temporary)
        self.accelerator.wait_for_everyone()

    def finish(self) -> None:
        """Writes the last checkpoint, a grid of samples, and the weights and their card into OUT."""
        self.checkpoint()
        if self.options.sample_every and self.step % self.options.sample_every:
            self.sample()
        out = self.options.out
        name = f"{atomic.TEMPORARY}published"
        self.publish(name)
        if self._main:
            self.run.facts = self.method.facts()
            card.write(out / name, self.run, self.step, self.prompts)
            # What loaders look for comes last.
            for path in sorted((out / name).iterdir(), key=lambda one: (one.suffix == ".safetensors",
                                                                        one.name == "model_index.json", one.name)):
                _move(path, out / path.name)
            (out / name).rmdir()
            self.run.write(finished=True)
        self.accelerator.wait_for_everyone()
        self.finished = True
        self.say(f"{out}: {self.step:,} steps; README.md tells how to load it")

    @property
    def _main(self) -> bool:
        return bool(self.accelerator.is_main_process)

    def say(self, text: str) -> None:
        """One line for a person, of the first process alone."""
        if self._main:
            self.progress.say(text)

    def _bar(self, steps: int) -> AbstractContextManager[Bar | None]:
        return self.progress.bar("train", steps, "step") if self._main else nullcontext()

    def _share(self) -> Share:
        """What of each step is for this process."""
        return Share(self.options.batch_size, self.options.accumulation, self.accelerator.num_processes,
                     self.accelerator.process_index)

    def _take(self, step: int, micro: list[Batch]) -> dict[str, float]:
        """One optimizer step. Returns what the log says of it."""
        # Nothing here draws from the global generator; a dropout layer of a base would.
        torch.manual_seed(draw("step", str(self.options.seed), str(step), str(self.accelerator.process_index)))
        rate = optimizers.factor(self.options.schedule, step - self._begun, self.options.steps - self._begun,
                                 self.options.warmup)
        for group, lr in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = lr * rate
        parts: list[Tensor] = []
        for number, batch in enumerate(micro):
            with nullcontext() if number == len(micro) - 1 else self.accelerator.no_sync(self.model):
                # Kept until the next one is there: were a step's whole graph freed at once, a CPU's memory would go
                # back to the system and come again page by page (a tenth of a step).
                given = self._given = self.model(_on(batch, self.accelerator.device))
                self.accelerator.backward(given["loss"] / len(micro))
            parts.append(torch.stack([value.detach().float() for value in given.values()]))
        scaler = self.accelerator.scaler  # of float16
        if scaler:
            scaler.unscale_(self.optimizer)
        norm = clip_grad_norm_(self.trained.values(), self.options.max_grad_norm or math.inf)
        mean = self.accelerator.reduce(torch.stack(parts).mean(0), "mean")
        *values, length = torch.cat([mean, norm.detach().float().reshape(1)]).tolist()
        said = dict(zip(given, values, strict=True))
        # A scaler skips the step where gradients are too long for float16, and makes them shorter: no fault.
        if not math.isfinite(said["loss"]) or not (math.isfinite(length) or scaler):
            raise self._lost(step, micro, parts, said["loss"])
        if scaler:
            scaler.step(self.optimizer)
            scaler.update()
        else:
            self.optimizer.step()
        self.optimizer.zero_grad()
        if self.ema:
            self.ema.step(self.trained.values())
        return {**said, **({"grad_norm": length} if math.isfinite(length) else {}), "lr": self._rates[0] * rate}

    def _lost(self, step: int, micro: list[Batch], parts: list[Tensor], loss: float) -> BuildError:
        """The error that says where the loss, or its gradient, was no number any more."""
        broken = [batch for batch, part in zip(micro, parts, strict=True) if not part.isfinite().all()]
        rows = sorted(set(gather_object([name for batch in broken or micro for name in batch["ids"]])))
        what = f"the loss is {loss}" if not math.isfinite(loss) else "the gradient is no number"
        there = checkpoints.found(self.options.out / "checkpoints")
        kept = f"{there[-1]} is the newest good one" if there else "there is no checkpoint yet"
        return BuildError(f"{what} in step {step + 1}; rows of its batch: {', '.join(rows)}; {kept}; a lower --lr, "
                          "--max-grad-norm or --precision bf16 may help")

    def _restore(self) -> None:
        """Goes on from the newest checkpoint, if there is one."""
        there = checkpoints.found(self.options.out / "checkpoints")
        if not there:
            return
        weights, tensors, ema, state = checkpoints.load(there[-1])
        self.method.load(weights)
        self.step = state["begun"]
        self.begin(state["lr"])
        self.step, self.extra = state["step"], state["extra"]
        optimizers.unpack(self.optimizer, self.trained, tensors, state["optimizer"])
        if self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        if self.ema:
            self.ema.shadow_params = [ema[name].to(one.device) for name, one in self.trained.items()]
            self.ema.optimization_step = self.step
        self._saved = (self.step, self._begun, self.lr, repr(self.extra))
        self.say(f"going on after step {self.step:,}")

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Within the block the method has the averaged weights, where it keeps some."""
        if self.ema is None:
            yield
            return
        self.ema.store(self.trained.values())
        self.ema.copy_to(self.trained.values())
        try:
            yield
        finally:
            self.ema.restore(self.trained.values())


def _accelerator(precision: str) -> Accelerator:
    """Where and in which precision to train, as `accelerate launch` says. Raises UsageError for fp16 on a CPU."""
    # torch 2.13 has another name for it, which those before do not know.
    warnings.filterwarnings("ignore", "`broadcast_buffers`", FutureWarning)
    made = Accelerator(cpu=not torch.cuda.is_available(), mixed_precision=precision,
                       kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)])
    if precision == "fp16" and made.device.type == "cpu":
        raise UsageError("--precision is not for a CPU", seen=precision, allowed="no or bf16")
    return made


def _cast(method: Method, dtype: torch.dtype) -> None:
    """Keeps what is frozen in `dtype`, except what the method wants exact."""
    exact = {id(one) for part in method.exact() for one in part.parameters()}
    for one in method.parameters():
        if not one.requires_grad and id(one) not in exact:
            one.data = one.data.to(dtype)


def _on(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on the device."""
    moved = {name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
             for name, value in batch.items()}
    return cast(Batch, moved)


def _move(source: Path, target: Path) -> None:
    """Renames, in place of what a killed run left there."""
    if target.is_dir():
        shutil.rmtree(target)
    source.rename(target)
