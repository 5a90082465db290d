"""Our histograms on pictures whose likeness is planted."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw, ImageFilter

from annotators.embeddings import Embeddings, open_embeddings
from annotators.light_embeddings import CELLS, COLOURS, DIRECTIONS, WIDTH, embedding
from schemas.errors import UsageError

COLOUR_BINS = 100


def flat(*colour: int) -> np.ndarray:
    return np.full((40, 60, 3), colour, np.uint8)


def drawn(kind: str, seed: int) -> np.ndarray:
    """One of four subjects, at a place, size and tone of its own."""
    rng = np.random.default_rng(seed)
    x, y, r = (int(one) for one in rng.integers((70, 70, 35), (130, 130, 55)))
    ground, ink = {"sun": ("skyblue", "gold"), "tree": ("honeydew", "darkgreen"), "brick": ("tan", "firebrick"),
                   "zebra": ("white", "black")}[kind]
    picture = Image.new("RGB", (200, 200), ground)
    draw = ImageDraw.Draw(picture)
    if kind == "sun":
        draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    elif kind == "tree":
        draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=ink)
    else:
        for at in range(int(rng.integers(0, 12)), 200, 24):
            draw.rectangle((0, at, 200, at + 9) if kind == "brick" else (at, 0, at + 9, 200), fill=ink)
    toned = np.asarray(picture).astype(float) * rng.uniform(0.85, 1.0)
    return np.clip(toned + rng.normal(0, 6, toned.shape), 0, 255).astype(np.uint8)


def changed(picture: np.ndarray) -> np.ndarray:
    """The same picture smaller, blurred and in another encoder's hands."""
    small = Image.fromarray(picture).resize((120, 110)).filter(ImageFilter.GaussianBlur(0.8))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=60)
    return np.asarray(Image.open(data).convert("RGB"))


def test_the_annotator_gives_unit_vectors_of_its_width() -> None:
    found = open_embeddings("light")
    assert isinstance(found, Embeddings) and not found.reads_text
    pictures = [drawn("sun", 0), flat(7, 7, 7), np.zeros((1, 1, 3), np.uint8), drawn("zebra", 1)[:3]]
    said = found({"image": pictures})["embedding"]
    assert WIDTH == found.width == COLOUR_BINS + CELLS * CELLS * DIRECTIONS == int(np.prod(COLOURS)) + 128
    table = pa.array(said, found.features.field("embedding").type)
    assert table.type == pa.list_(pa.float32(), WIDTH) and table.null_count == 0
    assert np.linalg.norm(np.stack(said), axis=1) == pytest.approx(np.ones(4), abs=1e-6)
    assert found({"image": []}) == {"embedding": []}
    assert open_embeddings("light", "clip").features.names == ["clip"]
    assert open_embeddings("light", "clip").identity == found.identity


def test_flat_greys_of_two_bins_have_the_cosine_of_two_centred_units() -> None:
    """Bins of luma lie at 0, 85, 170, 255. Each of these pictures fills one of 100 bins and has no edges, so the cosine
    is that of two different unit vectors less their means: -1/100 over 1 - 1/100."""
    black, dark, white = embedding(flat(0, 0, 0)), embedding(flat(85, 85, 85)), embedding(flat(255, 255, 255))
    for one, other in ((black, dark), (dark, white), (black, white)):
        assert float(one @ other) == pytest.approx(-1 / 99, abs=1e-6)
    between = embedding(flat(102, 102, 102))  # a fifth of the way to 170: shares 0.8 and 0.2
    root = np.sqrt(0.8)
    mean = (root + np.sqrt(0.2)) / 100
    expected = (root - mean) / np.sqrt(0.99 * (1 - 100 * mean**2))
    assert float(between @ dark) == pytest.approx(expected, abs=1e-6)


def test_edges_lie_in_their_cell_and_direction() -> None:
    """A white square's corner region: its upright edges count for the first direction, the level ones for the fifth."""
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, 8:] = 255  # one upright edge, wholly in the first column of cells
    edges = embedding(picture)[COLOUR_BINS:].reshape(CELLS, CELLS, DIRECTIONS)
    assert (edges[:, 0].argmax(axis=-1) == 0).all()
    assert edges[:, 0, 0].min() > edges[:, 2:].max() and np.ptp(edges[:, 2:]) == 0
    turned = embedding(np.ascontiguousarray(picture.transpose(1, 0, 2)))[COLOUR_BINS:].reshape(edges.shape)
    assert np.unravel_index(turned.argmax(), turned.shape)[::2] == (0, DIRECTIONS // 2)


@pytest.mark.parametrize("kind", ["sun", "tree", "brick", "zebra"])
def test_another_size_and_encoder_move_a_picture_little(kind: str) -> None:
    """The grain is gone from the copy, and with it faint edges and some colours."""
    for seed in range(8):
        assert float(embedding(drawn(kind, seed)) @ embedding(changed(drawn(kind, seed)))) > 0.9


def test_neighbours_are_of_the_same_kind_and_others_far() -> None:
    kinds = ("sun", "tree", "brick", "zebra")
    whole = np.stack([embedding(drawn(kind, seed)) for kind in kinds for seed in range(10)])
    cosines = whole @ whole.T
    np.fill_diagonal(cosines, -2)
    kind = np.repeat(np.arange(4), 10)
    assert (kind[cosines.argmax(axis=1)] == kind).all()
    same = kind[:, None] == kind
    np.fill_diagonal(cosines, np.nan)
    assert np.nanmean(cosines[same]) > 0.5 > 0.25 > np.nanmean(cosines[~same])


def test_histograms_read_no_text() -> None:
    with pytest.raises(UsageError, match=r"light embeddings read no text.*a penguin.*--embeddings paper"):
        open_embeddings("light").texts(["a penguin"])
