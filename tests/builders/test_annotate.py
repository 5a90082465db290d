"""What a row that leaves at stage "file" says of itself."""

from pathlib import Path

from PIL import Image

from builders.annotate import Look
from builders.engines import Local
from builders.ledger import Ledger
from builders.progress import Progress
from builders.visits import Limits
from builders.workspace import Workspace
from schemas.records import Drop, Post


def test_a_file_that_is_too_large_says_what_is_allowed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name, side in (("1", 4), ("2", 4), ("3", 5)):
        Image.new("RGB", (side, 4)).save(root / f"{name}.png")
    ledger = Ledger(tmp_path / "ledger.sqlite", root)
    ledger.take([Post(id=name, path=str(root / f"{name}.png"), characters=("ann",)) for name in "123"], "artist",
                lambda rows, kept: None)
    with Workspace(tmp_path / "out") as work:
        look = Look(work, Local(1), ledger, Progress("text"), Limits(1000, 16))
        look.read_files(lambda row, md5: None)
    (left,) = ledger.rejected()
    assert (left.id, left.drop) == ("3", Drop("too_large", "file", "5x4 pixels, over 16", "16 pixels, 1000 bytes"))
