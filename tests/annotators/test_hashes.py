import imagehash
import numpy as np
import pytest
from PIL import Image

from annotators.base import Annotator
from annotators.hashes import Hashes, phash, thumbnail


def _scene(seed: int, height: int = 200, width: int = 160) -> np.ndarray:
    """Smooth blobs: like a picture, unlike noise."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def _apart(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


@pytest.mark.parametrize("seed", range(8))
def test_bits_are_those_of_imagehash(seed: int) -> None:
    picture = _scene(seed)
    assert phash(picture) == str(imagehash.phash(Image.fromarray(picture)))


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_flat_picture_has_no_frequency_but_the_mean(level: int) -> None:
    picture = np.full((50, 60, 3), level, np.uint8)
    assert phash(picture) == ("8000000000000000" if level else "0000000000000000")


def test_another_size_or_tone_moves_few_bits_and_another_picture_many() -> None:
    picture = _scene(0)
    smaller = np.asarray(Image.fromarray(picture).resize((112, 140), Image.Resampling.LANCZOS))
    toned = (255 * (picture / 255) ** 1.1).astype(np.uint8)
    assert _apart(phash(picture), phash(smaller)) <= 4
    assert _apart(phash(picture), phash(toned)) <= 4
    assert _apart(phash(picture), phash(_scene(1))) >= 16


def test_thumbnail_is_the_mean_of_each_cell_row_by_row() -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:2, 2:4] = 200  # second cell of the first row
    picture[30:, :2] = 80  # first cell of the last row
    grey = np.frombuffer(thumbnail(picture), np.uint8).reshape(16, 16)
    assert grey[0, 1] == 200 and grey[15, 0] == 80 and grey.astype(int).sum() == 280


def test_annotator_gives_a_row_for_each_picture_and_the_mirrored_hash() -> None:
    hashes = Hashes()
    assert isinstance(hashes, Annotator)
    first, second = _scene(2), _scene(3, 90, 120)
    said = hashes({"image": [first, second]})
    assert list(said) == hashes.features.names
    assert said["phash"] == [phash(first), phash(second)]
    assert said["phash_mirror"][0] == phash(np.ascontiguousarray(first[:, ::-1])) != said["phash"][0]
    assert [len(thumb) for thumb in said["thumb"]] == [256, 256]
    assert hashes({"image": []}) == {"phash": [], "phash_mirror": [], "thumb": []}
