from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")

import torch
from datasets import Dataset
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import load_file
from torch import Tensor

from schemas.errors import UsageError
from tests.trainers import made
from trainers import dreambooth
from trainers.bases import Base, open_base
from trainers.data import Data, open_data
from trainers.dreambooth import Dreambooth, Identity
from trainers.dreambooth_options import Dreambooth as Options
from trainers.training.draws import At
from trainers.training.feeding import Batch, gather

OLIS = Identity("olis", "backpack")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bases")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("data")
    return made.subject(place / "pack"), made.regularization(place / "set")


def options(family: str = "sd", **given: Any) -> Options:
    return Options(**{"data": "d", "regularization": "r", "out": Path("out"), "resolution": 32, **given}
                   ).resolved(family)  # type: ignore[arg-type]


def data(folder: Path, recipe: str = "subject") -> Data:
    return open_data(str(folder), "--data", recipe)


def rows(**columns: list[str]) -> Data:
    return Data(Dataset.from_dict(columns), "d", "", "", "", None)


def batch_of(folders: tuple[Path, Path], base: Base, given: Options, slots: int = 2) -> Batch:
    view = dreambooth.view_of(data(folders[0]), data(folders[1], "regularization"), base, given)
    return gather(view, 0, 0, range(slots), slots)


def steps(method: Dreambooth, batch: Batch, count: int = 2) -> None:
    optimizer = torch.optim.AdamW(method.groups(1e-3))
    for _ in range(count):
        optimizer.zero_grad()
        method(batch)["loss"].backward()
        optimizer.step()


def copies(base: Base) -> dict[str, Tensor]:
    return {f"{part}.{name}": weight.detach().clone() for part, module in base.modules.items()
            for name, weight in module.state_dict().items()}


def moved(base: Base, before: dict[str, Tensor]) -> set[str]:
    return {name for name, weight in copies(base).items() if name in before and not torch.equal(weight, before[name])}


def test_of_sd_the_entire_model_trains_and_the_autoencoder_stays(bases: Path, folders: tuple[Path, Path]) -> None:
    base = open_base("tiny", bases)
    given = options()
    method, before = Dreambooth(base, given, OLIS), copies(base)
    steps(method, batch_of(folders, base, given))
    assert {name.split(".")[0] for name in before} == {"unet", "text_encoder", "vae"}
    assert moved(base, before) == {name for name in before if not name.startswith("vae.")}
    assert set(method.trained()) == {name for name, _ in method.named_parameters() if not name.startswith("vae.")}


def test_a_frozen_text_encoder_stays_bit_for_bit(bases: Path, folders: tuple[Path, Path]) -> None:
    base = open_base("tiny", bases)
    given = options(freeze_text_encoder=True)
    method, before = Dreambooth(base, given, OLIS), copies(base)
    steps(method, batch_of(folders, base, given))
    assert moved(base, before) == {name for name in before if name.startswith("unet.")}


def test_of_sdxl_a_lora_and_the_identifiers_rows_train_and_nothing_else(bases: Path,
                                                                        folders: tuple[Path, Path]) -> None:
    base = open_base("tiny-sdxl", bases)
    given = options("sdxl", lora=4)
    before = copies(base)
    tables = [encoder.get_input_embeddings().weight.detach().clone() for encoder in base.text_encoders]
    method = Dreambooth(base, given, OLIS)
    steps(method, batch_of(folders, base, given))
    # peft puts what it wraps one level down, and the table lies within its trained rows.
    same = {name.replace(".base_layer.", ".").replace(".table.", "."): weight for name, weight in copies(base).items()}
    assert all(torch.equal(same[name], weight) for name, weight in before.items())
    for encoder, tokenizer, table in zip(base.text_encoders, base.tokenizers, tables, strict=True):
        now = encoder.get_input_embeddings().weight.detach()
        [olis] = tokenizer("olis", add_special_tokens=False).input_ids
        assert [at for at in range(len(table)) if not torch.equal(now[at], table[at])] == [olis]
    assert all("lora_" in name or name.endswith(".rows") for name in method.trained())
    assert any("text_encoders.1" in name and "lora_A" in name for name in method.trained())


@pytest.mark.parametrize(("kind", "family", "given"), [
    ("tiny", "sd", {}), ("tiny", "sd", {"lora": 4}), ("tiny-sdxl", "sdxl", {"lora": 4}),
    ("tiny-sdxl", "sdxl", {"lora": 0}), ("tiny-sdxl", "sdxl", {"lora": 4, "freeze_text_encoder": True})])
def test_all_that_trains_has_a_gradient(kind: str, family: str, given: dict[str, Any], bases: Path,
                                        folders: tuple[Path, Path]) -> None:
    """Else several processes would wait for what never comes."""
    base = open_base(kind, bases)
    resolved = options(family, **given)
    method = Dreambooth(base, resolved, OLIS)
    method(batch_of(folders, base, resolved))["loss"].backward()
    assert [name for name, weight in method.trained().items() if weight.grad is None] == []


def test_the_loss_is_the_subjects_and_so_much_of_the_regularizers(bases: Path, folders: tuple[Path, Path]) -> None:
    base = open_base("tiny", bases)
    batch = batch_of(folders, base, options())
    said = {weight: Dreambooth(base, options(prior_weight=weight), OLIS)(batch) for weight in (0.0, 1.0, 2.5)}
    for weight, parts in said.items():
        assert set(parts) == {"loss", "instance", "prior"}
        assert parts["loss"].item() == pytest.approx(parts["instance"].item() + weight * parts["prior"].item())
    assert said[0.0]["loss"].item() > 0 and said[1.0]["prior"].item() > 0


def test_every_example_is_one_of_each_with_its_own_caption(bases: Path, folders: tuple[Path, Path]) -> None:
    base = open_base("tiny", bases)
    batch = batch_of(folders, base, options(word_dropout=0.0), slots=3)
    assert batch["prior"].tolist() == [False] * 3 + [True] * 3
    assert all(name.startswith("pack/") for name in batch["ids"][:3])
    assert [text for text in batch["texts"] if not ("olis backpack" in text) ^ text.startswith("a photo of")] == []
    plain = batch_of(folders, base, options(captions="class"), slots=3)
    assert plain["texts"][:3] == ["a olis backpack"] * 3


def test_words_are_dropped_of_regularizers_alone(bases: Path, folders: tuple[Path, Path]) -> None:
    base = open_base("tiny", bases)
    batch = batch_of(folders, base, options(word_dropout=1.0), slots=3)
    assert set(batch["texts"][3:]) == {"a photo of a backpack on a rug"}
    written = open_data(str(folders[0]), "--data", "subject").rows["text"]
    assert set(batch["texts"][:3]) <= set(written)


def test_bigger_prefixes_hold_smaller_ones(bases: Path, folders: tuple[Path, Path]) -> None:
    base = open_base("tiny", bases)

    def seen(**given: Any) -> tuple[set[str], set[str]]:
        view = dreambooth.view_of(data(folders[0]), data(folders[1], "regularization"), base, options(**given))
        pairs = [view.rows(At(0, step, 0)) for step in range(8)]
        return {one["id"] for one, _ in pairs}, {other["id"] for _, other in pairs}

    one, two, all_ = (seen(max_instances=count, max_regularizers=of) for count, of in ((1, 2), (2, 5), (None, None)))
    assert [len(ids) for ids in (*one, *two, *all_)] == [1, 2, 2, 5, 4, 8]
    assert one[0] < two[0] < all_[0] and one[1] < two[1] < all_[1]


def test_without_regularization_the_batch_is_the_subjects(bases: Path, folders: tuple[Path, Path]) -> None:
    base = open_base("tiny", bases)
    given = options(regularization="none")
    assert dreambooth.open_regularization(given, OLIS) is None
    batch = gather(dreambooth.view_of(data(folders[0]), None, base, given), 0, 0, [0, 1], 2)
    assert batch["prior"].tolist() == [False, False]
    assert set(Dreambooth(base, given, OLIS)(batch)) == {"loss", "instance"}


def test_an_identifier_that_splits_is_refused(bases: Path) -> None:
    with pytest.raises(UsageError, match=r"not one token.* --token olis$"):
        Dreambooth(open_base("tiny", bases), options(), Identity("zqxv", "backpack"))


def test_captions_that_lack_the_class_are_told() -> None:
    whole = rows(id=["a", "b"], text=["a olis cat", "a dog"], token=["olis"] * 2, class_name=["cat"] * 2)
    with pytest.raises(UsageError, match=r"1 of 2 captions lack the words 'olis cat' \(got 'b: a dog'\).*build s"):
        dreambooth.identity_of(whole)
    two = rows(id=["a", "b"], text=["a olis cat", "a olis dog"], token=["olis"] * 2, class_name=["cat", "dog"])
    with pytest.raises(UsageError, match=r"more than one identifier or class.*olis cat, olis dog"):
        dreambooth.identity_of(two)


def test_a_set_of_another_class_is_refused(folders: tuple[Path, Path]) -> None:
    given = options(regularization=str(folders[1]))
    assert dreambooth.open_regularization(given, OLIS) is not None
    with pytest.raises(UsageError, match=r"--regularization: 8 of 8 captions lack the words 'dog'.*build regul"):
        dreambooth.open_regularization(given, Identity("olis", "dog"))


def test_the_baseline_takes_a_class_only_set(folders: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match=r"every prompt is the class \(got 'a photo of a .*--prompts class-only"):
        dreambooth.check_class_only(data(folders[1], "regularization"), OLIS)
    dreambooth.check_class_only(rows(id=["0", "1"], text=["an owl"] * 2), Identity("olis", "owl"))


def test_words_are_left_out_only_where_the_parts_of_prompts_are_told(folders: tuple[Path, Path]) -> None:
    dreambooth.check_set(data(folders[1], "regularization"), options())
    plain = rows(id=["0", "1"], text=["an owl"] * 2)
    dreambooth.check_set(plain, options(word_dropout=0.0))
    with pytest.raises(UsageError, match=r"--word-dropout leaves out.*--word-dropout 0"):
        dreambooth.check_set(plain, options())


def picture(pipeline: Any, prompt: str = "a olis backpack on a rock") -> Tensor:
    pipeline.set_progress_bar_config(disable=True)
    made_: Tensor = pipeline(prompt, num_inference_steps=2, generator=torch.Generator().manual_seed(0),
                             output_type="pt", height=32, width=32).images
    return made_


@pytest.mark.parametrize(("kind", "family", "given"), [
    ("tiny-v", "sd", {}), ("tiny", "sd", {"lora": 4}), ("tiny-sdxl", "sdxl", {"lora": 4})])
def test_what_the_card_says_loads_what_was_trained(kind: str, family: str, given: dict[str, Any], tmp_path: Path,
                                                   folders: tuple[Path, Path]) -> None:
    base = open_base(kind, tmp_path / "base")
    resolved = options(family, out=tmp_path, **given)
    method = Dreambooth(base, resolved, OLIS)
    steps(method, batch_of(folders, base, resolved))
    method.publish(tmp_path)
    usage = method.facts()["usage"].replace("OUT", str(tmp_path))
    loaded: dict[str, Any] = {}
    exec(usage[: usage.index("picture = ")], loaded)
    pipe, own = loaded["pipe"], method.pipeline()
    pipe.scheduler = own.scheduler if given else pipe.scheduler
    assert type(pipe.scheduler).__name__ == "DDIMScheduler"
    assert pipe.scheduler.config.prediction_type == base.scheduler.config.prediction_type
    assert torch.equal(picture(pipe), picture(own))


def test_textual_inversion_takes_the_rows_of_both_encoders_under_a_new_name(tmp_path: Path,
                                                                            folders: tuple[Path, Path]) -> None:
    base = open_base("tiny-sdxl", tmp_path / "base")
    given = options("sdxl", lora=4, out=tmp_path)
    method = Dreambooth(base, given, OLIS)
    steps(method, batch_of(folders, base, given))
    method.publish(tmp_path / "out")
    rows_ = load_file(tmp_path / "out" / "olis.safetensors")
    assert {name: tuple(row.shape) for name, row in rows_.items()} == {"clip_l": (1, 32), "clip_g": (1, 32)}
    pipe = StableDiffusionXLPipeline.from_pretrained(base.folder)
    pipe.load_lora_weights(tmp_path / "out")
    pipe.load_textual_inversion(rows_["clip_l"], token="<olis>", text_encoder=pipe.text_encoder,
                                tokenizer=pipe.tokenizer)
    pipe.load_textual_inversion(rows_["clip_g"], token="<olis>", text_encoder=pipe.text_encoder_2,
                                tokenizer=pipe.tokenizer_2)
    # Else transformers takes the vector of the highest id, which is the new word's, for the whole sentence's.
    pipe.text_encoder_2.text_model.eos_token_id = pipe.tokenizer_2.eos_token_id
    pipe.scheduler = method.pipeline().scheduler
    assert torch.equal(picture(pipe, "a <olis> backpack on a rock"), picture(method.pipeline()))


def test_four_pictures_are_overfitted(bases: Path, folders: tuple[Path, Path]) -> None:
    """On draws of noise and timesteps that training never sees the loss falls by four fifths."""
    base = open_base("tiny", bases)
    given = options(regularization="none", lr=2e-3, resolution=64)
    view = dreambooth.view_of(data(folders[0]), None, base, given)
    method, fixed = Dreambooth(base, given, OLIS), gather(view, 1, 0, range(16), 16)

    def loss() -> float:
        with torch.no_grad():
            return float(method(fixed)["loss"])

    before, optimizer = loss(), torch.optim.AdamW(method.groups(2e-3))
    for step in range(80):
        optimizer.zero_grad()
        method(gather(view, 0, step, range(4), 4))["loss"].backward()
        optimizer.step()
    assert loss() < before / 5
