"""InstructBLIP on a tiny model of its architecture, saved and loaded through the code that loads the real one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from annotators import instructblip  # noqa: E402
from annotators.base import Annotator  # noqa: E402
from annotators.instructblip import BATCH, NEW_TOKENS, PROMPT, InstructBlipAnswers  # noqa: E402
from annotators.weights import files_digest  # noqa: E402
from benchmarks import random_blip  # noqa: E402
from schemas.answers import QUESTIONS  # noqa: E402
from schemas.errors import UsageError  # noqa: E402

SIDE = random_blip.TINY.side


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_blip.save(tmp_path_factory.mktemp("blip"))


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    sizes = rng.integers(20, 60, (count, 2))
    return [rng.integers(0, 256, (height, width, 3)).astype(np.uint8) for height, width in sizes.tolist()]


def one_by_one(folder: Path, shown: list[np.ndarray]) -> list[list[str]]:
    """The loop that anybody would write: one picture, one question, the whole model each time."""
    from transformers import InstructBlipForConditionalGeneration, InstructBlipProcessor

    torch.set_num_threads(1)
    model = InstructBlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = InstructBlipProcessor.from_pretrained(folder)
    answers = []
    for picture in shown:
        row = []
        for question in QUESTIONS:
            given = processor(images=picture, text=PROMPT.format(question), return_tensors="pt")
            with torch.inference_mode():
                made = model.generate(**given, do_sample=False, num_beams=1, max_new_tokens=NEW_TOKENS)
            said = processor.tokenizer.decode(made[0, given["input_ids"].shape[1]:], skip_special_tokens=True)
            row.append(" ".join(said.split()))
        answers.append(row)
    return answers


def test_answers_are_those_of_the_plain_loop(tiny: Path) -> None:
    shown = pictures(BATCH + 3)
    answers = InstructBlipAnswers(str(tiny))
    assert isinstance(answers, Annotator)
    found = answers({"image": shown})["answers"]
    assert found == one_by_one(tiny, shown)
    assert len({tuple(row) for row in found}) > BATCH  # the tiny model does look at the pictures
    assert len({answer for row in found for answer in row}) > len(QUESTIONS)  # and at the questions


def test_company_and_order_change_no_answer(tiny: Path) -> None:
    shown = pictures(BATCH + 2)
    answers = InstructBlipAnswers(str(tiny))
    together = answers({"image": shown})["answers"]
    assert answers({"image": shown[::-1]})["answers"] == together[::-1]
    assert [answers({"image": [one]})["answers"][0] for one in shown] == together
    assert answers({"image": []}) == {"answers": []}


def test_each_picture_can_have_questions_of_its_own(tiny: Path) -> None:
    """As many as it has, with a question mark or without, and the same answers as in other company."""
    shown, some = pictures(3), ("is there a dog", "is it red")
    free = InstructBlipAnswers(str(tiny), questions=())
    found = free({"image": shown, "questions": [some, ("is it red?",), some]})["answers"]
    alone = InstructBlipAnswers(str(tiny), questions=some)
    plain = alone({"image": shown})["answers"]
    assert free.needs == ("image", "questions") and found == [plain[0], [plain[1][1]], plain[2]]
    assert len({free.identity, alone.identity, InstructBlipAnswers(str(tiny)).identity}) == 3


def test_the_vision_tower_looks_once_at_each_batch(tiny: Path) -> None:
    answers = InstructBlipAnswers(str(tiny))
    answers({"image": pictures(1)})
    reader = instructblip._reader(str(tiny), "cpu")
    looks: list[tuple[int, ...]] = []
    look = reader._look

    def counted(**given: Any) -> Any:
        looks.append(tuple(given["pixel_values"].shape))
        return look(**given)

    reader._look = counted
    answers({"image": pictures(BATCH + 1)})
    reader._look = look
    assert looks == [(BATCH, 3, SIDE, SIDE)] * 2  # the second is filled up


def test_identity_follows_the_weights_and_not_the_folder(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "copy")
    one, same = InstructBlipAnswers(str(tiny)), InstructBlipAnswers(str(tmp_path / "copy"))
    assert one.identity == same.identity
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert InstructBlipAnswers(str(tmp_path / "copy")).identity != one.identity
    assert str(tmp_path) not in str(same.provenance) and same.provenance["sha256"] == one.provenance["sha256"]
    assert "float32 on cpu" in same.provenance["backend"] or torch.cuda.is_available()


def test_files_of_the_hubs_cache_are_known_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.safetensors").write_bytes(b"abc")
    blob = tmp_path / "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # sha256 of "abc"
    blob.write_bytes(b"never read")
    (tmp_path / "cached").mkdir()
    (tmp_path / "cached" / "a.safetensors").symlink_to(blob)
    assert files_digest(tmp_path / "plain") == files_digest(tmp_path / "cached")


def test_a_folder_that_is_half_a_model_is_a_usage_error(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "half")
    (tmp_path / "half" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UsageError, match="cannot read the InstructBLIP"):
        InstructBlipAnswers(str(tmp_path / "half"))({"image": pictures(1)})


def test_what_is_no_model_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds config\.json"):
        InstructBlipAnswers(str(tmp_path))


def test_a_worker_without_the_gpu_of_the_identity_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    answers = InstructBlipAnswers(str(tiny))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"has no GPU.*--gpus 1"):
        answers({"image": pictures(1)})
