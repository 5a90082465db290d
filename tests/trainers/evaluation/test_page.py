"""OUT of an evaluation as its reader finds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from schemas.errors import UsageError
from tests.trainers.evaluation.results_made import job, result
from tests.trainers.evaluation.test_sheets import drawn, picture
from trainers.evaluation import page, results
from trainers.evaluation.plans import CLIP_I, CLIP_T, Result

HOSTILE = "<img src=x onerror=alert(1)>|*b*\n# c"


def made(folder: Path, name: str = "dog") -> Result:
    jobs = [job("dog", 0), job("dog", 1, prompt="a sks dog"), job(name, 2, prompt="a sks cat")]
    drawn(folder, [one for one in jobs if one.prompt], ["blue", "lime"])
    results.write_plan(folder, jobs)
    return result(folder, jobs, {CLIP_I: [0.9, 0.5, 0.7], CLIP_T: [0.3, 0.2, 0.4]}, name=name,
                  facts={"subjects": 2, "left out": HOSTILE, "of": ["x", "y"], "real": {"dog": 1}, "none": []},
                  warnings=[HOSTILE])


def test_all_of_out_is_written_and_the_record_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    write = results.atomic.write
    monkeypatch.setattr(results.atomic, "write", lambda path, data: (order.append(path.name), write(path, data))[1])
    page.write(made(tmp_path, "cat"), {"a": picture("red")})
    assert order == ["plan.jsonl", "table.md", "table.csv", "table.json", "balance.png", "metrics.png", "sheet.png",
                     "README.md", "scores.csv", "evaluation.json"]
    text = (tmp_path / "README.md").read_text()
    assert "| Real images | 1 | 0.900" in text and "## By subject\n\n|  | pictures |" in text
    assert "| dog | 1 | 0.500" in text and all(f"]({name})" in text for name in ("balance.png", "sheet.png"))
    assert "- of: x, y\n- real: dog 1\n\n" in text
    said = json.loads((tmp_path / "table.json").read_text())
    assert said["rows"][0]["group"] == "Real images"
    for weights, revision in {(one["weights"], one["revision"]) for one in said["models"].values()}:
        assert weights in (tmp_path / "table.md").read_text() and revision in (tmp_path / "table.md").read_text()
    assert (said["protocol"]["sampler"], said["protocol"]["steps"]) == ("ddim", "200")
    assert results.read(tmp_path).said["name"] == "cat"


def test_the_same_evaluation_gives_the_same_files(tmp_path: Path) -> None:
    first = {}
    for _ in range(2):
        page.write(made(tmp_path), {"a": picture("red")})
        found = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        first = first or found
    assert first == found and len(first) == 10


def test_a_page_shows_no_plot_that_there_is_none_of(tmp_path: Path) -> None:
    page.write(made(tmp_path), {"a": picture("red")})
    again = made(tmp_path)
    page.write(again._replace(scored=again.scored._replace(columns={CLIP_I: again.scored.columns[CLIP_I]})),
               {"a": picture("red")})
    assert not (tmp_path / "balance.png").exists() and "balance" not in (tmp_path / "README.md").read_text()


def test_hostile_names_do_nothing_on_the_page(tmp_path: Path) -> None:
    page.write(made(tmp_path, HOSTILE), {"a": picture("red")})
    for name in ("README.md", "table.md"):
        shown = MarkdownIt("gfm-like", {"linkify": False}).render((tmp_path / name).read_text())
        assert "onerror" in shown and "<img src=x" not in shown and "<h1>c" not in shown and "<em>" not in shown


def test_a_missing_picture_leaves_the_evaluation_undone(tmp_path: Path) -> None:
    one = made(tmp_path)
    (tmp_path / "pictures" / "dog" / "all" / "1-0.png").unlink()
    with pytest.raises(UsageError, match="missing_file"):
        page.write(one, {"a": picture("red")})
    with pytest.raises(UsageError, match="not done"):
        results.read(tmp_path)
