"""Pairs of a small subject and a small regularization set, opened as a user would."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from schemas.errors import BuildError  # noqa: E402
from schemas.features import SUBJECT  # noqa: E402
from tests.trainers import made  # noqa: E402
from trainers.captions import without_words  # noqa: E402
from trainers.data import open_data  # noqa: E402
from trainers.training import draws  # noqa: E402
from trainers.training.draws import At  # noqa: E402
from trainers.training.feeding import Share, batches, gather  # noqa: E402
from trainers.views.decks import Deck, Frame  # noqa: E402
from trainers.views.pairs import Pairs  # noqa: E402

FRAME = Frame(side=32, latent=(4, 4, 4), timesteps=1000)


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    subject = open_data(str(made.subject(tmp_path / "pack")), "--data", "subject")
    others = open_data(str(made.regularization(tmp_path / "reg")), "--regularization", "regularization")
    return Pairs(Deck(subject.rows, FRAME),
                 Deck(others.rows, FRAME, without_words(1), stream="regularizers", prior=True))


def test_every_slot_pairs_the_subject_with_a_regularizer(pairs: Pairs) -> None:
    """Each with its own caption and draws; every row once an epoch, also where an epoch ends within a step."""
    found = [pairs.rows(At(0, step, slot, whole=3)) for step in range(8) for slot in range(3)]
    assert all([row["prior"] for row in pair] == [False, True] for pair in found)
    ones, others = ([pair[side]["id"] for pair in found] for side in range(2))
    assert all(sorted(ones[at : at + 4]) == [f"pack/0{row}" for row in range(4)] for at in range(0, 24, 4))
    assert all(sorted(others[at : at + 8]) == [f"0000{row}" for row in range(8)] for at in range(0, 24, 8))
    texts = {row["id"]: row["text"] for pair in found for row in pair}
    assert texts["pack/01"] == "a olis backpack in the snow" and texts["pack/03"] == "a olis backpack"
    assert {text for name, text in texts.items() if name < "1"} == {"a photo of a backpack on a rug"}
    assert len({pair[0]["timestep"] for pair in found}) > 15


def test_draws_are_those_of_the_row_at_its_place(pairs: Pairs) -> None:
    at = At(7, 5, 1, whole=2)
    for row in pairs.rows(at):
        assert torch.equal(row["noise"], draws.noise((4, 4, 4), at, row["id"]))
        assert torch.equal(row["latent_noise"], draws.latent_noise((4, 4, 4), at, row["id"]))
        assert row["timestep"] == draws.timestep(at, row["id"], 1000)
    assert not torch.equal(pairs.rows(at)[0]["noise"], pairs.rows(at)[1]["noise"])


def test_both_halves_are_cropped_and_their_coordinates_are_the_squares(pairs: Pairs) -> None:
    """The ground's blue rises from 100 to 250 across the subject's pictures: it tells where a square was cut."""
    batch = gather(pairs, seed=0, step=0, slots=range(8), whole=8)
    assert (batch["sizes"][:, 4:] == 32).all() and len({tuple(size.tolist()) for size in batch["sizes"]}) > 12
    assert all(32 <= size[:2].min() <= 43 for size in batch["sizes"])
    for pixels, (_, width, _, left, _, _) in zip(batch["pixels"][:8], batch["sizes"][:8].tolist(), strict=True):
        blue = (pixels[2, 1] + 1) * 127.5  # a row above the square of colour
        expected = 100 + 150 * (left + np.arange(32) + 0.5) / width
        assert (pixels[0] > 0.9).any() and np.abs(blue.numpy()[1:-1] - expected[1:-1]).max() < 5


def test_two_processes_see_what_one_sees(pairs: Pairs) -> None:
    one = next(batches(pairs, 0, range(3, 4), Share(batch=4), threads=2))[0]
    two = [next(batches(pairs, 0, range(3, 4), Share(batch=2, processes=2, process=process), threads=1))[0]
           for process in range(2)]
    assert one["ids"] == two[0]["ids"][:2] + two[1]["ids"][:2] + two[0]["ids"][2:] + two[1]["ids"][2:]
    both = torch.cat([batch["noise"] for batch in two])
    assert torch.equal(one["noise"], both[[0, 1, 4, 5, 2, 3, 6, 7]])


def test_a_deck_alone_near_and_far_mirrored(tmp_path: Path) -> None:
    rows = open_data(str(made.subject(tmp_path / "pack")), "--data", "subject").rows
    frame = Frame(side=32, latent=(4, 4, 4), timesteps=10, flip=True, augment="near-far")
    found = [Pairs(Deck(rows, frame)).rows(At(0, step, 0)) for step in range(200)]
    assert all(len(one) == 1 and one[0]["mask"].shape == (1, 4, 4) for one in found)
    begun = Counter(row["text"].partition("olis")[0] for [row] in found)
    assert set(begun) == {"a ", "a far away ", "very small ", "zoomed in ", "close up "}
    falling = sum(bool(row["pixels"][2, 1, 3] > row["pixels"][2, 1, -3]) for [row] in found
                  if "zoomed" in row["text"] or "close" in row["text"])
    assert 15 < falling < 55  # half of the near ones, which are a third


def test_a_picture_that_cannot_be_read_names_its_row(tmp_path: Path) -> None:
    data = made.encoded(made.painted((1, 2, 3)))[:100]
    row = {column.name: "" for column in SUBJECT} | {"id": "pack/09", "image": {"bytes": data, "path": None},
                                                     "width": 64, "height": 48, "kind": "object"}
    rows = open_data(str(made.write(tmp_path / "1.0.0", "subject", SUBJECT, [row])), "--data", "subject").rows
    with pytest.raises(BuildError, match="picture of row pack/09 cannot be used: truncated"):
        list(batches(Pairs(Deck(rows, FRAME)), 0, range(2), Share(), threads=2))
