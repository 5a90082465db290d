"""Any text-to-image pipeline of diffusers as a generator, from the Hub or a folder.

The paper draws its regularization pictures with SDXL, for both base models. It tells neither sampler nor steps of that
step; ours are the pipeline's own sampler, its own guidance, and 50 steps.

A picture depends on nothing but its prompt and seed: its noise comes from a generator of its own on the CPU, and a
batch always has the same size, because torch gives other bits at other sizes; the last one is filled up.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from annotators import hub, pretrained
from annotators.base import Picture, identity
from annotators.weights import files_digest
from builders.generators import Request
from schemas.errors import BuildError, UsageError

PAPER = "stabilityai/stable-diffusion-xl-base-1.0"
_VERSION = 1
_HALF = ".fp16."
"""In the names of the smaller weights, where there are two precisions."""
_KEPT = 64  # prompts whose encodings a worker keeps: a class-only set has one; of SDXL each takes half a megabyte


@dataclass(frozen=True)
class Sampling:
    """How pictures are drawn; 0 and None mean the model's own."""

    size: int = 0
    """Side in pixels, a multiple of 8."""
    steps: int = 50
    guidance: float | None = None
    batch: int = 4


class Diffusion:
    """Generator `diffusion`: `weights` is "paper", `OWNER/NAME[@REVISION]` on the Hub or a folder as `save_pretrained`
    writes it.

    On a GPU it computes in float16, else in float32 with one thread. A picture that the pipeline's own safety filter
    blanked is None. Raises UsageError when torch and diffusers are not installed or there is no such pipeline.
    """

    name = "diffusion"

    def __init__(self, weights: str = "paper", asked: Sampling = Sampling()) -> None:
        self._device = device = pretrained.device("a diffusion model", "--generator",
                                                  "the same command with --generator light", "diffusers")
        found = _find(PAPER if weights == "paper" else weights, device)
        self._folder = found.folder
        kind = _class_of(self._folder)
        usual = inspect.signature(kind.__call__).parameters["guidance_scale"].default
        self.size = asked.size or _native_size(self._folder)
        self.steps = asked.steps
        self.guidance = float(usual if asked.guidance is None else asked.guidance)
        self.batch = asked.batch
        self.label = found.weights
        sha256 = files_digest(self._folder, _files(self._folder, device))
        dtype = "float16" if device == "cuda" else "float32"
        options = {"size": self.size, "steps": self.steps, "guidance": self.guidance, "batch": self.batch,
                   "device": device, "dtype": dtype, "threads": 1}
        self.identity = identity(self.name, _VERSION, options, sha256)
        self.provenance = found.provenance(
            f"{kind.__name__}, diffusers, {dtype} on {device}, {self.steps} steps, guidance {self.guidance:g}, "
            f"{self.size} px, batches of {self.batch}", sha256)

    def __call__(self, requests: Sequence[Request]) -> list[Picture | None]:
        """One picture a request, size x size, in the same order."""
        made: list[Picture | None] = []
        for start in range(0, len(requests), self.batch):
            some = [*requests[start:start + self.batch]]
            drawn = self._draw([*some, *[some[-1]] * (self.batch - len(some))])
            made += drawn[:len(some)]
        return made

    def _draw(self, requests: Sequence[Request]) -> list[Picture | None]:
        pipeline = _pipeline(str(self._folder), self._device, self.guidance)
        return pipeline.draw([one.text for one in requests], [one.seed for one in requests], self.size, self.steps)


class _Pipeline:
    """A pipeline, opened once a process, with what its text encoders said of prompts."""

    def __init__(self, folder: str, device: str, guidance: float) -> None:
        import torch
        from diffusers import DiffusionPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline
        from diffusers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        pretrained.settle(device, "--generator")
        try:
            pipeline: Any = DiffusionPipeline.from_pretrained(
                folder, dtype=torch.float16 if device == "cuda" else torch.float32, use_safetensors=True,
                variant="fp16" if any(_HALF in path.name for path in _files(Path(folder), device)) else None)
        except Exception as error:
            raise pretrained.unreadable("pipeline", folder, error) from None
        pipeline.set_progress_bar_config(disable=True)
        self._torch, self._pipeline, self._guidance = torch, pipeline.to(device), guidance
        self._encodes = isinstance(pipeline, StableDiffusionPipeline | StableDiffusionXLPipeline)
        self._said: dict[str, dict[str, Any]] = {}
        self._against: dict[str, Any] = {}  # the empty prompt, which all are guided away from

    def draw(self, texts: Sequence[str], seeds: Sequence[int], size: int, steps: int) -> list[Picture | None]:
        """Pictures of a whole batch."""
        torch = self._torch
        noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        with torch.inference_mode():
            try:
                made = self._pipeline(**self._words(texts), generator=noise, height=size, width=size,
                                      num_inference_steps=steps, guidance_scale=self._guidance, output_type="np")
            except torch.cuda.OutOfMemoryError:
                raise BuildError(f"the GPU's memory is too small for {len(texts)} pictures of {size} px at a time: "
                                 "run the same command with a smaller --batch or --size") from None
        pixels = np.clip(made.images * 255 + 0.5, 0, 255).astype(np.uint8)
        blanked = getattr(made, "nsfw_content_detected", None) or [False] * len(texts)
        return [None if blank else picture for picture, blank in zip(pixels, blanked, strict=True)]

    def _words(self, texts: Sequence[str]) -> dict[str, Any]:
        """The prompts as arguments of the pipeline, encoded if it is one whose encodings can be kept."""
        if not self._encodes:
            return {"prompt": list(texts)}
        new = [text for text in dict.fromkeys(texts) if text not in self._said]
        if new:
            if len(self._said) >= _KEPT:
                self._said.clear()
                new = list(dict.fromkeys(texts))
            self._encode(new, len(texts))
        rows = [self._said[text] for text in texts]
        words = {name: self._torch.cat([row[name] for row in rows]) for name in rows[0]}
        return words | {name: row.repeat(len(texts), *[1] * (row.dim() - 1)) for name, row in self._against.items()}

    def _encode(self, new: Sequence[str], batch: int) -> None:
        full = [*new, *[new[-1]] * (batch - len(new))]
        names = ["prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds"]
        found = self._pipeline.encode_prompt(full, device=self._pipeline.device, num_images_per_prompt=1,
                                             do_classifier_free_guidance=self._guidance > 1 and not self._against)
        there = {name: rows for name, rows in zip(names, found, strict=False) if rows is not None}
        for name in [name for name in there if name.startswith("negative")]:
            self._against[name] = there.pop(name)[:1]
        for at, text in enumerate(new):
            self._said[text] = {name: rows[at:at + 1] for name, rows in there.items()}


@lru_cache(maxsize=1)
def _pipeline(folder: str, device: str, guidance: float) -> _Pipeline:
    return _Pipeline(folder, device, guidance)


def _find(wanted: str, device: str) -> pretrained.Found:
    """A folder, or what the pipeline needs of a repository; of weights in two precisions the smaller for a GPU."""
    from diffusers import DiffusionPipeline

    if (Path(wanted) / "model_index.json").is_file():
        return pretrained.Found(Path(wanted), Path(wanted).name, "", "unknown: a folder of yours")
    there = hub.parse(f"{wanted}:model_index.json")
    if there is None:
        raise UsageError("no folder with a pipeline, and no name of one", seen=wanted,
                         allowed="light, paper, a folder that holds model_index.json, or OWNER/NAME[@REVISION] of the "
                                 "Hub")
    hub.fetch(there)  # says in one line what is wrong with the name or the network
    with hub.told(wanted, there):
        folder = Path(DiffusionPipeline.download(there.repo, revision=there.revision, use_safetensors=True,
                                                 variant="fp16" if device == "cuda" else None))
    return pretrained.Found(folder, there.repo, folder.name, hub.licence(there, folder.name))


def _files(folder: Path, device: str) -> list[Path]:
    """What of the folder the pipeline is made of. Beside it there may be what others fetched of the same repository."""
    parts = [folder / name for name in _config(folder / "model_index.json") if (folder / name).is_dir()]
    found = [folder / "model_index.json"]
    for part in parts:
        weights = sorted(part.glob("*.safetensors"))
        half = [path for path in weights if _HALF in path.name]
        full = [path for path in weights if path not in half]
        found += (half or full) if device == "cuda" else (full or half)
        found += [path for kind in ("json", "txt", "model") for path in part.glob(f"*.{kind}")]
    return found


def _class_of(folder: Path) -> Any:
    """The pipeline's class, which must make pictures of a prompt."""
    import diffusers

    name = _config(folder / "model_index.json").get("_class_name", "")
    kind = getattr(diffusers, str(name), None)
    known = {} if kind is None else inspect.signature(kind.__call__).parameters
    if not {"prompt", "height", "width", "generator", "guidance_scale", "num_inference_steps"} <= known.keys():
        raise UsageError("not a text-to-image pipeline of diffusers", seen=str(name) or folder.name,
                         allowed="StableDiffusionPipeline, StableDiffusionXLPipeline and their like")
    return kind


def _native_size(folder: Path) -> int:
    """Side of the pictures that the model was trained on, pixels."""
    side = next((found for part in ("unet", "transformer", "prior")
                 if (found := _config(folder / part / "config.json").get("sample_size"))), None)
    levels = _config(folder / "vae" / "config.json").get("block_out_channels", [])
    if not isinstance(side, int) or not levels:
        raise UsageError("the pipeline does not tell its own size", seen=folder.name, allowed="--size PX",
                         next_command="the same command with --size 1024")
    return int(side * 2 ** (len(levels) - 1))


def _config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
