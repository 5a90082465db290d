import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")

import torch
from PIL import Image
from safetensors.torch import load_file

from schemas.errors import UsageError
from tests.trainers import made
from trainers.bases import open_base
from trainers.cli import main
from trainers.retrinet import attend
from trainers.retrinet.attend_options import Attend
from trainers.retrinet.pipeline import RetriNetPipeline
from trainers.retrinet.retrieval import Retrieval
from trainers.retrinet.retrinet import pipeline

pytestmark = pytest.mark.xdist_group("retrinet")
SIDE, CELLS = 32, 8


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RUN, an untrained RetriNet, and data."""
    folder = tmp_path_factory.mktemp("place")
    base = open_base("tiny", folder)
    pipeline(base, Retrieval.of(base.unet, SIDE, 0)).save_pretrained(folder / "run")
    made.figures(folder / "data")
    return folder


@pytest.fixture
def pipe(place: Path) -> RetriNetPipeline:
    return RetriNetPipeline.from_pretrained(place / "run")


def attention(pipe: RetriNetPipeline, block: int) -> Any:
    """The layer of an input block that reads words: of the tiny base 1 and, after a downsampling, 3."""
    level = pipe.retrieval.down_blocks[{1: 0, 3: 1}[block]]
    return level.attentions[0].transformer_blocks[0].attn2


def test_blocks_are_numbered_as_the_paper_does() -> None:
    told = {"block_out_channels": [8, 8, 8, 8], "norm_num_groups": 1, "attention_head_dim": 1, "sample_size": 8}
    retrieval = Retrieval(told, 64)
    with attend._watched(retrieval) as seen, torch.no_grad():
        attend.encoded(retrieval, torch.zeros(1, 4, 8, 8), torch.zeros(1, 32), torch.zeros(1, 77, 1280))
    assert list(seen) == [1, 2, 4, 5, 7, 8]
    assert [shares.shape[1] for shares in seen.values()] == [64, 64, 16, 16, 4, 4]


def test_a_layer_that_tells_no_tokens_apart_heeds_each_as_much(pipe: RetriNetPipeline) -> None:
    """A word's share is then that of its tokens in 77: those of the vocabulary's words are single, others several."""
    attention(pipe, 3).to_k.weight.data.zero_()
    maps = attend.attention(pipe, torch.zeros(2, 3, SIDE, SIDE), [999, 0])
    assert {block: tuple(values.shape) for block, values in maps.items()} == {
        1: (2, 2, 3, CELLS, CELLS), 3: (2, 2, 3, CELLS // 2, CELLS // 2)}
    lengths = [len(pipe.tokenizer(word, add_special_tokens=False).input_ids) for word in attend.WORDS]
    for at, length in enumerate(lengths):
        assert torch.allclose(maps[3][:, :, at], torch.tensor(length / 77))
    assert maps[1].std() > 0


def test_maps_are_of_their_reference_word_and_timestep(pipe: RetriNetPipeline) -> None:
    one, other = (torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(at)).clamp(-1, 1) for at in (0, 1))
    both, swapped = (attend.attention(pipe, torch.stack(some), [999, 0]) for some in ([one, other], [other, one]))
    for block, maps in both.items():
        assert torch.allclose(maps[:, 0], swapped[block][:, 1], atol=1e-6)
        assert not torch.allclose(maps[:, 0], maps[:, 1], atol=1e-6)
        assert not torch.allclose(maps[0], maps[1], atol=1e-6)  # timesteps
        assert torch.allclose(maps[1], attend.attention(pipe, torch.stack([one, other]), [0])[block][0], atol=1e-6)


def test_a_word_is_seen_where_the_layer_was_told_to_look(pipe: RetriNetPipeline) -> None:
    """Queries and keys are three times the first of the states' and the words' numbers, which only the left half and
    the first word have."""
    layer, width = attention(pipe, 1), 32
    states = torch.zeros(1, CELLS * CELLS, width)
    left = (torch.arange(CELLS * CELLS) % CELLS < CELLS // 2)
    states[0, left, 0] = 1.0
    words = torch.zeros(1, 77, layer.to_k.in_features)
    words[0, 1, 0] = 1.0
    for part in (layer.to_q, layer.to_k):
        part.weight.data.zero_()
        part.weight.data[:, 0] = 3.0
    shares = attend._shares(layer, states, words)[0, :, 1]
    depth = layer.to_q.out_features // layer.heads
    expected = np.exp(9 * depth**0.5) / (np.exp(9 * depth**0.5) + 76)
    assert torch.allclose(shares[left], torch.tensor(expected, dtype=torch.float32), atol=1e-4)
    assert torch.allclose(shares[~left], torch.tensor(1 / 77))


def test_the_command_writes_pages_and_maps(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "maps"
    assert main(["attend", "--run", str(place / "run"), "--data", str(place / "data"), "--out", str(out),
                 "--count", "2", "--references", "3", "--timesteps", "999,0", "--task", "reconstruct"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["0.png", "1.png", "maps.safetensors"]
    maps = load_file(out / "maps.safetensors")
    assert len(maps) == 4 and {name.split("/")[1] for name in maps} == {"1", "3"}
    page = np.asarray(Image.open(out / "0.png"))
    # Nine lines of a reference and a word; beside the reference two blocks at two timesteps.
    assert page.shape == (20 + 9 * 100, 64 + 5 * 100, 3)
    red = page[:, 64:160].astype(int)
    assert ((red[..., 0] > 150) & (red[..., 1:].max(-1) < 80)).any()  # the figure's face


def test_a_map_is_brightest_where_it_is_greatest() -> None:
    values, grey = np.zeros((4, 4), np.float32), Image.new("RGB", (96, 96), (128, 128, 128))
    values[0, 3] = 0.01
    heat = np.asarray(attend._heat(values, grey), int).sum(-1)
    assert np.unravel_index(heat.argmax(), heat.shape)[0] < 24 and heat[:24, 72:].mean() > 2 * heat[24:, :72].mean()
    assert len(np.unique(np.asarray(attend._heat(values * 0, grey)))) <= 3


@pytest.mark.parametrize(("given", "said"), [
    ({"run": Path("none")}, "--run holds no finished RetriNet"), ({"data": ""}, "--data is missing"),
    ({"timesteps": "1,x"}, "--timesteps are no whole numbers"), ({"out": Path()}, "--out is no new folder")])
def test_what_will_not_do_is_told(given: dict[str, Any], said: str, place: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        Attend(**{"run": place / "run", "data": "d", "out": tmp_path / "out", **given}).check()


def test_timesteps_end_somewhere(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attend", "--run", str(place / "run"), "--data", str(place / "data"), "--out", str(tmp_path / "maps"),
                 "--timesteps", "1000"]) == 2
    assert "--timesteps has one beyond the last (got 1000); allowed: 0 to 999" in capsys.readouterr().err


def test_a_run_that_cannot_be_read_is_one_line(place: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = shutil.copytree(place / "run", tmp_path / "run")
    (run / "retrieval" / "diffusion_pytorch_model.safetensors").write_text("no tensors")
    assert main(["attend", "--run", str(run), "--data", str(place / "data"), "--out", str(tmp_path / "maps")]) == 2
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("trainers: cannot read the RetriNet of --run: ") and not (tmp_path / "maps").exists()
