"""How fast pictures are scored: ours against one call for each picture and metric, in one run.

    python -m benchmarks.scoring [--pictures N] [--loop N] [--size half|full|tiny] [--out DIR]

Pictures of 64 px of 30 subjects with five references each, a CLIP and a DINO with random weights: `full` as large as
ViT-B/32 and ViT-S/16, `half` of about half their width and depth. The table has DINO, CLIP-I, CLIP-T, CLIP-T (object)
and SWD(CLIP-T, CLIP-I): four metrics share CLIP. The loop decodes a picture for each metric and shows it to the model
alone, as a script over torchmetrics or transformers does; its references are embedded once, before its time begins. It
scores fewer pictures, which do not know of each other, and its scores are compared with ours. One thread each.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import random_diffusion, random_eyes
from schemas.terminal.progress import Progress
from trainers.evaluation import plans
from trainers.evaluation.models_options import Models
from trainers.evaluation.plans import Job, Plan, Sampler
from trainers.evaluation.scoring import score

SUBJECTS, REFERENCES, SIDE = 30, 5, 64
SCENES = ("in the jungle", "in the snow", "on the beach", "on a cobblestone street", "on top of pink fabric")
METRICS = (plans.DINO, plans.CLIP_I, plans.CLIP_T, plans.CLIP_T_OBJECT, plans.swd(plans.CLIP_T, plans.CLIP_I))


def planted(count: int, out: Path) -> Plan:
    """Drawn pictures of noise, each subject's in turn, and what they are compared with."""
    chance = np.random.default_rng(0)
    pictures: dict[str, bytes] = {}
    for name in (f"{subject}/{at}" for subject in range(SUBJECTS) for at in range(REFERENCES)):
        place = out / "references" / f"{name}.png"
        _draw(chance, place)
        pictures[name] = place.read_bytes()
    jobs = []
    for at in range(count):
        subject, scene = at % SUBJECTS, SCENES[at // SUBJECTS % len(SCENES)]
        _draw(chance, out / "pictures" / f"{at:04}.png")
        jobs.append(Job(key=f"{at:04}", run="run", subject=f"{subject}", prompt=f"a sks toy {scene}",
                        texts={plans.CLIP_T: f"a toy {scene}", plans.CLIP_T_OBJECT: f"a toy {subject} {scene}"},
                        like=tuple(f"{subject}/{number}" for number in range(REFERENCES))))
    return Plan("dreambench", "paper", tuple(jobs), pictures, METRICS, Sampler())


def _draw(chance: np.random.Generator, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(chance.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)).save(place)


class Loop:
    """What a person writes: a function for each metric, which opens the picture and asks the model."""

    def __init__(self, models: Models, out: Path) -> None:
        import torch
        from transformers import AutoImageProcessor, AutoModel, CLIPModel, CLIPProcessor

        self._torch, self._out = torch, out
        self._clip: Any = CLIPModel.from_pretrained(models.clip).eval()
        self._processor: Any = CLIPProcessor.from_pretrained(models.clip)
        self._dino: Any = AutoModel.from_pretrained(models.dino, add_pooling_layer=False).eval()
        self._dino_processor: Any = AutoImageProcessor.from_pretrained(models.dino)
        self._known: dict[tuple[str, str], Any] = {}

    def __call__(self, job: Job) -> list[float]:
        """The row of the table."""
        place = self._out / "pictures" / f"{job.key}.png"
        return [self.alike(job, place, "dino"), self.alike(job, place, "clip"),
                self.fits(place, job.texts[plans.CLIP_T])[0], self.fits(place, job.texts[plans.CLIP_T_OBJECT])[0],
                self.swd(job, place)]

    def alike(self, job: Job, place: Path, kind: str) -> float:
        return float((self._known[job.subject, kind] @ self._embedded(place, kind)).mean())

    def fits(self, place: Path, text: str) -> tuple[float, Any]:
        with Image.open(place) as picture, self._torch.inference_mode():
            given = self._processor(images=picture, text=text, return_tensors="pt", padding="max_length")
            made = self._clip(**given)
        return float(made.image_embeds[0] @ made.text_embeds[0]), made.image_embeds[0]

    def swd(self, job: Job, place: Path) -> float:
        fits, picture = self.fits(place, job.texts[plans.CLIP_T])
        return fits * float((self._known[job.subject, "clip"] @ picture).mean())

    def know(self, job: Job) -> None:
        """Embeds the references."""
        for kind in ("clip", "dino"):
            if (job.subject, kind) not in self._known:
                places = [self._out / "references" / f"{name}.png" for name in job.like]
                self._known[job.subject, kind] = self._torch.stack([self._embedded(place, kind) for place in places])

    def _embedded(self, place: Path, kind: str) -> Any:
        with Image.open(place) as picture, self._torch.inference_mode():
            if kind == "clip":
                made = self._clip.get_image_features(
                    **self._processor(images=picture, return_tensors="pt")).pooler_output[0]
            else:
                made = self._dino(**self._dino_processor(picture, return_tensors="pt")).last_hidden_state[0, 0]
        return made / made.norm()


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gives, its seconds and its CPU seconds."""
    began = time.perf_counter(), time.process_time()
    made = work()
    return made, time.perf_counter() - began[0], time.process_time() - began[1]


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=3000, metavar="N")
    parser.add_argument("--loop", type=int, default=150, metavar="N", help="pictures that the loop scores")
    parser.add_argument("--size", choices=("half", "full", "tiny"), default="half")
    parser.add_argument("--out", type=Path, default=Path("out/bench/scoring"), metavar="DIR")
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    torch.set_num_threads(1)
    clip, dino = asked.out / "clip", asked.out / "dino"
    if asked.size == "tiny":
        random_diffusion.save_clip(clip)
    else:
        random_eyes.save_clip(clip, asked.size == "half")
    random_eyes.save_dino(dino, {"tiny": random_eyes.TINY, "half": random_eyes.HALF,
                                 "full": random_eyes.SMALL}[asked.size])
    models, plan = Models(clip=str(clip), dino=str(dino)), planted(asked.pictures, asked.out)
    found, *ours = timed(lambda: score(plan, asked.out, models, Progress()))
    few = plan.jobs[:asked.loop]
    loop = Loop(models, asked.out)
    for job in few:
        loop.know(job)
    rows, *theirs = timed(lambda: [loop(job) for job in few])
    apart = np.abs(np.array(rows) - np.stack([found.columns[name] for name in METRICS], axis=1)[:len(few)]).max()
    rates = [(len(few) / theirs[0], len(few) / theirs[1]), (len(plan.jobs) / ours[0], len(plan.jobs) / ours[1])]
    print(f"{asked.size}, {len(plan.jobs):,} pictures; scores differ by {apart:.1e} at most\n")
    print("| Way | pictures | pictures/s | pictures/CPU s | times the loop's CPU |\n|---|---:|---:|---:|---:|")
    for name, count, (wall, cpu) in zip(("loop", "likeness"), (len(few), len(plan.jobs)), rates, strict=True):
        print(f"| {name} | {count:,} | {wall:.1f} | {cpu:.1f} | {cpu / rates[0][1]:.1f} |")


if __name__ == "__main__":
    main()
