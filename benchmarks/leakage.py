"""How much of a reference's layout leaks into what RetriNet draws, under -a and -b, and how well colours are kept.

    python -m benchmarks.leakage [--base BASE] [--steps N] [--seeds N] [--characters N] [--out DIR]

Draws characters in one outfit each, to the waist and on white, so that one picture tells much of another, but in other
poses, places and sizes. Builds a dataset of them with some held out, trains RetriNet on a tiny base under both settings
for equal steps from equal seeds, and has each draw after held-out characters (test_unseen): for a target T after one
reference R, another picture of its character, neither cropped nor mirrored; `DRAWS` pictures O each, from equal noise.
No prompts are told, so that colours can come from the reference alone. What was built and trained already in --out is
not done again.

- **Leak** is the correlation of O with R minus that of O with T: of luminance (Rec. 601) by latent cells, over those
  where both R and T have picture and not white bars. It is 0 on average for a picture that owes nothing to R's own
  layout, as R and T are two pictures of one figure in one outfit, and 1 minus their correlation for a copy of R.
- **Colours**: how far each cell of T's clothes (matte without face) is in RGB, 0 .. 1 each, from the nearest cell of O,
  wherever that lies, on average; and the same for the clothes of the other held-out characters. `kept` is by how much
  the first is less than the second: 0 where O's colours say nothing of whose outfit it is.

R and T themselves are put in O's place, too, to tell what the numbers can be. All are means by character and seed, with
95 % of a bootstrap that draws seeds and characters anew.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from diffusers import DDIMScheduler
from PIL import Image

from builders.cli import main as build
from builders.sources import drawing
from schemas.draws import draw
from trainers.cli import main as train
from trainers.data import open_data
from trainers.metrics import leakage
from trainers.metrics.leakage import GREY, Layout
from trainers.retrinet.pipeline import RetriNetPipeline
from trainers.views import concepts, letterbox
from trainers.views.identities import COLUMNS, Identities

SIDE, CELL = 32, 4
"""Of pictures and of the tiny base's latent cells, pixels."""
DRAWS, DENOISING, GUIDANCE = 4, 4, 1.0
"""Pictures of a target, steps for each, and no guidance, as there is no prompt."""
SHOTS = 6
"""Pictures of a character."""
ROUNDS = 10_000
"""Of the bootstrap."""
Array = npt.NDArray[np.float64]
"""Pictures are H x W x 3, masks H x W, all 0 .. 1."""


class Sheet(NamedTuple):
    """A picture on its square."""

    picture: Array
    valid: Array
    """1 where it lies, 0 for the bars"""
    clothes: Array


class Pair(NamedTuple):
    """A target and its reference."""

    name: str
    character: str
    target: Sheet
    reference: Sheet

def cells(picture: Array) -> Array:
    """Means by latent cell, h x w and what more axes the picture has."""
    return leakage.cells(picture, CELL)


def layout(drawn: Array, pair: Pair) -> leakage.Leak:
    """Correlation of what was drawn with the reference, and with the target."""
    reference, target = (Layout(cells(sheet.picture @ GREY), sheet.valid[::CELL, ::CELL])
                         for sheet in (pair.reference, pair.target))
    light = cells(drawn @ GREY)
    return leakage.leakage(Layout(light, np.ones(light.shape)), reference, target)


def far(drawn: Array, sheet: Sheet) -> float:
    """How far the colours of a sheet's clothes are from what was drawn."""
    worn, there = (cells(picture).reshape(-1, 3) for picture in (sheet.picture, drawn))
    nearest = np.linalg.norm(worn[:, None] - there[None], axis=2).min(1)
    return float(np.average(nearest, weights=cells(sheet.clothes).ravel()))


def colours(drawn: Array, pair: Pair, pairs: Sequence[Pair]) -> tuple[float, float]:
    """How far the target's clothes are from what was drawn, and those of other characters, on average."""
    others = [far(drawn, one.target) for one in pairs if one.character != pair.character]
    return far(drawn, pair.target), float(np.mean(others))


def measured(drawn: Array, pair: Pair, pairs: Sequence[Pair]) -> Array:
    """The columns of the table."""
    reference, target = layout(drawn, pair)
    own, foreign = colours(drawn, pair, pairs)
    return np.array([reference, target, reference - target, own, foreign, foreign - own])


def interval(values: Array, characters: Sequence[str]) -> Array:
    """Mean, and the ends of 95 % of a bootstrap, 3 x columns, of values seeds x rows x columns: each character counts
    once, whatever its rows; seeds and characters are drawn anew."""
    names = sorted(set(characters))
    by_name = np.stack([values[:, [one == name for one in characters]].mean(1) for name in names], axis=1)
    chance = np.random.default_rng(0)
    shape = by_name.shape
    means = [by_name[chance.integers(shape[0], size=shape[0])][:, chance.integers(shape[1], size=shape[1])].mean((0, 1))
             for _ in range(ROUNDS)]
    return np.stack([by_name.mean((0, 1)), *np.percentile(means, [2.5, 97.5], axis=0)])


def figures(characters: int, folder: Path) -> None:
    """Draws characters in one outfit each, to the waist, on white, each time in another pose, place and size."""
    for number in range(characters):
        chance = np.random.default_rng(number)
        who, outfit, style = (drawing.random_character(chance), drawing.random_outfit(chance),
                              drawing.random_style(chance))
        (folder / f"{number}").mkdir(parents=True, exist_ok=True)
        for shot in range(SHOTS):
            scene = replace(drawing.random_scene(chance), framing="upper_body", background="white", size=(192, 192),
                            zoom=chance.uniform(0.6, 1.2), shift=(chance.uniform(-0.2, 0.2), chance.uniform(0, 0.2)))
            Image.fromarray(drawing.draw(who, outfit, style, scene).rgb).save(folder / f"{number}" / f"{shot}.png")


def dataset(characters: int, out: Path) -> Path:
    """Of drawn characters, some held out, built if it is not there."""
    folder = out / "data"
    if not (folder / "1.0.0").exists():
        figures(characters, out / "figures")
        assert not build(["retribooru", "--source", "folder", "--root", str(out / "figures"), "--models", "light",
                          "--test-unseen", "0.25", "--workers", "1", "--out", str(folder)])
    return folder


def trained(data: Path, base: str, setting: str, seed: int, steps: int, out: Path) -> Path:
    """RetriNet's OUT, trained if it is not there. Nothing is mirrored, so that layouts are what they are; no prompt
    is told, as that of a picture without tags would name its character."""
    folder = out / f"{base}-{steps}-{setting}-{seed}"
    if not (folder / "model_index.json").exists():
        assert not train(["retrinet", "--data", str(data), "--task", "reconstruct", "--setting", setting,
                          "--references", "1", "--no-flip", "--prompt-drop", "1", "--base", base, "--resolution",
                          str(SIDE), "--steps", str(steps), "--batch-size", "8", "--lr", "2e-3", "--schedule",
                          "cosine", "--seed", str(seed), "--sample-every", "0", "--checkpoint-every", str(steps),
                          "--threads", "1", "--out", str(folder)])
    return folder


def laid(rows: Identities, row: int) -> Sheet:
    """A row's picture, as the pipeline lays references."""
    picture, box = rows.picture(row), rows.box(row) or (0, 0, 0, 0)
    place = letterbox.lay(picture.size, CELL, SIDE)
    _, face = place.covered(concepts.in_pixels(box, picture.size))
    clothes = place.levels(rows.matte(row, picture.size)) * (1 - face)
    whole = (place.pixels(picture).permute(1, 2, 0) + 1) / 2
    return Sheet(*(values.double().numpy() for values in (whole, place.valid()[1][0], clothes[0])))


def pairs_of(data: Path) -> list[Pair]:
    """Held-out targets with their first references."""
    opened = open_data(str(data), "--data", "retribooru", COLUMNS, "test_unseen").rows
    rows, characters = Identities(opened), opened["character"]
    return [Pair(rows.name(row), characters[row], laid(rows, row), laid(rows, int(rows.references(row)[0])))
            for row in range(len(rows))]


def drawings(folder: Path, pairs: Sequence[Pair]) -> list[list[Array]]:
    """What a trained RetriNet draws of each pair, from the same noise as any other."""
    pipe = RetriNetPipeline.from_pretrained(folder)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config, timestep_spacing="trailing")
    pipe.set_progress_bar_config(disable=True)
    made = []
    for pair in pairs:
        chance = [torch.Generator().manual_seed(draw("leakage", pair.name, str(number))) for number in range(DRAWS)]
        reference = torch.from_numpy(pair.reference.picture).float().permute(2, 0, 1)[None] * 2 - 1
        made.append(list(pipe([""] * DRAWS, reference, ["figure"], num_inference_steps=DENOISING,
                              guidance_scale=GUIDANCE, generator=chance, output_type="np").images.astype(np.float64)))
    return made


def table(found: dict[str, Array], characters: Sequence[str]) -> list[str]:
    """Lines, of values seeds x rows x columns by who drew."""
    lines = ["| Drawn by | like R | like T | leak | colours, own | colours, others | kept |",
             "|---|---:|---:|---:|---:|---:|---:|"]
    for name, values in found.items():
        told = [f"{mean:.3f} ({low:.3f} .. {high:.3f})" for mean, low, high in interval(values, characters).T]
        lines.append(f"| {name} | {' | '.join(told)} |")
    return lines


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="tiny-v", choices=("tiny", "tiny-v"))
    parser.add_argument("--steps", type=int, default=1000, metavar="N")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--characters", type=int, default=96, metavar="N")
    parser.add_argument("--out", type=Path, default=Path("out/bench/leakage"), metavar="DIR")
    asked = parser.parse_args(words)
    torch.set_num_threads(1)
    data = dataset(asked.characters, asked.out)
    pairs = pairs_of(data)
    found: dict[str, list[Array]] = {"a": [], "b": []}
    for seed in range(asked.seeds):
        for setting, values in found.items():
            began = time.process_time()
            made = drawings(trained(data, asked.base, setting, seed, asked.steps, asked.out), pairs)
            values.append(np.array([np.mean([measured(one, pair, pairs) for one in several], axis=0)
                                    for several, pair in zip(made, pairs, strict=True)]))
            print(f"-{setting}, seed {seed}: leak {values[-1][:, 2].mean():.3f}, kept {values[-1][:, 5].mean():.3f}, "
                  f"{time.process_time() - began:.0f} s of CPU", flush=True)
    rows = {f"-{setting}": np.stack(values) for setting, values in found.items()}
    rows["-a minus -b"] = rows["-a"] - rows["-b"]
    for name in ("reference", "target"):
        rows[f"the {name} itself"] = np.array([[measured(getattr(pair, name).picture, pair, pairs) for pair in pairs]])
    characters = [pair.character for pair in pairs]
    print(f"\n{len(pairs)} targets of {len(set(characters))} held-out characters\n")
    print("\n".join(table(rows, characters)))


if __name__ == "__main__":
    main()
