"""Plans of flat pictures, written where drawn ones are, to score."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from trainers.evaluation.plans import REAL, Job, Plan, Sampler


def png(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def flat(*levels: int, side: int = 64) -> np.ndarray:
    return np.full((side, side, 3), levels, np.uint8)


def noise(seed: int, side: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def plan(jobs: Sequence[Job], pictures: Mapping[str, np.ndarray], metrics: Sequence[str]) -> Plan:
    return Plan("dreambench", "quick", tuple(jobs), {name: png(one) for name, one in pictures.items()}, tuple(metrics),
                Sampler())


def real(target: str, *like: str, subject: str = "toy", texts: Mapping[str, str] | None = None) -> Job:
    return Job(key=f"real/{subject}/{target}", run="run", subject=subject, group=REAL, target=target, like=like,
               texts=texts or {})


def drawn(out: Path, key: str, picture: np.ndarray, *like: str, **more: object) -> Job:
    """A job whose picture was drawn."""
    place = out / "pictures" / f"{key}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(png(picture))
    given = {"run": "run", "subject": "toy", "prompt": "a sks toy", **more}
    return Job(key=key, like=like, **given)  # type: ignore[arg-type]
