from hypothesis import given
from hypothesis import strategies as st

from builders.splits import SEEN, TRAIN, UNSEEN, Shares, assign


def test_nothing_is_held_out_without_shares() -> None:
    assert assign(["a", "b"], ["1", "2"], [], Shares(0, 0, 0)) == [TRAIN, TRAIN]


def test_small_datasets_still_get_each_split() -> None:
    characters = [name for name in "abcd" for _ in range(4)]
    outfits = [f"{name}{half}" for name in "abcd" for half in (0, 0, 1, 1)]
    splits = assign(characters, outfits, [], Shares(0.001, 0.001, 0))
    assert (splits.count(UNSEEN), splits.count(SEEN), splits.count(TRAIN)) == (4, 2, 10)


def test_a_lone_outfit_is_never_held_out_as_seen() -> None:
    assert SEEN not in assign(["a", "a", "b", "b"], ["a0", "a0", "b0", "b0"], [], Shares(0.5, 0, 0))


def test_near_copies_tie_characters_and_outfits() -> None:
    # Rows 0 and 2 are near copies, so both characters move together, and nothing is left for a test split.
    assert assign(["a", "a", "b", "b"], ["a0", "a0", "b0", "b0"], [(0, 2)], Shares(0, 0.5, 0)) == [TRAIN] * 4


def test_shares_are_met_about() -> None:
    characters = [f"c{n}" for n in range(2000) for _ in range(2)]
    outfits = [f"o{n}" for n in range(4000)]
    splits = assign(characters, outfits, [], Shares(0.1, 0.1, 3))
    assert 300 < splits.count(UNSEEN) < 500  # a tenth of 4,000
    assert 250 < splits.count(SEEN) < 450  # a tenth of the rest, less those whose other outfit is out already
    assert splits != assign(characters, outfits, [], Shares(0.1, 0.1, 4))


def test_more_data_moves_no_character() -> None:
    few = assign([f"c{n}" for n in range(500)], [f"o{n}" for n in range(500)], [], Shares(0, 0.1, 0))
    many = assign([f"c{n}" for n in range(900)], [f"o{n}" for n in range(900)], [], Shares(0, 0.1, 0))
    assert many[:500] == few


rows = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3)), min_size=1, max_size=40)


@given(rows, st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=6), st.floats(0, 0.5),
       st.floats(0, 0.5), st.integers(0, 5))
def test_invariants(rows: list[tuple[str, int]], pairs: list[tuple[int, int]], seen: float, unseen: float,
                    seed: int) -> None:
    near = [(i, j) for i, j in pairs if i < j < len(rows)]
    characters = [name for name, _ in rows]
    outfits = [f"{name}{number}" for name, number in rows]
    splits = assign(characters, outfits, near, Shares(seen, unseen, seed))
    for i, j in near:
        assert splits[i] == splits[j]
    for outfit in set(outfits):
        assert len({split for split, other in zip(splits, outfits, strict=True) if other == outfit}) == 1
    for character in set(characters):
        mine = {split for split, other in zip(splits, characters, strict=True) if other == character}
        assert mine == {UNSEEN} or UNSEEN not in mine
        assert SEEN not in mine or TRAIN in mine
    assert TRAIN in splits
    assert assign(characters[::-1], outfits[::-1], [(len(rows) - 1 - j, len(rows) - 1 - i) for i, j in near],
                  Shares(seen, unseen, seed)) == splits[::-1]
