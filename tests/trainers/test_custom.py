from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch
from diffusers import AnimateDiffPipeline, MotionAdapter, StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import load_file

from tests.trainers import made
from trainers import cli
from trainers.bases import open_base
from trainers.custom import DELTA, Concept, Custom, concept, view
from trainers.custom_options import Custom as Options
from trainers.data import Data, open_data
from trainers.training.draws import At
from trainers.training.feeding import Batch, gather

ONE = Concept("<new1>", "backpack", "ktn")
TWO = Concept("<new2>", "vase", "pll")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bases")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.subject(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.regularization(tmp_path_factory.mktemp("others"))


def _opened(path: Path) -> Data:
    return open_data(str(path), "--data", "", ("text",))


def _batch(method: Custom, data: Path, others: Path | None = None, **more: Any) -> Batch:
    options = Options(data="x", resolution=32, **more)
    shown = view(options, method.base, [_opened(data)], [_opened(others)] if others else [])
    return gather(shown, 0, 0, range(2), 2)


def _steps(method: Custom, batch: Batch, rate: float = 1e-2, steps: int = 2) -> None:
    optimizer = torch.optim.AdamW(method.groups(rate))
    for _ in range(steps):
        optimizer.zero_grad()
        method(batch)["loss"].backward()
        optimizer.step()


@pytest.mark.parametrize("kind", ["tiny", "tiny-sdxl"])
def test_keys_values_and_new_rows_train_and_nothing_else(kind: str, place: Path, data: Path) -> None:
    before = {name: part.state_dict() for name, part in open_base(kind, place).modules.items()}
    method = Custom(open_base(kind, place), [ONE])
    begun = [table.rows.detach().clone() for table in method.tables]
    _steps(method, _batch(method, data))
    moved = set()
    for name, part in method.base.modules.items():
        for key, now in part.state_dict().items():
            if "token_embedding" in key:
                continue
            if not torch.equal(now, before[name][key]):
                moved.add(key)
    layers = [key for key in before["unet"] if "attn2.to_k" in key or "attn2.to_v" in key]
    assert moved == set(layers) and len(moved) >= 8
    for name, table, rows in zip(("text_encoder", "text_encoder_2"), method.tables, begun, strict=False):
        old = next(values for key, values in before[name].items() if "token_embedding" in key)
        assert torch.equal(table.settled().weight[: len(old)], old)
        assert bool((table.rows != rows).any())


def test_the_start_of_a_text_trains_no_key_or_value(place: Path) -> None:
    layer = next(iter(Custom(open_base("tiny", place), [ONE]).attentions.values())).to_k
    words = torch.randn(1, 3, layer.in_features, generator=torch.Generator().manual_seed(0))
    layer(words).sum().backward()
    # the gradient of a sum of outputs is the sum of inputs, in each row: the first word is left out
    expected = words[0, 1:].sum(0).expand(layer.out_features, -1)
    torch.testing.assert_close(layer.weight.grad, expected)


def test_the_loss_is_of_concepts_regularizers_and_phrases(place: Path, data: Path, others: Path) -> None:
    def of(guidance: float, weight: float) -> dict[str, float]:
        method = Custom(open_base("tiny", place), [ONE], guidance, prior_weight=weight)
        batch = _batch(method, data, others)
        assert batch["prior"].tolist() == [False, False, True, True]
        return {name: value.item() for name, value in method(batch).items()}

    without, some, twice = of(0, 0.0), of(0.5, 1.0), of(2.0, 3.0)
    assert set(without) == {"loss", "instance", "prior"} and set(some) == {*without, "semantic"}
    assert without["loss"] == pytest.approx(without["instance"], rel=1e-6)
    assert some["semantic"] > 1e-5 and some["prior"] > 1e-3
    for weight, guidance, found in ((1.0, 0.5, some), (3.0, 2.0, twice)):
        total = found["instance"] + weight * found["prior"] + guidance * found["semantic"]
        assert found["loss"] == pytest.approx(total, rel=1e-6)


def test_what_was_trained_can_be_loaded(place: Path, data: Path) -> None:
    method, fresh = (Custom(open_base("tiny", place), [ONE, TWO]) for _ in range(2))
    batch = _batch(method, data)
    _steps(method, batch)
    assert fresh(batch)["loss"].item() != method(batch)["loss"].item()
    fresh.load(method.weights())
    assert fresh(batch)["loss"].item() == method(batch)["loss"].item()


def test_words_begin_as_told_and_each_has_its_row(place: Path) -> None:
    method = Custom(open_base("tiny", place), [ONE, TWO])
    tokenizer, table = method.base.tokenizers[0], method.tables[0]
    words = [tokenizer.convert_tokens_to_ids(f"{word}</w>") for word in ("ktn", "pll")]
    assert torch.equal(table.rows, table.weight[words])
    assert tokenizer.convert_tokens_to_ids(["<new1>", "<new2>"]) == table.ids.tolist()


def test_the_rate_is_multiplied(place: Path) -> None:
    groups = Custom(open_base("tiny", place), [ONE], rate=4).groups(1e-5)
    assert [group["lr"] for group in groups] == [pytest.approx(4e-5)]


def test_captions_name_each_concept(place: Path, data: Path, others: Path) -> None:
    base = open_base("tiny", place)
    options = Options(data="a,b", resolution=32, tokens="<cat>,<dog>")
    shown = view(options, base, [_opened(data), _opened(data)], [_opened(others)])
    rows = [shown.rows(At(0, step, 0)) for step in range(8)]
    texts = {row[0]["text"] for row in rows}
    told = ("photo of a <cat> backpack", "photo of a <dog> backpack")
    assert all(text.endswith(told) for text in texts)
    assert any(text.endswith(told[0]) for text in texts) and any(text.endswith(told[1]) for text in texts)
    assert len({text.rpartition(" photo")[0] for text in texts}) > 1  # from far and near
    assert any(float(row[0]["mask"].mean()) < 1 for row in rows)
    written = set(_opened(others).rows["text"])
    assert {row[1]["text"] for row in rows} == written and all(row[1]["prior"] for row in rows)

    bare = _opened(data)
    bare = bare._replace(rows=bare.rows.remove_columns(["scene", "kind"]))  # of other makers
    assert view(options, base, [bare, bare], []).rows(At(0, 0, 0))[0]["text"].endswith(told)

    own = view(Options(data="a", resolution=32, captions="own", augment="crop"), base, [_opened(data)], [])
    assert {own.rows(At(0, step, 0))[0]["text"] for step in range(4)} == {
        "a <new1> backpack on a rock", "a <new1> backpack in the snow", "a <new1> backpack on a table",
        "a <new1> backpack"}


def test_a_concept_is_one_class(data: Path) -> None:
    found = _opened(data)
    assert concept(found, "<new1>", "ktn", "DATA") == ONE
    mixed = found.rows.remove_columns("class_name").add_column("class_name", ["backpack", "vase"] * 2)
    with pytest.raises(Exception, match="several classes"):
        concept(found._replace(rows=mixed), "<new1>", "ktn", "DATA")


@pytest.fixture(scope="module")
def published(place: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Custom, Path]:
    """Two concepts trained far from where they began, and their folder."""
    method = Custom(open_base("tiny", place), [ONE, TWO])
    _steps(method, _batch(method, data), 0.1)
    folder = tmp_path_factory.mktemp("published")
    method.publish(folder)
    return method, folder


def _said(pipe: Any, text: str = "a <new1> backpack and a <new2> vase") -> torch.Tensor:
    """What the pipeline's UNet says of the text and fixed noise."""
    noisy = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        words = pipe.encode_prompt(text, "cpu", 1, False)[0]
        found: torch.Tensor = pipe.unet(noisy, torch.tensor([500]), words).sample
    return found


def _added(pipe: Any, method: Custom, folder: Path) -> None:
    """Runs the card's lines that add what was trained to a pipeline of the base."""
    _, alone = method.facts()["usage"].split("\n\n# or")
    lines = alone.splitlines()[2:]
    exec("\n".join(lines).replace('"OUT"', repr(str(folder))), {"pipe": pipe})


def test_diffusers_opens_the_folder(published: tuple[Custom, Path]) -> None:
    method, folder = published
    pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    assert torch.equal(_said(pipe), _said(method.pipeline()))
    assert not torch.allclose(_said(pipe), _said(pipe, "a backpack and a vase"), atol=1e-3)


def test_what_is_frozen_is_published_as_it_was(place: Path, tmp_path: Path) -> None:
    method = Custom(open_base("tiny", place), [ONE])
    frozen = method.unet.conv_in
    before = frozen.weight.clone()
    frozen.to(torch.bfloat16)  # as --precision bf16 does
    assert not torch.equal(frozen.weight.float(), before)
    method.publish(tmp_path)
    assert torch.equal(StableDiffusionPipeline.from_pretrained(tmp_path).unet.conv_in.weight, before)


def test_diffusers_adds_what_was_trained_to_the_base(published: tuple[Custom, Path]) -> None:
    method, folder = published
    pipe = StableDiffusionPipeline.from_pretrained(method.base.folder, safety_checker=None)
    _added(pipe, method, folder)
    torch.testing.assert_close(_said(pipe), _said(method.pipeline()), atol=1e-5, rtol=1e-4)
    alone = load_file(folder / "new2.safetensors")
    assert torch.equal(alone["<new2>"], method.tables[0].rows[1:2])
    names = {name.split(".processor")[0].rsplit(".", 1)[1] for name in load_file(folder / DELTA)}
    assert names == {"attn1", "attn2"}


def test_it_makes_videos(published: tuple[Custom, Path]) -> None:
    _, folder = published
    torch.manual_seed(0)
    adapter = MotionAdapter(block_out_channels=(32, 64), motion_layers_per_block=1, motion_num_attention_heads=4,
                            motion_norm_num_groups=8, motion_max_seq_length=8, motion_mid_block_layers_per_block=1)
    pipe = AnimateDiffPipeline.from_pretrained(folder, motion_adapter=adapter)
    pipe.set_progress_bar_config(disable=True)
    frames = pipe("a <new1> backpack", num_frames=3, num_inference_steps=2, height=32, width=32,
                  generator=torch.Generator().manual_seed(0), output_type="pt").frames
    assert frames.shape == (1, 3, 3, 32, 32) and bool(torch.isfinite(frames).all())


def test_sdxl_opens_the_folder_and_adds_to_its_base(place: Path, data: Path, tmp_path: Path) -> None:
    method = Custom(open_base("tiny-sdxl", place), [ONE])
    _steps(method, _batch(method, data), 0.1)
    method.publish(tmp_path)
    whole = StableDiffusionXLPipeline.from_pretrained(tmp_path)
    added = StableDiffusionXLPipeline.from_pretrained(method.base.folder)
    _added(added, method, tmp_path)
    ours, *theirs = ([one.encode_prompt("a <new1> backpack", device="cpu", do_classifier_free_guidance=False)[at]
                      for at in (0, 2)] for one in (method.pipeline(), whole, added))
    for found in theirs:
        assert torch.equal(found[0], ours[0]) and torch.equal(found[1], ours[1])


def test_a_whole_run(data: Path, others: Path, tmp_path: Path) -> None:
    words = ["custom", "--data", f"{data},{data}", "--regularization", str(others), "--base", "tiny", "--resolution",
             "32", "--steps", "2", "--batch-size", "1", "--sample-every", "2", "--sample-count", "1",
             "--sample-steps", "2", "--class-encoding", "released", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    pipe = StableDiffusionPipeline.from_pretrained(tmp_path / "out", safety_checker=None)
    assert pipe.tokenizer.tokenize("<new2>") == ["<new2>"]
    assert (tmp_path / "out" / "samples" / "step-00000002.png").is_file()


def test_defaults_follow_the_paper() -> None:
    one, two = Options(data="a"), Options(data="a,b")
    assert (one.resolved().steps, two.resolved().steps, Options(data="a", steps=7).resolved().steps) == (500, 800, 7)
    assert (one.batch_size, one.lr, one.weight_decay, one.schedule, one.warmup) == (2, 1e-5, 1e-2, "constant", 0)
    assert (two.words, one.beginnings) == (["<new1>", "<new2>"], ["ktn", "pll", "ucd"])


@pytest.mark.parametrize(("words", "said"), [
    ([], "--data is missing"),
    (["--data", "a,b", "--tokens", "<x>"], "another number of words"),
    (["--data", "a,b", "--tokens", "<x>,x"], "too much alike"),
    (["--data", "a,b,c,d"], "--initial names too few words"),
    (["--data", "REG"], "not a subject dataset"),
    (["--data", "DATA", "--base", "tiny", "--initial", "unheardof"], "not one token"),
    (["--data", "DATA", "--regularization", "DATA"], "not a regularization dataset"),
])
def test_what_cannot_be_done_is_one_line(words: list[str], said: str, data: Path, others: Path, tmp_path: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    there = {"DATA": str(data), "REG": str(others)}
    assert cli.main(["custom", "--out", str(tmp_path / "out"), *(there.get(word, word) for word in words)]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("trainers: ")]
    assert len(error) == 1 and said in error[0]
