"""AdamW, its state as plain tensors, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from schemas.errors import UsageError


def open_optimizer(name: str, groups: list[dict[str, Any]], weight_decay: float) -> torch.optim.Optimizer:
    """AdamW (betas 0.9 and 0.999, epsilon 1e-8), or that of bitsandbytes with its state in 8 bits."""
    if name == "adamw":
        # In one kernel: else a GPU holds another copy of all that trains at each step.
        return torch.optim.AdamW(groups, weight_decay=weight_decay, fused=True)
    try:
        bits = import_module("bitsandbytes")
    except ImportError:
        raise UsageError("--optimizer adamw8bit needs bitsandbytes", allowed="adamw without it",
                         next_command="pip install 'likeness[bits]'") from None
    made: torch.optim.Optimizer = bits.optim.AdamW8bit(groups, weight_decay=weight_decay)
    return made


def factor(schedule: str, step: int, steps: int, warmup: int) -> float:
    """What the learning rate is multiplied by in step 0 .. `steps` - 1; the schedules of diffusers and transformers."""
    if schedule == "constant":
        return 1.0
    if step < warmup:
        return step / warmup
    if schedule == "constant_with_warmup":
        return 1.0
    gone = min((step - warmup) / max(steps - warmup, 1), 1.0)
    return 1.0 - gone if schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * gone))


def packed(optimizer: torch.optim.Optimizer, trained: dict[str, nn.Parameter]) -> tuple[dict[str, Tensor],
                                                                                        dict[str, Any]]:
    """The state of an optimizer: tensors and plain numbers, both by NAME/KEY."""
    tensors, numbers = {}, {}
    for name, one in trained.items():
        for key, value in optimizer.state.get(one, {}).items():
            if isinstance(value, Tensor):
                tensors[f"{name}/{key}"] = value
            else:
                numbers[f"{name}/{key}"] = value
    return tensors, numbers


def unpack(optimizer: torch.optim.Optimizer, trained: dict[str, nn.Parameter], tensors: dict[str, Tensor],
           numbers: dict[str, Any]) -> None:
    """Gives an optimizer the state that `packed` took."""
    for where, value in {**tensors, **numbers}.items():
        name, _, key = where.rpartition("/")
        one = trained[name]
        optimizer.state[one][key] = value.to(one.device) if isinstance(value, Tensor) else value
