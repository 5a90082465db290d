"""What a row that leaves at stage "file" says of itself; what one visit of a picture asks, and what it does not."""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

from annotators.base import Batch
from builders.annotate import Look, key_for
from builders.engines import Local
from builders.ledger import Ledger, Row
from builders.select import whole_picture
from builders.visits import Keeps, Limits, Link, Pixels
from builders.workspace import Workspace
from schemas.errors import UsageError
from schemas.records import Drop, Post
from schemas.terminal.progress import Progress


def test_a_file_that_is_too_large_says_what_is_allowed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name, side in (("1", 4), ("2", 4), ("3", 5)):
        Image.new("RGB", (side, 4)).save(root / f"{name}.png")
    ledger = Ledger(tmp_path / "ledger.sqlite", root)
    ledger.take([Post(id=name, path=str(root / f"{name}.png"), characters=("ann",)) for name in "123"], "artist",
                lambda rows, kept: None)
    ledger.close_stage("select", 3)
    limits = Limits(1000, 16)
    pixels = Link(Pixels(limits), "file", Keeps(tuple(Pixels.features.names), partial(
        whole_picture, min_side=1, allowed="16 pixels, 1000 bytes")))
    with Workspace(tmp_path / "out") as work:
        look = Look(work, Local(1), ledger, Progress("text"), limits)
        look.read_files(lambda row, md5: None)
        look.visit([pixels])
        look.judge(pixels.stage, pixels.keeps)
    (left,) = ledger.rejected()
    assert (left.id, left.drop) == ("3", Drop("too_large", "file", "5x4 pixels, over 16", "16 pixels, 1000 bytes"))


def test_what_shard_jobs_could_not_read_is_refused_once_it_can_be(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "1.png").mkdir(parents=True)  # is there, but cannot be read
    with Workspace(tmp_path / "out") as work:
        def read() -> list[str]:
            """Reasons of what left when shard jobs have looked before."""
            ledger = Ledger(work.state / "ledger.sqlite", root)
            ledger.take([Post(id="1", path=str(root / "1.png"), characters=("ann",))], "artist", lambda *_: None)
            Look(work, Local(1), ledger, Progress("text"), Limits(1000, 1000), seen=True).read_files(lambda *_: None)
            return [row.drop.reason for row in ledger.rejected()]

        assert read() == ["unreadable"]
        (root / "1.png").rmdir()
        assert read() == ["missing_file"]
        (root / "1.png").write_bytes(b"anything")
        with pytest.raises(UsageError, match=r"never saw this picture as it is now \(got '.*/1\.png'\)"):
            read()
        assert not list(work.annotations.rglob("*.parquet"))


class Says:
    """Annotator that remembers the widths of the pictures it was shown."""

    provenance: Mapping[str, str] = {}

    def __init__(self, name: str, needs: tuple[str, ...] = ("image",)) -> None:
        self.name, self.needs, self.identity = name, needs, name * 8
        self.features = pa.schema([(name, pa.int32())])
        self.shown: list[int] = []

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        self.shown += [picture.shape[1] for picture in batch["image"]]
        return {self.name: [picture.shape[1] for picture in batch["image"]]}


@pytest.mark.parametrize(("tags", "cloths"), [
    ((), []), (("sky", "red_dress", "hat"), ["red dress", "hat"]),
    (('école_"a\\b"_uniform',), ['école "a\\b" uniform']),
])
def test_an_answers_key_holds_the_garments_where_they_are_read(tags: tuple[str, ...], cloths: list[str]) -> None:
    # Stores of earlier versions are keyed so: another byte, and all would be asked again.
    row = Row(Post(id="1", path="1.png", general=tags), "", "ab", None, 0, 0, 0)
    whole = json.dumps(["ab", {"cloths": cloths}], separators=(",", ":"))
    assert key_for(Says("answers", ("image", "cloths")), row) == hashlib.sha256(whole.encode()).hexdigest()
    assert key_for(Says("answers"), row) == "ab"


def at_least(value: int, *, least: int) -> Drop | None:
    return None if value >= least else Drop("no_face", "faces")


def test_a_chain_asks_each_annotator_once_about_what_the_one_before_keeps(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for side in (4, 5, 6, 7):
        Image.new("RGB", (side, 9)).save(root / f"{side}.png")
    with Workspace(tmp_path / "out") as work:
        def build(least: int, *chain: Says) -> list[str]:
            """Ids that stay when `chain` looks and its first annotator's value must be `least` or more."""
            ledger = Ledger(work.state / "ledger.sqlite", root)
            ledger.take([Post(id=name, path=str(root / f"{name}.png"), characters=("ann",)) for name in "4567"],
                        "artist", lambda rows, kept: None)
            ledger.close_stage("select", 4)
            look = Look(work, Local(1), ledger, Progress("text"), Limits(1000, 1000))
            look.read_files(lambda row, md5: None)
            keeps = Keeps((chain[0].name,), partial(at_least, least=least))
            links = [Link(chain[0], "faces", keeps), *(Link(one, "masks") for one in chain[1:])]
            for at in range(len(links)):
                look.visit(links[at:])
                look.judge(links[at].stage, links[at].keeps)
            kept = [row.post.id for rows in ledger.rows() for row in rows]
            for rows in ledger.rows():  # one batch, or none
                assert look.columns(rows, [chain[-1].name]) == {chain[-1].name: [int(name) for name in kept]}
            ledger.close()
            return kept

        first, second = Says("a"), Says("b", ("image", "a"))
        assert build(6, first, second) == ["6", "7"]
        assert (first.shown, second.shown) == ([4, 5, 6, 7], [6, 7])
        first, second = Says("a"), Says("b", ("image", "a"))
        assert build(7, first, second) == []  # one row is left, and alone
        assert build(6, first, second) == ["6", "7"]
        assert (first.shown, second.shown) == ([], [])
        assert build(5, first, second) == ["5", "6", "7"]
        assert (first.shown, second.shown) == ([], [5])
        third = Says("c", ("image", "b"))
        assert build(5, first, second, third) == ["5", "6", "7"]
        assert (first.shown, second.shown, third.shown) == ([], [5], [5, 6, 7])
