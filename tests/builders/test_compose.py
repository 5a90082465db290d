"""What is known of a version before its shards are written."""

from builders.compose import image_bytes
from builders.ledger import Row
from schemas.records import Post


def test_a_figure_cut_out_of_its_picture_is_not_as_large_as_the_file() -> None:
    row = Row(Post(id="1", path="1.jpg"), "", "", None, 1000, 2000, 70_000)
    assert image_bytes(row) == 70_000
    # 1000 x 2000 pixels of three bytes, halved by PNG
    assert image_bytes(row._replace(box=(0, 0, 1000, 2000))) == 3_000_000
