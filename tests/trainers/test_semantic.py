from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch

from trainers.bases import Base, open_base
from trainers.rows import TrainedRows, add_tokens, train_rows
from trainers.semantic import semantic_loss


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bases")


def _with_words(place: Path, kind: str = "tiny") -> tuple[Base, list[TrainedRows]]:
    """A base with the new words <new1> and <new2>, whose rows are far from what others are."""
    base = open_base(kind, place)
    ids = [add_tokens(base, name, seed=seed).ids for seed, name in enumerate(("<new1>", "<new2>"))]
    tables = train_rows(base, [[its[0] for its in of] for of in zip(*ids, strict=True)])
    for table in tables:
        table.rows.data *= 5
    return base, tables


def _silent(encoder: Any) -> Any:
    """The encoder with blocks that add nothing: its output is the norm of token plus position."""
    for name, values in encoder.named_parameters():
        if "out_proj" in name or "fc2" in name:
            values.data.zero_()
    return encoder


def _normed(state: torch.Tensor) -> np.ndarray:
    values = state.detach().double().numpy()
    return (values - values.mean()) / np.sqrt(values.var() + 1e-5)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_it_is_read_at_the_end_of_both_phrases(place: Path) -> None:
    base, _ = _with_words(place)
    encoder, end = _silent(base.text_encoders[0]), base.tokenizers[0].eos_token_id
    words = encoder.get_input_embeddings().weight
    positions = encoder.embeddings.position_embedding.weight
    # start a photo of a <new1> backpack end: the end is at 7, and at 6 without the new word.
    expected = 1 - _cosine(_normed(words[end] + positions[7]), _normed(words[end] + positions[6]))
    assert expected > 1e-4
    assert semantic_loss(base, [("<new1>", "backpack")]).item() == pytest.approx(expected, abs=1e-6)


def test_the_released_code_reads_the_bare_new_word(place: Path) -> None:
    base, tables = _with_words(place)
    encoder, end = _silent(base.text_encoders[0]), base.tokenizers[0].eos_token_id
    positions = encoder.embeddings.position_embedding.weight
    of_class = _normed(encoder.get_input_embeddings().weight[end] + positions[6])
    expected = 1 - _cosine(_normed(tables[0].rows[0]), of_class)
    found = semantic_loss(base, [("<new1>", "backpack")], released=True)
    assert found.item() == pytest.approx(expected, abs=1e-6)
    assert abs(found.item() - semantic_loss(base, [("<new1>", "backpack")]).item()) > 1e-2
    assert not encoder.embeddings._forward_hooks


def test_what_follows_the_new_word_counts_but_in_the_released_code(place: Path) -> None:
    base, _ = _with_words(place)
    states: dict[str, torch.Tensor] = {}
    encoder = base.text_encoders[0]

    def note(_: object, given: object, told: Any) -> None:
        states["last"] = told.last_hidden_state.detach()

    encoder.register_forward_hook(note)
    losses = {}
    for noun in ("backpack", "vase"):
        losses[noun] = semantic_loss(base, [("<new1>", noun)], released=True).item()
        of_concept = states["last"][0, 5]  # the new word's place
        of_class = states["last"][1, 6]  # the end
        assert losses[noun] == pytest.approx(1 - torch.cosine_similarity(of_concept, of_class, 0).item(), abs=1e-6)
    plain = [semantic_loss(base, [("<new1>", noun)]).item() for noun in ("backpack", "vase")]
    assert plain[0] != plain[1]


def test_several_concepts_and_encoders_count_alike(place: Path) -> None:
    concepts = [("<new1>", "backpack"), ("<new2>", "small red berry bowl")]  # of other lengths: one is padded
    base, _ = _with_words(place)
    alone = [semantic_loss(base, [one]).item() for one in concepts]
    assert abs(alone[0] - alone[1]) > 1e-4
    assert semantic_loss(base, concepts).item() == pytest.approx(sum(alone) / 2, abs=1e-6)

    both, _ = _with_words(place, "tiny-sdxl")
    found = semantic_loss(both, concepts[:1]).item()
    parts = []
    for tokenizer, encoder in zip(both.tokenizers, both.text_encoders, strict=True):
        ends = [encoder(torch.tensor([tokenizer(text).input_ids])).last_hidden_state[0, -1]
                for text in ("a photo of a <new1> backpack", "a photo of a backpack")]
        parts.append(1 - torch.cosine_similarity(*ends, 0).item())
    assert parts[0] != parts[1]
    assert found == pytest.approx(sum(parts) / 2, abs=1e-6)


@pytest.mark.parametrize("released", [False, True])
def test_its_gradient_reaches_only_the_rows_of_its_words(place: Path, released: bool) -> None:
    base, tables = _with_words(place)
    semantic_loss(base, [("<new2>", "backpack")], released).backward()
    reached = [name for module in base.modules.values() for name, one in module.named_parameters()
               if one.grad is not None]
    assert reached == ["embeddings.token_embedding.rows"]
    gradient = tables[0].rows.grad
    assert gradient is not None
    assert gradient[1].norm().item() > 0 and gradient[0].norm().item() == 0


def test_it_pulls_the_concept_to_its_class(place: Path) -> None:
    base, tables = _with_words(place)
    optimizer = torch.optim.Adam([tables[0].rows], lr=1e-2)
    losses = []
    for _ in range(40):
        loss = semantic_loss(base, [("<new1>", "backpack")])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
