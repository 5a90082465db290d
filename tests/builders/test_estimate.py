"""What an estimate tells, against numbers worked out by hand and against a real build."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builders import cli
from builders.estimate import Cost, Seen, duration, interval, look, report, sample, volume
from builders.ledger import Row
from builders.openings import Models
from builders.options import Retribooru
from schemas import manifest as manifests
from schemas.records import Post
from tests.conftest import command, run

pytestmark = pytest.mark.xdist_group("build")


def row(name: str) -> Any:
    return SimpleNamespace(post=Post(id=name, path=name))


def test_the_report_multiplies_the_sample() -> None:
    costs = [Cost("file", 100, 80, 1.0), Cost("faces", 80, 50, 4.0), Cost("masks", 50, 40, 5.0)]
    seen = [Seen(row(str(n)), n < 40, 90_000, 10_000, 20_000 if n < 50 else 0) for n in range(100)]
    lines = list(report(costs, seen, 10_000, 500, 2))
    assert lines[0] == "10,000 rows pass the tag filters; 100 of them were looked at by one worker"
    assert [line.split() for line in lines[2:5]] == [
        ["file", "10,000", "80%", "10.0", "100.0", "s"], ["faces", "8,000", "62%", "50.0", "6.7", "min"],
        ["masks", "5,000", "80%", "100.0", "8.3", "min"]]
    assert lines[5] == "kept: 40% of them (95 %: 31% to 50%), about 4,000 rows"
    # 10 s for 100 rows: 1,000 s for 10,000, halved by two workers
    assert lines[6] == "time: 8.3 min with 2 workers and as many cores"
    # 4,000 rows of 100 kB; 5,000 came to the mattes, which were made twice
    assert lines[7].startswith("disk: 400.0 MB for the dataset, 100.0 MB for the mattes")
    # 500 rows at 0.1 s, by two workers
    assert "500 rows left before any model saw them, which saves 25.0 s" in lines[8]


def test_nothing_kept_is_told_too() -> None:
    lines = list(report([Cost("file", 10, 0, 1.0)], [], 1000, 0, 1))
    assert lines[3].startswith("kept: 0% of them (95 %: 0% to 28%), about 0 rows") and "1 worker and" in lines[4]


def test_wilson_by_hand() -> None:
    assert interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4) and interval(10, 10)[1] == 1.0


def test_units() -> None:
    assert [duration(s) for s in (3.04, 119, 150, 7199, 9000, 172_800)] == [
        "3.0 s", "119.0 s", "2.5 min", "120.0 min", "2.5 h", "2.0 days"]
    assert [volume(b) for b in (900, 2.5e6, 3e9, 4.2e12)] == ["1 kB", "2.5 MB", "3.0 GB", "4.2 TB"]


def test_the_sample_is_the_same_in_any_order() -> None:
    class Some:
        def __init__(self, names: list[str]) -> None:
            self.names = names

        def rows(self) -> Iterator[list[Any]]:
            yield [row(name) for name in self.names[:5]]
            yield [row(name) for name in self.names[5:]]

    names = [str(n) for n in range(20)]
    first = [one.post.id for one in sample(Some(names), 6)]  # type: ignore[arg-type]
    assert first == [one.post.id for one in sample(Some(names[::-1]), 6)]  # type: ignore[arg-type]
    assert len(set(first)) == 6 and first != names[:6]


@dataclass
class Says:
    """An annotator that says the same of every picture."""

    said: dict[str, Any]
    name: str = "planted"
    identity: str = "0" * 64
    needs: tuple[str, ...] = ("image",)
    default_score: float = 0.5

    def __call__(self, batch: Any) -> dict[str, list[Any]]:
        return {name: [value] * len(batch["image"]) for name, value in self.said.items()}


def planted(root: Path, post: Post, **options: Any) -> tuple[list[Cost], list[Seen]]:
    """What is seen of one post: one face, a figure in the middle half, and not a word about the clothes."""
    models: Any = {"faces": Says({"scores": [0.9]}), "answers": Says({"answers": ["blue", "unknown"]}),
                   "masks": Says({"mask": bytes(1000), "bounds": [0.25, 0.0, 0.75, 1.0], "coverage": 0.5}),
                   "hashes": Says({"phash": 0})}
    asked = Retribooru(root=root, out=root / "out", models="light", margin=0.0, **options)
    return look([Row(post, "", "", None, 0, 0, 0)], Models(**models), asked, lambda count: None)


@pytest.mark.parametrize(("outfit", "options", "kept"), [
    ("", {"face": "one"}, False),
    ("red", {"face": "one"}, True),  # where the source names the outfit nothing hangs on the answers
    ("", {"face": "one", "match_rule": "identity"}, True),  # answers are not compared
    ("", {"face": "any"}, True),  # without a face there may be no clothes to ask about
    ("red", {"face": "one", "face_score": 0.95}, False),
    ("red", {"face": "one", "matte_max": 0.4}, False),
    ("red", {"face": "one", "min_side": 201}, False),
])
def test_rows_are_judged_by_the_filters_of_the_build(outfit: str, options: dict[str, Any], kept: bool,
                                                     tmp_path: Path) -> None:
    Image.new("RGB", (200, 200)).save(tmp_path / "a.png")
    post = Post(id="a", path=str(tmp_path / "a.png"), characters=("mia",), outfit_hint=outfit)
    _, [seen] = planted(tmp_path, post, source="folder", **options)
    assert seen.kept is kept


def test_a_whole_picture_takes_the_room_of_the_figure_cut_out_of_it(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "1.jpg", quality=5)
    post = Post(id="1", path=str(tmp_path / "1.jpg"), characters=("mia",), needs_crop=True)
    costs, [seen] = planted(tmp_path, post, source="danbooru2019", match_rule="identity")
    figure = io.BytesIO()
    Image.open(tmp_path / "1.jpg").crop((100, 0, 300, 400)).save(figure, "PNG", compress_level=6)
    assert seen.kept and seen.image == len(figure.getvalue()) > 2 * (tmp_path / "1.jpg").stat().st_size
    assert (seen.matte, seen.stored) == (1000, 2000)
    assert [cost.stage for cost in costs] == ["file", "figure", "faces", "masks", "answers", "group", "write"]


@pytest.mark.parametrize("words", [["estimate"], ["retribooru"]])
def test_a_wrong_root_is_told_before_models_are_looked_for(words: list[str], tmp_path: Path,
                                                           capsys: pytest.CaptureFixture[str]) -> None:
    words = [*words, "--source", "danbooru2019", "--root", str(tmp_path / "mirorr"), "--out", str(tmp_path / "out"),
             "--models", "light", "--faces", "nowhere.onnx"]
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert "--root is not a folder" in error and "mirorr" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_estimate_foresees_the_build(mirror: Any, whole: Any, tmp_path: Any) -> None:
    words = command(mirror, tmp_path / "none")
    words[words.index("retribooru")] = "estimate"
    done = run(words)
    assert done.returncode == 0, done.stderr
    steps = {step.stage: step for step in manifests.read(whole / "1.0.0").funnel}
    found = re.search(r"([\d,]+) rows pass the tag filters; (\d+) of them", done.stdout)
    assert found and int(found[1]) == steps["select"].rows_out == int(found[2])  # so few that all are looked at
    kept = re.search(r"about ([\d,]+) rows", done.stdout)
    left = {stage: sum(steps[stage].drops.values()) - steps[stage].drops.get("singleton", 0)
            for stage in ("file", "faces", "masks", "answers")}
    # what the build drops for other reasons, the estimate drops too; singletons it may look at further
    assert kept and abs(int(kept[1]) - (steps["select"].rows_out - sum(left.values()))) <= 2
    assert not (tmp_path / "none").exists()


def test_nothing_to_look_at_is_a_usage_error(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "people" / "mia").mkdir(parents=True)
    words = ["estimate", "--source", "folder", "--root", str(tmp_path / "people"), "--models", "light", "--out", "o"]
    assert cli.main(words) == 2
    assert "no row passes the tag filters" in capsys.readouterr().err
