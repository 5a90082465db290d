from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

import json
import shutil

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from schemas.errors import UsageError
from tests.annotators import model_hub
from tests.trainers import made
from tests.trainers.baselines import runs
from trainers import cli
from trainers.baselines.feeding import Dropped, view_of
from trainers.baselines.image_encoders import open_encoder
from trainers.baselines.ip_adapter import IpAdapter
from trainers.baselines.ip_adapter_options import IpAdapter as Options
from trainers.bases import Base, open_base
from trainers.data import open_data
from trainers.training.draws import At
from trainers.training.feeding import Batch, Row, gather
from trainers.views.identities import COLUMNS

pytestmark = pytest.mark.xdist_group("ip-adapter")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    made.figures(folder / "data")
    return folder


def options(place: Path, **given: Any) -> Options:
    return Options(**{"data": str(place / "data"), "out": place / "out", "resolution": 32, **given})


def method_of(place: Path, kind: str = "tiny") -> IpAdapter:
    return IpAdapter(open_base(kind, place), open_encoder("tiny", place), options(place))


def batch_of(base: Base, given: Options) -> Batch:
    data = open_data(given.data, "--data", "retribooru", COLUMNS)
    return gather(view_of(data, base, given), 0, 0, range(2), 2)


def changed(batch: Batch, **values: Any) -> Batch:
    return cast(Batch, {**batch, **values})


def step(method: IpAdapter, batch: Batch, lr: float = 1e-3) -> None:
    optimizer = torch.optim.AdamW(method.groups(lr), weight_decay=0)
    method(batch)["loss"].backward()
    # None would let the processes of a run wait for one another for ever.
    assert [name for name, one in method.trained().items() if one.grad is None] == []
    optimizer.step()


@pytest.mark.parametrize("kind", ["tiny", "tiny-sdxl"])
def test_what_the_paper_trains_moves_and_all_else_stays_bit_for_bit(kind: str, place: Path) -> None:
    method = method_of(place, kind)
    attentions = {name for name in method.unet.attn_processors if ".attn2." in name}
    projection = "unet.encoder_hid_proj.image_projection_layers.0."
    assert set(method.trained()) == {
        *(f"{projection}{name}" for name in ("image_embeds.weight", "image_embeds.bias", "norm.weight", "norm.bias")),
        *(f"unet.{name}.{layer}.0.weight" for name in attentions for layer in ("to_k_ip", "to_v_ip"))}
    before = {name: one.detach().clone() for name, one in method.named_parameters()}
    step(method, batch_of(method.base, options(place)))
    moved = {name for name, one in method.named_parameters() if not torch.equal(one, before[name])}
    assert moved == set(method.trained())


def test_keys_and_values_begin_as_those_of_the_prompt(place: Path) -> None:
    method = method_of(place)
    block = method.unet.mid_block.attentions[0].transformer_blocks[0].attn2
    assert torch.equal(block.processor.to_k_ip[0].weight, block.to_k.weight)
    assert torch.equal(block.processor.to_v_ip[0].weight, block.to_v.weight)
    assert block.processor.to_k_ip[0].weight is not block.to_k.weight


@pytest.fixture(scope="module")
def attentive(place: Path) -> IpAdapter:
    """One that heeds words and pictures more than any that was trained for seconds."""
    method = method_of(place)
    for name, values in method.named_parameters():
        if "attn2.to_out" in name:
            values.data.mul_(100)
    return method


def test_a_dropped_reference_is_a_vector_of_nought(attentive: IpAdapter, place: Path) -> None:
    """Then it matters no more what the reference shows; guidance is held against this very vector."""
    batch = cast(dict[str, Any], batch_of(attentive.base, options(place)))
    other = {**batch, "references": -batch["references"]}
    gone = {"reference_mask": torch.zeros(2, 1, dtype=torch.bool)}
    with torch.no_grad():
        losses = [attentive(cast(Batch, one))["loss"] for one in (batch, other, batch | gone, other | gone)]
        pixels = batch["references"]
        attentive.encoder.visual_projection.weight.mul_(0)
        nought = attentive(cast(Batch, batch))["loss"]
    attentive.encoder.load_state_dict(open_encoder("tiny", place).model.state_dict())
    assert pixels.shape == (2, 1, 3, 32, 32)
    assert (losses[0] - losses[1]).abs() > 1e-4 and torch.equal(losses[2], losses[3])
    assert torch.equal(losses[2], nought) and (losses[0] - losses[2]).abs() > 1e-4


def test_the_encoder_sees_what_it_sees_in_a_pipeline(attentive: IpAdapter, place: Path) -> None:
    from trainers.baselines.image_encoders import seen

    picture = made.painted((200, 30, 30), (64, 64))
    square = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None] / 127.5 - 1
    [expected], _ = attentive.pipeline().encode_image(picture, "cpu", 1)
    found = attentive.encoder(seen(attentive.encoder, square)).image_embeds[0]
    assert torch.nn.functional.cosine_similarity(found, expected, dim=0) > 0.9999
    assert torch.allclose(found, expected, atol=0.02 * float(expected.abs().max()))


def test_the_loss_is_that_of_the_picture_alone(place: Path) -> None:
    """A base that says nothing is wrong by the square of the noise; bars do not count."""
    method = method_of(place)
    for values in method.unet.conv_out.parameters():
        values.data.zero_()
    batch = cast(dict[str, Any], batch_of(method.base, options(place)))
    valid = batch["valid"].bool().expand_as(batch["noise"])
    rows = [float((noise[kept] ** 2).mean()) for noise, kept in zip(batch["noise"], valid, strict=True)]
    assert (~valid).sum() > 0 and method(cast(Batch, batch))["loss"].item() == pytest.approx(np.mean(rows), rel=1e-5)


class Rows:
    """As many different rows as there are slots."""

    def rows(self, at: At) -> list[Row]:
        return [cast(Row, {"id": str(at.slot), "text": "1girl", "reference_mask": torch.tensor([True])})]


def test_one_number_decides_what_is_dropped() -> None:
    view, counts = Dropped(Rows(), 0.1, 0.2, 0.4), {}
    for slot in range(2000):
        [row] = view.rows(At(0, 0, slot, 2000))
        kind = (bool(cast(dict[str, Any], row)["reference_mask"].all()), bool(row["text"]))
        counts[kind] = counts.get(kind, 0) + 1
    # A share p of 2,000 has a deviation of at most 22.
    assert {kind: round(count / 2000, 1) for kind, count in counts.items()} == {
        (False, True): 0.1, (True, False): 0.2, (False, False): 0.4, (True, True): 0.3}
    assert abs(counts[False, False] - 800) < 90


def test_nothing_is_dropped_without_a_chance() -> None:
    view = Dropped(Rows(), 0.0, 0.0, 0.0)
    assert all(view.rows(At(0, 0, slot, 50))[0]["text"] == "1girl" for slot in range(50))


@pytest.fixture(scope="module")
def trained(place: Path) -> Path:
    return runs.trained("ip-adapter", place / "data", place / "run", "--lr", "1e-1")


@pytest.mark.parametrize("kind", ["tiny", "tiny-sdxl"])
def test_the_code_of_the_card_draws_the_last_samples(kind: str, trained: Path, place: Path, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if kind != "tiny":
        trained = runs.trained("ip-adapter", place / "data", tmp_path / "out", "--lr", "1e-1", "--base", kind)
    prompts = json.loads((trained / "run.json").read_text())["facts"]["prompts"]
    rows = runs.cells(trained)
    assert len(rows) == len(prompts) == 4
    differ = []
    for number, (reference, _, sample) in enumerate(rows[:2]):
        reference.save("reference.png")
        scope = runs.loaded(trained)
        found = runs.drawn(scope["pipe"], prompts[number], number, ip_adapter_image=scope["reference"])
        assert np.abs(found - np.asarray(sample, np.float32)).max() <= 1
        scope["pipe"].set_ip_adapter_scale(0.0)
        without = runs.drawn(scope["pipe"], prompts[number], number, ip_adapter_image=scope["reference"])
        differ.append(np.abs(found - without).max())
    assert max(differ) > 2


def test_out_holds_what_loaders_look_for(trained: Path) -> None:
    tensors = load_file(trained / "ip_adapter.safetensors")
    numbers = sorted({int(name.split(".")[1]) for name in tensors if name.startswith("ip_adapter.")})
    assert numbers == [2 * number + 1 for number in range(len(numbers))]
    assert tensors["image_proj.proj.weight"].shape == (4 * 32, 32)
    encoder, drawn = (folder / "model.safetensors" for folder in (trained / "image_encoder",
                                                                  trained / "base" / "tiny-image-encoder"))
    assert encoder.read_bytes() == drawn.read_bytes()
    said = json.loads((trained / "run.json").read_text())
    assert said["finished"] and set(said["data"]) == {"data", "image-encoder"}
    assert said["data"]["image-encoder"]["name"] == "tiny" and len(said["data"]["image-encoder"]["digest"]) == 64


def test_references_are_of_the_setting(trained: Path, place: Path) -> None:
    """The last row of a figure has a mark of its own; a target's reference under -b has another's."""
    own = runs.trained("ip-adapter", place / "data", place / "own", "--setting", "a", "--no-flip", "--crop-ratio", "1")
    for reference, target, _ in runs.cells(own):
        assert reference.tobytes() == target.tobytes()
    other = runs.trained("ip-adapter", place / "data", place / "other", "--no-flip", "--crop-ratio", "1")
    marks = [[cell.getpixel((32, 63)) for cell in row[:2]] for row in runs.cells(other)]
    assert all(reference != target for reference, target in marks)


def test_a_run_goes_on_bit_for_bit(trained: Path, place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    common = ["ip-adapter", "--data", str(place / "data"), "--base", "tiny", "--batch-size", "2", "--sample-every", "0",
              "--lr", "1e-1", "--out", str(out), "--checkpoint-every", "1"]
    with pytest.MonkeyPatch.context() as patch:
        from trainers.training import loop

        patch.setattr(loop.Loop, "finish", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        assert cli.main([*common, "--steps", "2"]) == 130
    (out / "checkpoints" / "step-00000002").rename(tmp_path / "gone")
    assert cli.main([*common, "--steps", "2", "--resume"]) == 0
    one, other = (load_file(folder / "ip_adapter.safetensors") for folder in (trained, out))
    assert one.keys() == other.keys() and all(torch.equal(values, other[name]) for name, values in one.items())


def test_a_run_in_half_precision(place: Path, tmp_path: Path) -> None:
    out = runs.trained("ip-adapter", place / "data", tmp_path / "out", "--precision", "bf16",
                       "--gradient-checkpointing")
    assert {values.dtype for values in load_file(out / "ip_adapter.safetensors").values()} == {torch.float32}
    assert {values.dtype for values in load_file(out / "image_encoder" / "model.safetensors").values()} == {
        torch.float32}


def test_the_tiny_encoder_is_always_the_same(tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = open_encoder("tiny", tmp_path / "a")
    torch.manual_seed(2)
    assert open_encoder("tiny", tmp_path / "b").digest == first.digest
    assert open_encoder(str(first.folder), tmp_path).digest == first.digest


def test_an_encoder_of_the_hub_lies_in_a_folder_or_not(tmp_path: Path) -> None:
    folder = open_encoder("tiny", tmp_path).folder
    shutil.copytree(folder, tmp_path / "repo" / "models" / "image_encoder")
    (tmp_path / "repo" / "models" / "other.safetensors").write_text("of somebody else")
    hub = model_hub.Hub()
    hub.repos = {"owner/whole": folder, "owner/part": tmp_path / "repo"}
    code = """
import json, sys
from pathlib import Path
from trainers.baselines.image_encoders import open_encoder
found = [open_encoder(name, Path()) for name in sys.argv[1:]]
print(json.dumps([[one.name, one.version, one.digest] for one in found]))"""
    names, digest = ["owner/whole", "owner/part:models/image_encoder"], open_encoder("tiny", tmp_path).digest
    assert hub.ask(tmp_path / "home", code, *names) == [[name, model_hub.COMMIT, digest] for name in names]
    assert "owner/part/models/other.safetensors" not in hub.sent
    hub.shutdown()


def test_an_encoder_that_lacks_tensors_is_one_line(tmp_path: Path) -> None:
    folder = open_encoder("tiny", tmp_path).folder
    tensors = load_file(folder / "model.safetensors")
    del tensors["visual_projection.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UsageError, match=r"1 of its tensors are missing: visual_projection\.weight"):
        open_encoder(str(folder), tmp_path)


def test_no_such_encoder(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ip-adapter", "--data", str(place / "data"), "--base", "tiny", "--out", str(tmp_path / "out"),
                     "--image-encoder", str(tmp_path)]) == 2
    assert "no such image encoder" in capsys.readouterr().err
