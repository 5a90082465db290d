from pathlib import Path

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from trainers.bases import Base, open_base
from trainers.retrinet.retrieval import Retrieval, denoised, embedded

pytestmark = pytest.mark.xdist_group("retrinet")
COUNT = 3
"""References."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bases")


def chance(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def moved(retrieval: Retrieval) -> Retrieval:
    """As after training: the last convolutions let through what was found."""
    for number, one in enumerate(retrieval.retrievers):
        one.out.weight.data = chance(*one.out.weight.shape, seed=number) / 3
    return retrieval


def said(base: Base, retrieval: Retrieval, references: Tensor, concepts: list[str], mask: list[bool] | None = None,
         side: int = 16) -> Tensor:
    """What is said of two noisy latents at two timesteps, after the same references."""
    timesteps = torch.tensor([700, 20])
    noisy, words = chance(2, 4, side, side), base.encode(["a red dog", "a cat"]).embeds
    told = base.encode(concepts).embeds.expand(2, -1, -1, -1)
    memory = retrieval.remember(references.expand(2, -1, -1, -1, -1), embedded(base.unet, noisy, timesteps), told)
    return denoised(base.unet, retrieval, noisy, timesteps, words, memory, torch.tensor([mask] * 2) if mask else None)


CONCEPTS = ["face", "clothes", "figure"]


@pytest.mark.parametrize("kind", ["tiny", "tiny-v"])
def test_at_first_it_says_what_the_base_says_bit_for_bit(kind: str, place: Path) -> None:
    base = open_base(kind, place)
    retrieval = Retrieval.of(base.unet, 32, seed=0)
    with torch.no_grad():
        ours = said(base, retrieval, chance(COUNT, 4, 16, 16), CONCEPTS)
        plain = base.unet(chance(2, 4, 16, 16), torch.tensor([700, 20]), base.encode(["a red dog", "a cat"]).embeds)
    assert torch.equal(ours, plain.sample)


def test_sides_that_do_not_halve_are_taken_as_the_base_takes_them(place: Path) -> None:
    base = open_base("tiny", place)
    with torch.no_grad():
        ours = said(base, Retrieval.of(base.unet, 32, seed=0), chance(COUNT, 4, 16, 16), CONCEPTS, side=15)
        plain = base.unet(chance(2, 4, 15, 15), torch.tensor([700, 20]), base.encode(["a red dog", "a cat"]).embeds)
    assert torch.equal(ours, plain.sample)


def test_stable_diffusion_has_twelve_input_blocks() -> None:
    """Of the widths that its paper's code lists: a convolution, then two layers and a downsampling by level."""
    told = {"block_out_channels": [320, 640, 1280, 1280], "cross_attention_dim": 768, "sample_size": 64}
    with torch.device("meta"):
        made = Retrieval(told, 384)
        whole = UNet2DConditionModel.from_config(told)
    widths = [one.out.out_channels for one in made.retrievers]
    assert widths == [320, 320, 320, 320, 640, 640, 640, 1280, 1280, 1280, 1280, 1280]
    shared = {name: one.shape for name, one in whole.named_parameters()
              if name.startswith(("conv_in.", "down_blocks."))}
    mine = {name: one.shape for name, one in made.named_parameters() if not name.startswith("retrievers.")}
    assert mine == shared


def test_the_encoder_begins_as_a_copy_that_shares_nothing(place: Path) -> None:
    base = open_base("tiny", place)
    retrieval, unet = Retrieval.of(base.unet, 32, seed=0), dict(base.unet.named_parameters())
    for name, one in retrieval.named_parameters():
        assert one.requires_grad
        if not name.startswith("retrievers."):
            assert torch.equal(one, unet[name]) and one.data_ptr() != unet[name].data_ptr()
    same, other = (dict(Retrieval.of(base.unet, 32, seed).named_parameters()) for seed in (0, 1))
    name = "retrievers.0.attention.to_q.weight"
    assert torch.equal(same[name], retrieval.get_parameter(name)) and not torch.equal(other[name], same[name])


@torch.no_grad()
def test_every_reference_and_every_word_matters_but_their_order_does_not(place: Path) -> None:
    base = open_base("tiny", place)
    retrieval, references = moved(Retrieval.of(base.unet, 32, seed=0)), chance(COUNT, 4, 16, 16)
    first = said(base, retrieval, references, CONCEPTS)
    order = [2, 0, 1]
    assert torch.allclose(said(base, retrieval, references[order], [CONCEPTS[at] for at in order]), first, atol=1e-4)
    for number in range(COUNT):
        other = references.clone()
        other[number] = chance(4, 16, 16, seed=9)
        assert (said(base, retrieval, other, CONCEPTS) - first).abs().max() > 1e-2
    assert (said(base, retrieval, references, ["face", "clothes", "face"]) - first).abs().max() > 1e-4


@torch.no_grad()
def test_a_masked_reference_is_as_if_it_were_not_there(place: Path) -> None:
    base = open_base("tiny", place)
    retrieval, references = moved(Retrieval.of(base.unet, 32, seed=0)), chance(COUNT, 4, 16, 16)
    masked = said(base, retrieval, references, CONCEPTS, [True, False, True])
    without = said(base, retrieval, references[[0, 2]], ["face", "figure"])
    assert torch.allclose(masked, without, atol=1e-5)
    assert not torch.allclose(masked, said(base, retrieval, references, CONCEPTS), atol=1e-3)


@torch.no_grad()
def test_each_block_adds_to_its_own_skip_alone(place: Path) -> None:
    base = open_base("tiny", place)
    retrieval = Retrieval.of(base.unet, 32, seed=0)
    skips = [chance(1, one.out.out_channels, 4, 4, seed=at) for at, one in enumerate(retrieval.retrievers)]
    memory = [chance(1, 8, one.out.out_channels, seed=at) for at, one in enumerate(retrieval.retrievers)]
    retrieval.retrievers[2].out.bias.fill_(0.5)  # its weights stay nought: half is all that is found
    found = [one - skip for one, skip in zip(retrieval.retrieve(skips, memory), skips, strict=True)]
    assert [at for at, one in enumerate(found) if one.any()] == [2]
    assert torch.allclose(found[2], torch.tensor(0.5), atol=1e-6)
