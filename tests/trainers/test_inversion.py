import re
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import load_file

from tests.trainers import made
from trainers import cli
from trainers.bases import open_base
from trainers.data import open_data
from trainers.inversion import TEMPLATES, Inversion, beginning, view
from trainers.inversion_options import Inversion as Options
from trainers.training.draws import At
from trainers.training.feeding import gather


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bases")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.subject(tmp_path_factory.mktemp("data"))


def _train(method: Inversion, options: Options, data: Path, steps: int = 2) -> None:
    """Steps by hand, without the loop."""
    shown = view(options, method.base, open_data(str(data), "--data", "", ()).rows)
    optimizer = torch.optim.AdamW(method.groups(1e-2))
    for step in range(steps):
        optimizer.zero_grad()
        method(gather(shown, 0, step, range(2), 2))["loss"].backward()
        optimizer.step()


@pytest.mark.parametrize("kind", ["tiny", "tiny-sdxl"])
def test_only_the_new_rows_change(kind: str, place: Path, data: Path) -> None:
    before = {name: part.state_dict() for name, part in open_base(kind, place).modules.items()}
    method = Inversion(open_base(kind, place), "<it>", 3, "backpack")
    begun = [table.rows.detach().clone() for table in method.tables]
    _train(method, Options(data=str(data), resolution=32), data)
    assert len(begun) == (2 if kind == "tiny-sdxl" else 1)
    for table, rows in zip(method.tables, begun, strict=True):
        assert rows.shape == (3, 32)
        assert bool((table.rows != rows).all())
    compared = 0
    for name, part in method.base.modules.items():
        for key, now in part.state_dict().items():
            if "token_embedding" in key:
                continue
            assert torch.equal(now, before[name][key]), f"{name} {key}"
            compared += 1
    assert compared > 100
    for name, table in zip(("text_encoder", "text_encoder_2"), method.tables, strict=False):
        old = next(values for key, values in before[name].items() if "token_embedding" in key)
        assert torch.equal(table.settled().weight[: len(old)], old)


def test_vectors_begin_as_the_words_told(place: Path) -> None:
    base = open_base("tiny", place)
    words = {word: base.text_encoders[0].get_input_embeddings().weight[base.tokenizers[0](word).input_ids[1]].clone()
             for word in ("red", "backpack")}
    rows = Inversion(base, "<it>", 4, "red backpack").tables[0].rows.detach()
    assert torch.equal(rows, torch.stack([words["red"], words["red"], words["backpack"], words["backpack"]]))


def test_the_class_is_what_they_begin_as_unless_told(data: Path) -> None:
    rows = open_data(str(data), "--data", "", ()).rows
    assert beginning(Options(data="x"), rows) == "backpack"
    assert beginning(Options(data="x", initial="red"), rows) == "red"
    assert beginning(Options(data="x"), rows.remove_columns("class_name")) is None
    mixed = rows.remove_columns("class_name").add_column("class_name", ["backpack", "vase"] * 2)
    assert beginning(Options(data="x"), mixed) is None


def test_the_loss_is_the_mean_error_at_the_text_with_all_vectors(place: Path, data: Path) -> None:
    method = Inversion(open_base("tiny", place), "<it>", 2, None, seed=3)
    batch = gather(view(Options(data="", resolution=32), method.base, open_data(str(data), "--data", "", ()).rows),
                   0, 0, range(2), 2)
    base, noise = method.base, batch["noise"]
    ids = []
    for text in batch["texts"]:  # <it> and <it>_1 are the two last ids
        words = text.replace("<it>", "<it> <it>_1")
        ids.append(base.tokenizers[0](words, padding="max_length", return_tensors="pt").input_ids[0])
    told = torch.stack(ids)
    assert [int((row >= len(base.tokenizers[0]) - 2).sum()) for row in told] == [2, 2]
    with torch.no_grad():
        latents = base.latents(batch["pixels"], batch["latent_noise"])
        alphas = base.scheduler.alphas_cumprod[batch["timesteps"]].view(2, 1, 1, 1)
        noisy = alphas.sqrt() * latents + (1 - alphas).sqrt() * noise
        said = base.unet(noisy, batch["timesteps"], base.text_encoders[0](told).last_hidden_state).sample
        assert method(batch)["loss"].item() == pytest.approx(((said - noise) ** 2).mean().item(), rel=1e-5)


def test_templates_have_one_place_each() -> None:
    assert len(set(TEMPLATES)) == len(TEMPLATES) >= 10
    assert all(text.count("{}") == 1 for text in TEMPLATES)


def test_captions_are_templates_or_the_subjects_own(place: Path, data: Path) -> None:
    base = open_base("tiny", place)
    rows = open_data(str(data), "--data", "", ()).rows
    ours = view(Options(data="", resolution=32, token="<it>"), base, rows)
    own = view(Options(data="", resolution=32, token="<it>", captions="own"), base, rows)
    places = [At(0, step, 0) for step in range(4)]
    found = [ours.rows(at)[0] for at in places]
    assert {row["text"] for row in found} <= {text.format("<it>") for text in TEMPLATES}
    assert len(found) == 4 and not any(row["prior"] for row in found)
    assert {own.rows(at)[0]["text"] for at in places} == {"a <it> on a rock", "a <it> in the snow",
                                                          "a <it> on a table", "a <it>"}


def test_diffusers_loads_the_word(place: Path, data: Path, tmp_path: Path) -> None:
    method = Inversion(open_base("tiny", place), "<it>", 3, "backpack")
    _train(method, Options(data="", resolution=32), data)
    method.publish(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it.safetensors", "learned_embeds.safetensors"]
    pipe = StableDiffusionPipeline.from_pretrained(method.base.folder, safety_checker=None)
    pipe.load_textual_inversion(tmp_path)
    ours, theirs = (one.encode_prompt("a photo of <it>", "cpu", 1, False)[0].detach()
                    for one in (method.pipeline(), pipe))
    assert torch.equal(ours, theirs)
    plain = pipe.encode_prompt("a photo of backpack backpack backpack", "cpu", 1, False)[0]
    assert not torch.allclose(theirs, plain, atol=1e-3)
    (name, rows), = load_file(tmp_path / "it.safetensors").items()  # as web interfaces read it: one tensor
    assert name == "<it>" and torch.equal(rows, method.tables[0].rows)


def test_diffusers_loads_the_word_twice_for_sdxl(place: Path, data: Path, tmp_path: Path) -> None:
    method = Inversion(open_base("tiny-sdxl", place), "<it>", 2, "backpack")
    _train(method, Options(data="", resolution=32), data)
    method.publish(tmp_path)
    pipe = StableDiffusionXLPipeline.from_pretrained(method.base.folder)
    _, lines, _ = re.split(r"(?s)from_pretrained[^\n]*\n(.*?)\npipe\(", method.facts()["usage"])
    exec(lines.replace('"OUT"', repr(str(tmp_path))), {"pipe": pipe})  # as the card says
    ours, theirs = (one.encode_prompt("a photo of <it>", device="cpu", do_classifier_free_guidance=False)
                    for one in (method.pipeline(), pipe))
    assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[2], theirs[2])
    assert theirs[0].shape == (1, 77, 64)
    both = load_file(tmp_path / "it.safetensors")  # the names that web interfaces look for
    assert torch.equal(both["clip_l"], method.tables[0].rows) and torch.equal(both["clip_g"], method.tables[1].rows)


def test_code_in_the_card_holds_any_token(place: Path) -> None:
    usage = Inversion(open_base("tiny", place), '<i"\\t>').facts()["usage"]
    asked: list[str] = []
    line = next(line for line in usage.splitlines() if line.startswith("pipe("))
    exec(line.removesuffix(".images[0]"), {"pipe": asked.append})
    assert asked == ['a photo of <i"\\t>']


def test_a_whole_run(data: Path, tmp_path: Path) -> None:
    words = ["inversion", "--data", str(data), "--base", "tiny", "--resolution", "32", "--vectors", "2",
             "--steps", "3", "--batch-size", "1", "--sample-every", "3", "--sample-count", "1",
             "--sample-steps", "2", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    found = load_file(tmp_path / "out" / "learned_embeds.safetensors")
    assert found["<it>"].shape == (2, 32)
    assert (tmp_path / "out" / "samples" / "step-00000003.png").is_file()


@pytest.mark.parametrize(("words", "said"), [
    ([], "--data is missing"),
    (["--data", "nowhere"], "--data is no folder"),
    (["--data", "DATA", "--base", "tiny", "--token", "backpack"], "already a word"),
    (["--data", "DATA", "--base", "tiny", "--vectors", "0"], "--vectors is out of range"),
    (["--data", "REG", "--base", "tiny", "--captions", "own"], "lacks the columns kind, scene"),
])
def test_what_cannot_be_done_is_one_line(words: list[str], said: str, data: Path, tmp_path: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    there = {"DATA": str(data), "REG": str(made.regularization(tmp_path / "reg")) if "REG" in words else ""}
    assert cli.main(["inversion", "--out", str(tmp_path / "out"), *(there.get(word, word) for word in words)]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("trainers: ")]
    assert len(error) == 1 and said in error[0]
