"""The released code's concept score: what it learns of planted concepts, and what its network says at rest."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from annotators import concept_classifier  # noqa: E402
from annotators.concept_classifier import LAYERS, Classifier, folded, network, train  # noqa: E402
from schemas.errors import UsageError  # noqa: E402

WIDTH = 8


def embeddings(count: int, seed: int, concept: bool) -> np.ndarray:
    """Unit vectors, around one direction where they show the concept."""
    drawn = np.random.default_rng(seed).normal(size=(count, WIDTH)) + (5 * np.eye(WIDTH)[0] if concept else 0)
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def learnt() -> Classifier:
    return train(embeddings(20, 1, True), embeddings(30, 2, False), seed=7)


def test_the_planted_concept_scores_high_and_others_low(learnt: Classifier) -> None:
    mine, others = learnt.scores(embeddings(300, 3, True)), learnt.scores(embeddings(300, 4, False))
    assert mine.dtype == np.float32 and mine.shape == (300,)
    assert mine.min() >= 0 and mine.max() <= 10 and others.min() >= 0
    assert mine.mean() > 8 and others.mean() < 4
    assert np.mean(mine[:, None] > others[None, :]) > 0.95


def test_the_same_seed_learns_the_same_and_leaves_torch_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concept_classifier, "EPOCHS", 2)
    given = embeddings(20, 1, True), embeddings(30, 2, False)
    torch.set_num_threads(1)
    first, other = train(*given, seed=7), train(*given, seed=8)
    torch.set_num_threads(2)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    again = train(*given, seed=7)
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == 2
    asked = embeddings(50, 5, True)
    assert again.scores(asked).tobytes() == first.scores(asked).tobytes() != other.scores(asked).tobytes()


def test_scores_do_not_depend_on_other_rows_or_their_number(learnt: Classifier) -> None:
    asked = np.concatenate([embeddings(3000, 6, True), embeddings(3000, 7, False)])
    whole = learnt.scores(asked)
    assert learnt.scores(asked[4090:4100]) == pytest.approx(whole[4090:4100], abs=1e-6)
    assert learnt.scores(asked.astype(np.float16)[:9]) == pytest.approx(whole[:9], abs=0.05)
    assert learnt.scores(asked[:0]).shape == (0,)


def test_at_rest_the_network_is_what_it_is_folded_into() -> None:
    torch.manual_seed(2)
    net = network(WIDTH)
    assert [tuple(one.shape) for one in net.parameters()] == [
        (LAYERS[0], WIDTH), (LAYERS[0],), (LAYERS[0],), (LAYERS[0],), (LAYERS[1], LAYERS[0]), (LAYERS[1],),
        (LAYERS[1],), (LAYERS[1],), (2, LAYERS[1])]
    with torch.no_grad():
        for norm in (net[1], net[3]):
            for part in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                part.copy_(torch.rand(len(part)) + 0.1)
        asked = embeddings(20, 8, False)
        said = 10 * torch.softmax(net.eval()(torch.from_numpy(asked)), dim=1)[:, 0]
    assert np.ptp(said.numpy()) > 0.01
    assert folded(net).scores(asked) == pytest.approx(said.numpy(), abs=1e-4)


@pytest.mark.parametrize("others", [1, 64], ids=["two", "sixty-five"])
def test_one_picture_is_enough_and_a_lone_last_one_waits(monkeypatch: pytest.MonkeyPatch, others: int) -> None:
    """Of 65 the last is a batch of its own, which batch norm could not read."""
    monkeypatch.setattr(concept_classifier, "EPOCHS", 2)
    found = train(embeddings(1, 1, True), embeddings(others, 2, False), seed=0)
    assert np.isfinite(found.scores(embeddings(5, 3, True))).all()


@pytest.mark.parametrize("missing", [0, 1])
def test_one_kind_alone_teaches_nothing(missing: int) -> None:
    given = [embeddings(3, 1, True), embeddings(3, 2, False)]
    given[missing] = given[missing][:0]
    with pytest.raises(UsageError, match="at least one of each"):
        train(*given, seed=0)
