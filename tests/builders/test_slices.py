import pytest

from builders.slices import Slice
from schemas.errors import UsageError
from schemas.records import Post, Rejected, drop

POSTS = [Post(id=f"{character}{artist}{number}", path=f"/mirror/{character}{artist}{number}.png",
              characters=(character,), artists=(artist,))
         for character in "abcdef" for artist in "wxyz" for number in range(3)]
GONE = [Rejected(str(number), f"figures/{number}.png", drop("no_metadata")) for number in range(10)]


def _ids(part: Slice, match: str = "artist") -> list[str]:
    return [item.id for item in part.rows(iter([*POSTS, *GONE]), match)]


def test_every_row_falls_to_one_slice() -> None:
    slices = [_ids(Slice(number, 4)) for number in (1, 2, 3, 4)]
    assert sorted(row for ids in slices for row in ids) == sorted(item.id for item in [*POSTS, *GONE])
    assert all(slices)
    assert _ids(Slice(1, 1)) == [item.id for item in [*POSTS, *GONE]]


@pytest.mark.parametrize(("match", "letters", "size"), [("artist", 2, 3), ("character", 1, 12)])
def test_an_identity_stays_whole(match: str, letters: int, size: int) -> None:
    for number in (1, 2, 3):
        ids = [row for row in _ids(Slice(number, 3), match) if row[0].isalpha()]
        for identity in {row[:letters] for row in ids}:
            assert sum(row[:letters] == identity for row in ids) == size


def test_the_slice_of_an_identity_is_pinned() -> None:
    # sha256("a\x1fx") begins with ef3b13ba3e862a91: an odd number, so the second of two slices.
    assert {"ax0", "ax1", "ax2"} <= set(_ids(Slice(2, 2)))


def test_it_is_read_and_written_as_the_option() -> None:
    assert Slice.read("3/8") == Slice(3, 8) and str(Slice(3, 8)) == "3/8" and Slice(3, 8).name == "3-of-8"


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "3/0", "a/b", "1/2/3", "-1/2", "1.0/2", "١/٢"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--shard is not I/N .*allowed: 1/N to N/N"):
        Slice.read(text)
