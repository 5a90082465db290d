"""Every method's run draws as the code on its card does."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file

from schemas.errors import BuildError, UsageError
from tests.trainers import made
from tests.trainers.evaluation import trained
from trainers.evaluation.drawers import Drawer
from trainers.evaluation.openings import open_drawer
from trainers.evaluation.plans import Job, Sampler, Shown
from trainers.evaluation.runs import Run, open_runs

pytestmark = pytest.mark.xdist_group("evaluation-openings")
SAMPLER = Sampler(steps=3, guidance=2.0, batch=2)
REFERENCES = {"red": made.encoded(made.painted((200, 30, 30))), "blue": made.encoded(made.painted((30, 30, 200)))}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    home = tmp_path_factory.mktemp("runs")
    made.subject(home / "pack")
    made.figures(home / "figures")
    return home


@pytest.fixture(scope="module")
def drawer_of(place: Path) -> Callable[..., tuple[Run, Drawer]]:
    """Trains and opens a run of a method."""
    def opened(method: str, *more: str) -> tuple[Run, Drawer]:
        data = "pack" if method in ("dreambooth", "inversion", "custom") else "figures"
        base = [] if "--base" in more else ["--base", "tiny"]
        out = place / "-".join([method, *(word.strip("-") for word in more)])
        trained.run(method, out, "--data", str(place / data), *base, *more)
        [run] = open_runs([str(out)])
        return run, open_drawer(run, place / "none")
    return opened


def jobs(prompt: str, *shown: str, **more: Any) -> list[Job]:
    told = tuple(Shown(*one.split()) for one in shown)
    return [Job(key=f"{seed}", run="", subject="", prompt=prompt, seed=seed, shown=told, **more) for seed in (7, 8)]


def same(pictures: list[Image.Image], others: Any) -> None:
    """To a level of 255: the cards' pipelines decode a batch at once."""
    assert pictures[0].size == (32, 32)
    assert np.ptp(trained.levels(pictures)) > 20, "a picture without anything in it says nothing"
    assert np.abs(trained.levels(pictures) - others * 255).max() <= 1


def told(pipe: Any, prompt: str, *more: Any, **also: Any) -> np.ndarray:
    made: np.ndarray = pipe([prompt] * 2, *more, num_inference_steps=3, guidance_scale=2.0,
                            latents=trained.noise([7, 8]), output_type="np", **also).images
    return made


@pytest.mark.parametrize(("method", "more", "prompt"), [
    ("dreambooth", ("--regularization", "none"), "a olis backpack on a rock"),
    ("dreambooth", ("--regularization", "none", "--lora", "2", "--lr", "0.1"), "a olis backpack"),
    ("dreambooth", ("--regularization", "none", "--base", "tiny-sdxl", "--lr", "0.1"), "a olis backpack"),
    ("inversion", ("--vectors", "2", "--lr", "1"), "a photo of <it>"),
    ("inversion", ("--base", "tiny-sdxl", "--vectors", "2", "--lr", "1"), "a photo of <it> on a rug"),
    ("custom", ("--lr", "0.1"), "photo of a <new1> backpack"),
])
def test_methods_with_a_token(drawer_of: Callable[..., tuple[Run, Drawer]], method: str, more: tuple[str, ...],
                              prompt: str) -> None:
    run, drawer = drawer_of(method, *more)
    pipe = trained.card(run.folder)["pipe"]
    same(drawer.draw(jobs(prompt), {}, SAMPLER), told(pipe, prompt, height=32, width=32))
    with pytest.raises(UsageError, match=f"{method} is shown none"):
        drawer.draw(jobs(prompt, "red"), REFERENCES, SAMPLER)


def padded(name: str) -> Image.Image:
    picture = {"red": made.painted((200, 30, 30)), "blue": made.painted((30, 30, 200))}[name]
    return ImageOps.pad(picture, (32, 32), color="white")


REFERRING = ("ip-adapter", "controlnet", "fastcomposer")


@pytest.mark.parametrize("method", REFERRING)
def test_methods_with_a_reference_and_its_strength(drawer_of: Callable[..., tuple[Run, Drawer]], method: str) -> None:
    run, drawer = drawer_of(method, "--lr", "0.01")
    if method == "controlnet":  # whose convolutions are next to nought after two steps
        path = run.folder / "diffusion_pytorch_model.safetensors"
        chance = torch.Generator().manual_seed(0)
        save_file({name: values + 0.1 * torch.randn(values.shape, generator=chance)
                   for name, values in load_file(path).items()}, path)
        drawer = open_drawer(run, run.folder)
    pipe, size = trained.card(run.folder)["pipe"], {"height": 32, "width": 32}
    seen = {name: ImageOps.pad(Image.open(io.BytesIO(data)), (32, 32), color="white")
            for name, data in REFERENCES.items()}
    for scale, name in ((None, "red"), (1 / 3, "blue")):
        drawn = drawer.draw(jobs("1girl, long hair", name, scale=scale), REFERENCES, SAMPLER)
        if method == "ip-adapter":
            pipe.set_ip_adapter_scale(1.0 if scale is None else scale)
            same(drawn, told(pipe, "1girl, long hair", ip_adapter_image=seen[name], **size))
        elif method == "controlnet":
            more = {} if scale is None else {"controlnet_conditioning_scale": scale}
            same(drawn, told(pipe, "1girl, long hair", image=seen[name], **size, **more))
        else:
            more = {} if scale is None else {"start_merge_step": 2}  # a third of three steps: the last one
            whole = Image.open(io.BytesIO(REFERENCES[name]))
            same(drawn, told(pipe, "a girl<|image|>, long hair", whole, **size, **more))
    assert not np.array_equal(trained.levels(drawer.draw(jobs("1girl", "red"), REFERENCES, SAMPLER)),
                              trained.levels(drawer.draw(jobs("1girl", "blue"), REFERENCES, SAMPLER)))
    for shown in ((), ("red", "blue")):
        with pytest.raises(UsageError, match=f"{method} is shown one of the references"):
            drawer.draw(jobs("1girl", *shown), REFERENCES, SAMPLER)


def test_retrinet_is_shown_several(drawer_of: Callable[..., tuple[Run, Drawer]]) -> None:
    run, drawer = drawer_of("retrinet", "--lr", "0.01")
    pipe = trained.card(run.folder)["pipe"]
    pictures = [Image.open(io.BytesIO(REFERENCES[name])) for name in ("red", "blue")]
    drawn = drawer.draw(jobs("1girl", "red face", "blue clothes"), REFERENCES, SAMPLER)
    same(drawn, told(pipe, "1girl", pictures, ["face", "clothes"]))
    with pytest.raises(UsageError, match="retrinet is shown one or more of the references"):
        drawer.draw(jobs("1girl"), REFERENCES, SAMPLER)
    with pytest.raises(UsageError, match="retrinet has no strength"):
        drawer.draw(jobs("1girl", "red", scale=0.5), REFERENCES, SAMPLER)
    with pytest.raises(UsageError, match="a multiple of 4"):
        drawer.draw(jobs("1girl", "red"), REFERENCES, msgspec.structs.replace(SAMPLER, side=30))


def test_kandinskys_decoder_draws_the_reference(drawer_of: Callable[..., tuple[Run, Drawer]]) -> None:
    run, drawer = drawer_of("kandinsky", "--lr", "0.01")
    scope = trained.card(run.folder)
    scope["prior"].set_progress_bar_config(disable=True)
    white = ImageOps.pad(Image.open(io.BytesIO(REFERENCES["red"])), (32, 32), color="white")
    seen = scope["prior"].interpolate([white], [1.0])
    both = {name: one.expand(2, -1) for name, one in seen.items()}
    made = scope["pipe"](**both, num_inference_steps=3, guidance_scale=2.0, latents=trained.noise([7, 8]), height=32,
                         width=32, output_type="np").images
    same(drawer.draw(jobs("1girl", "red"), REFERENCES, SAMPLER), made)


def test_kandinskys_prior_draws_the_prompt(drawer_of: Callable[..., tuple[Run, Drawer]]) -> None:
    run, drawer = drawer_of("kandinsky", "--part", "prior", "--lr", "0.01")
    assert run.takes == "none"
    scope = trained.card(run.folder)
    scope["prior"].set_progress_bar_config(disable=True)
    chance = [torch.Generator().manual_seed(seed) for seed in (7, 8)]
    noise = torch.cat([torch.randn(1, 4, 8, 8, generator=one) for one in chance])
    seen = scope["prior"](["1girl"] * 2, generator=chance)
    made = scope["pipe"](**seen, num_inference_steps=3, guidance_scale=2.0, latents=noise, height=32, width=32,
                         output_type="np").images
    same(drawer.draw(jobs("1girl"), {}, SAMPLER), made)


def test_a_base_is_a_row_too(place: Path) -> None:
    [run] = open_runs(["tiny"])
    assert run.method == "base"
    drawer = open_drawer(run, place / "base")
    assert drawer.side == 64 and drawer.draw(jobs("a backpack"), {}, SAMPLER)[0].size == (64, 64)
    again = open_drawer(open_runs([str(place / "base" / "tiny")])[0], place)
    for one, other in zip(*(each.draw(jobs("a backpack"), {}, SAMPLER) for each in (drawer, again)), strict=True):
        assert one.tobytes() == other.tobytes()


def test_what_is_gone_or_changed_is_one_line(place: Path, drawer_of: Callable[..., tuple[Run, Drawer]]) -> None:
    run, _ = drawer_of("inversion", "--lr", "0.5")
    (run.folder / "learned_embeds.safetensors").unlink()
    with pytest.raises(UsageError, match="cannot read the weights of inversion"):
        open_drawer(run, place)
    other = run._replace(said={**run.said, "base": {**run.said["base"], "sha256": "0" * 64}})
    with pytest.raises(UsageError, match="the base is not the one that the run was trained on"):
        open_drawer(other, place)


def test_weights_that_are_no_numbers(place: Path, drawer_of: Callable[..., tuple[Run, Drawer]]) -> None:
    _, drawer = drawer_of("custom", "--lr", "0.2")
    drawer.pipe.unet.conv_out.bias.data.fill_(torch.nan)
    with pytest.raises(BuildError, match="no number"):
        drawer.draw(jobs("photo of a <new1> backpack"), {}, SAMPLER)


def test_a_picture_has_the_same_bits_in_any_company(place: Path) -> None:
    [run] = open_runs(["tiny"])
    drawer = open_drawer(run, place / "base")
    sampler = msgspec.structs.replace(SAMPLER, batch=4)
    five = [Job(key=f"{seed}", run="", subject="", prompt=f"a backpack {seed}", seed=seed) for seed in range(5)]
    together = [*drawer.draw(five[:4], {}, sampler), *drawer.draw(five[4:], {}, sampler)]
    others = [*drawer.draw(five[3:], {}, sampler), *drawer.draw(five[:3], {}, sampler)]
    for at, picture in zip((3, 4, 0, 1, 2), others, strict=True):
        assert picture.tobytes() == together[at].tobytes()
