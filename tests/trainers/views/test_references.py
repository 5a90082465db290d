"""Figures of which every block is known, seen by every setting."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.trainers import made  # noqa: E402
from trainers.data import open_data  # noqa: E402
from trainers.training.draws import At  # noqa: E402
from trainers.training.feeding import gather  # noqa: E402
from trainers.views.identities import COLUMNS, Identities  # noqa: E402
from trainers.views.references import Asked, References, Sheet, tally  # noqa: E402

SHEET = Sheet(side=64, latent=(4, 8, 8), timesteps=1000)
WHOLE = Sheet(side=64, latent=(4, 8, 8), timesteps=1000, low=1, flip=False)
"""Figures of 60 x 80 then lie at 0.8 in columns 8 .. 56."""
HALF = pytest.approx(0.5, abs=0.1)


def opened(folder: Path, **given: Any) -> Identities:
    return Identities(open_data(str(made.figures(folder, **given)), "--data", "retribooru", COLUMNS).rows)


def seen(view: References, count: int = 60) -> list[Any]:
    return [view.rows(At(0, step, 0))[0] for step in range(count)]


def colour(pixels: Any, x: int, y: int) -> tuple[int, ...]:
    """At a place of the figure."""
    return tuple(((pixels[:, round(y * 0.8), 8 + round(x * 0.8)] + 1) * 127.5).round().int().tolist())


def test_a_shows_the_target_and_b_only_others_that_similar_names(tmp_path: Path) -> None:
    """All of them have their turn: a's are b, c, d, but neither its own file under another name nor what is gone. b and
    d are near copies of one outfit, tied by a: neither ever stands for the other."""
    identities = opened(tmp_path)
    shown: dict[str, set[str]] = {}
    for row in seen(References(identities, SHEET, Asked()), 100):
        shown.setdefault(row["id"], set()).update(row["reference_ids"])
    assert shown == {"a": {"b", "c", "d"}, "b": {"a"}, "c": {"a", "b"}, "d": {"c"}, "twin": {"b"}}
    own = seen(References(identities, SHEET, Asked(own=True, count=3)))
    assert all(row["reference_ids"] == [row["id"]] * 3 for row in own)


def test_every_row_is_a_target_once_in_an_epoch(tmp_path: Path) -> None:
    view = References(opened(tmp_path), SHEET, Asked())
    ids = [view.rows(At(0, step, slot, whole=2))[0]["id"] for step in range(10) for slot in range(2)]
    assert all(sorted(ids[at : at + 5]) == ["a", "b", "c", "d", "twin"] for at in range(0, 20, 5))


def test_references_begin_anew_where_there_are_fewer(tmp_path: Path) -> None:
    identities = opened(tmp_path)
    for row in seen(References(identities, SHEET, Asked(count=4))):
        ids = row["reference_ids"]
        distinct = {"a": 3, "b": 1, "c": 2, "d": 1, "twin": 1}[row["id"]]
        assert len(set(ids[:distinct])) == distinct and ids[distinct:] == ids[: 4 - distinct]
        assert row["reference_mask"].all()
    orders = {tuple(row["reference_ids"][:3]) for row in seen(References(identities, SHEET, Asked(count=4)), 200)
              if row["id"] == "a"}
    assert len(orders) == 6


def test_masked_references_are_those_that_repeat_a_file_and_its_concept(tmp_path: Path) -> None:
    identities = opened(tmp_path)
    for row in seen(References(identities, SHEET, Asked(count=4, repeat="mask"))):
        assert row["reference_mask"].tolist() == [n < len(set(row["reference_ids"])) for n in range(4)]
        assert (row["references"][~row["reference_mask"]] == 1).all()
        assert (row["references"][row["reference_mask"]] < 1).flatten(1).any(1).all()
    for row in seen(References(identities, SHEET, Asked(count=4, compose=1, repeat="mask"))):
        pairs = list(zip(row["reference_ids"], row["concepts"], strict=True))
        assert row["reference_mask"].tolist() == [pair not in pairs[:n] for n, pair in enumerate(pairs)]


def test_only_the_file_differs_between_a_and_b(tmp_path: Path) -> None:
    """All rows have the same pixels here, in files that differ: a and b must then show the very same."""
    data = [{"image": {"bytes": made.encoded(made.figure(0)) + b"\0" * n, "path": None}, "sha256": f"{n}"}
            for n in range(3)]
    identities = opened(tmp_path, similar={"a": ["b"], "b": ["c"], "c": ["a"]}, a=data[0], b=data[1], c=data[2])
    for compose in (0, 1):
        own, other = (seen(References(identities, SHEET, Asked(own=own, count=3, compose=compose)), 12)
                      for own in (True, False))
        for one, two in zip(own, other, strict=True):
            assert torch.equal(one["pixels"], two["pixels"]) and torch.equal(one["references"], two["references"])
            assert one["concepts"] == two["concepts"] and set(one["reference_ids"]).isdisjoint(two["reference_ids"])


def test_target_and_references_are_transformed_apart(tmp_path: Path) -> None:
    """The target is the same whatever is asked for; and no two pictures of one file are alike."""
    identities = opened(tmp_path)
    plain = seen(References(identities, SHEET, Asked(own=True)), 12)
    more = seen(References(identities, SHEET, Asked(count=4, own=True, compose=0.5)), 12)
    for one, four in zip(plain, more, strict=True):
        assert all(torch.equal(one[name], four[name]) for name in ("pixels", "noise", "valid", "face_pixels"))
        assert one["timestep"] == four["timestep"]
    assert all(not torch.equal(row["pixels"], row["references"][0]) for row in plain)
    row = seen(References(identities, SHEET, Asked(own=True, count=4)), 1)[0]
    assert len({picture.sum().item() for picture in row["references"]}) == 4


def test_what_is_shown_follows_from_the_place_alone(tmp_path: Path) -> None:
    identities, asked = opened(tmp_path), Asked(count=2, compose=0.5, prompt_drop=0.5, mattes=True)
    first = seen(References(identities, SHEET, asked), 8)
    again = [References(identities, SHEET, asked).rows(At(0, step, 0))[0] for step in reversed(range(8))][::-1]
    for one, two in zip(first, again, strict=True):
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) if isinstance(one[name], torch.Tensor) else one[name] == two[name]
                   for name in one)


def test_concepts_are_cut_from_the_picture(tmp_path: Path) -> None:
    """With the box 1.6 times as wide (14 .. 46 by 2 .. 34) no red is left on the clothes, and no green, which the
    matte leaves out; the face fills a square of its own."""
    view = References(opened(tmp_path), WHOLE, Asked(count=4, compose=1))
    found = [cut for row in seen(view, 20) for cut in zip(row["concepts"], row["references"], strict=True)]
    assert {word for word, _ in found} == {"face", "clothes"}
    for word, pixels in found:
        red, green, blue = (pixels + 1) * 127.5
        if word == "clothes":
            assert colour(pixels, 30, 50) == made.BLUE and colour(pixels, 5, 60) == (255, 255, 255)
            assert all(colour(pixels, 30, y) == (255, 255, 255) for y in (4, 18, 30))
            assert not ((red > 150) & (green < 100)).any() and not ((green > 150) & (red < 100)).any()
            assert ((blue > 180) & (red < 60)).sum() == pytest.approx(30 * 38 * 0.64, rel=0.05)
        else:
            assert (pixels[:, 32, 32] + 1).mul(127.5).round().tolist() == list(made.RED)
            assert ((red > 110) & (green < 115)).sum() == pytest.approx(40 * 40, rel=0.05)  # 20 of 32, on 64


def test_concepts_are_drawn_independently_for_each_reference(tmp_path: Path) -> None:
    identities = opened(tmp_path)
    words = [row["concepts"] for row in seen(References(identities, SHEET, Asked(count=2, compose=1)), 300)]
    pairs = Counter(map(tuple, words))
    assert len(pairs) == 4 and all(count / 300 == pytest.approx(0.25, abs=0.08) for count in pairs.values())
    few = [row["concepts"] for row in seen(References(identities, SHEET, Asked(count=2, compose=1, faces=0.1)), 150)]
    assert sum(pair.count("face") for pair in few) / 300 == pytest.approx(0.1, abs=0.06)
    mixed = [row["concepts"] for row in seen(References(identities, SHEET, Asked(count=2, compose=0.5)), 200)]
    assert sum(pair == ["figure", "figure"] for pair in mixed) / 200 == HALF
    assert all(pair == ["figure", "figure"] or "figure" not in pair for pair in mixed)
    assert all(row["concepts"] == ["figure"] for row in seen(References(identities, SHEET, Asked())))


def test_clothes_behind_a_large_face_are_the_whole_figure(tmp_path: Path) -> None:
    """c's face covers 0.54 of the picture, d's 0.48, and of b no face is known."""
    identities = opened(tmp_path, similar={"a": ["b", "c", "d"], "b": ["c"], "c": ["d"], "d": ["b"]}, b={"bbox": None},
                        c={"bbox": [0.5, 0.5, 0.9, 0.6]}, d={"bbox": [0.5, 0.5, 0.8, 0.6]})
    rows = seen(References(identities, WHOLE, Asked(count=3, compose=1)), 80)
    words: dict[str, set[str]] = {}
    for row in rows:
        for name, word, pixels in zip(row["reference_ids"], row["concepts"], row["references"], strict=True):
            words.setdefault(name, set()).add(word)
            if word == "figure":
                assert colour(pixels, 30, 18) == made.RED and colour(pixels, 5, 60) == (20, 200, 20)
    assert words == {"b": {"figure"}, "c": {"face", "figure"}, "d": {"face", "clothes"}}


def test_the_loss_is_told_where_picture_and_face_are(tmp_path: Path) -> None:
    """At 0.8 the face of 20 .. 40 by 8 .. 28 lies in 24 .. 40 by 6 .. 22."""
    row = seen(References(opened(tmp_path), WHOLE, Asked(mattes=True)), 1)[0]
    assert row["valid_pixels"].sum() == 48 * 64 and torch.equal(row["mask"], row["valid"])
    assert row["valid"].shape == (1, 8, 8) and row["valid"].sum() == 6 * 8 and (row["valid"][:, :, 1:7] == 1).all()
    assert row["face_pixels"].sum() == 16 * 16 and (row["face_pixels"][:, 6:22, 24:40] == 1).all()
    assert row["face"].sum() == 6 and (row["face"][:, 0:3, 3:5] == 1).all()
    for matte in (row["matte"], row["reference_mattes"][0]):
        assert matte[0, 14, 32] == 1 and matte[0, 40, 32] == 1 and matte[0, 14, 12] == 0 and matte[0, 14, 2] == 0
    assert not seen(References(opened(tmp_path / "no", a={"bbox": None}, similar={"a": ["b"], "b": ["a"]},
                                      b={"bbox": None}), SHEET, Asked()), 1)[0]["face"].any()


def test_prompts_are_tags_in_words_or_nothing(tmp_path: Path) -> None:
    identities = opened(tmp_path)
    texts = Counter(row["text"] for row in seen(References(identities, SHEET, Asked(prompt_drop=0.5)), 200))
    assert set(texts) == {"1girl, ^_^, long sleeves", ""} and texts[""] / 200 == HALF
    assert {row["text"] for row in seen(References(identities, SHEET, Asked()), 20)} == {"1girl, ^_^, long sleeves"}


def test_a_batch_holds_all_of_it_and_is_tallied(tmp_path: Path) -> None:
    batch: Any = gather(References(opened(tmp_path), SHEET, Asked(count=3)), 0, 0, range(5), 5)
    assert batch["references"].shape == (5, 3, 3, 64, 64) and batch["reference_mask"].dtype == torch.bool
    assert batch["valid"].shape == (5, 1, 8, 8) and batch["face_pixels"].shape == (5, 1, 64, 64)
    assert sorted(batch["ids"]) == ["a", "b", "c", "d", "twin"] and all(len(words) == 3 for words in batch["concepts"])
    found = {name: value.item() for name, value in tally(batch).items()}
    assert found == pytest.approx({"references": (3 + 1 + 2 + 1 + 1) / 5, "figure": 1, "face": 0, "clothes": 0})
    by_hand = tally({"concepts": [["face", "face"], ["clothes", "figure"]], "reference_ids": [["x", "y"], ["z", "z"]]})
    assert {name: value.item() for name, value in by_hand.items()} == {"references": 1.5, "figure": 0.25, "face": 0.5,
                                                                       "clothes": 0.25}
