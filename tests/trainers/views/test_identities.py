from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from schemas.errors import BuildError, UsageError  # noqa: E402
from tests.trainers import made  # noqa: E402
from trainers.data import open_data  # noqa: E402
from trainers.views.identities import COLUMNS, Identities  # noqa: E402


def opened(folder: Path, **given: Any) -> Identities:
    return Identities(open_data(str(made.figures(folder, **given)), "--data", "retribooru", COLUMNS).rows)


def test_references_are_what_similar_names_and_the_split_has(tmp_path: Path) -> None:
    """Nothing is added where a list is not symmetric or transitive; the very file of a row is left out."""
    found = opened(tmp_path)
    named = {found.name(row): [found.name(int(one)) for one in found.references(row)] for row in range(len(found))}
    assert named == {"a": ["b", "c", "d"], "b": ["a"], "c": ["a", "b"], "d": ["c"], "twin": ["b"]}
    assert found.absent == 1
    assert found.told(3, 0.5) == (
        "1.6 references a row, fewer than 3 for 4 of 5; 1 named in similar are not in the split; "
        "0 rows without a face box, 0 with one over more than 0.5 of the picture")


def test_rows_without_references_are_refused_by_name(tmp_path: Path) -> None:
    """Of `gone` nobody knows, `twin` is the file of a, and nobody is a reference of itself."""
    with pytest.raises(UsageError) as caught:
        opened(tmp_path, similar={"a": ["b"], "b": ["a"], "lone": [], "lost": ["gone"], "twin": ["a"], "me": ["me"]})
    assert "lone, lost, twin, ... (4 in all)" in str(caught.value) and "\n" not in str(caught.value)


def test_boxes_are_corners_within_the_picture(tmp_path: Path) -> None:
    found = opened(tmp_path, b={"bbox": [0.9, 0.5, 0.4, 0.5]}, c={"bbox": None}, d={"bbox": [2.0, 0.5, 0.1, 0.1]})
    assert found.box(0) == pytest.approx((1 / 3, 0.1, 2 / 3, 0.35))
    assert found.box(1) == pytest.approx((0.7, 0.25, 1, 0.75))
    assert found.box(2) is None and found.box(3) is None
    assert "; 2 rows without a face box, 1 with one over more than 0.14 of the picture" in found.told(1, 0.14)


def test_pictures_and_mattes_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    small = made.encoded(made.matte().resize((30, 40)))
    found = opened(tmp_path, b={"image": {"bytes": b"no picture", "path": None}},
                   c={"mask": {"bytes": b"no matte", "path": None}}, d={"mask": {"bytes": small, "path": None}})
    assert found.picture(0).size == (60, 80) and found.matte(0, (60, 80)).getpixel((30, 40)) == 255
    with pytest.raises(BuildError, match="the picture of row b cannot be used"):
        found.picture(1)
    with pytest.raises(BuildError, match="the matte of row c cannot be used"):
        found.matte(2, (60, 80))
    with pytest.raises(BuildError, match="the matte of row d is of 30 x 40 pixels, its picture of 60 x 80"):
        found.matte(3, (60, 80))
