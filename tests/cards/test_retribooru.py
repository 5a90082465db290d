"""The pages as a whole: what the card says, and that `load_dataset` reads it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from builders.engines import Local
from cards.retribooru import command, pages
from schemas.answers import QUESTIONS
from schemas.manifest import Model
from schemas.records import REASONS

PICTURES = ("assets/outfits.png", "assets/figure2.png", "assets/leakage.png", "assets/alike.png")


@pytest.fixture
def card(trio: dict[str, Any], write: Any, rejected: Path, manifest: Any) -> Any:
    """Writes a dataset with its pages; gives the README's text."""

    def make(rows: dict[str, Any] | None = None, **words: Any) -> str:
        made = dict(pages(manifest(**words), write(trio if rows is None else rows), rejected))
        for name, data in made.items():
            path = rejected.parent / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        return made["README.md"].decode()

    return make


def body(readme: str) -> str:
    """The card without its YAML, as HTML."""
    return MarkdownIt("gfm-like", {"linkify": False}).render(readme.split("\n---\n", 1)[1])


def cells(readme: str) -> list[list[str]]:
    """Every table row of the rendered card, tags removed."""
    rows = re.findall(r"<tr>(.*?)</tr>", body(readme), re.DOTALL)
    return [[re.sub("<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)]
            for row in rows]


def test_every_page_is_there(card: Any, rejected: Path) -> None:
    readme = card()
    for name in PICTURES:
        assert (rejected.parent / name).read_bytes()[:4] == b"\x89PNG"
        assert f"]({name})" in readme
    assert "pictures belong to their artists" in (rejected.parent / "LICENSE.md").read_text()


def test_the_funnel_stands_in_the_card(card: Any) -> None:
    rows = cells(card())
    assert ["select", "12", "3", "9", ""] in rows
    assert ["", "", "2", "", f"no_garment {REASONS['no_garment'][1]}"] in rows
    assert ["", "", "1", "", f"rating {REASONS['rating'][1]}"] in rows
    assert ["group", "9", "4", "5", ""] in rows
    assert rows.index(["select", "12", "3", "9", ""]) < rows.index(["group", "9", "4", "5", ""])


def test_models_counts_and_splits_stand_in_the_card(card: Any) -> None:
    readme = card()
    rows = cells(readme)
    assert ["faces", "ffffffffffff", "paper", "face.onnx", "r9", "b" * 64, "MIT"] in rows
    assert ["train", "3", "rows to train on"] in rows
    assert ["1", "4"] in rows  # four rows with one reference
    assert ["2", "1"] in rows
    assert ["alice", "3"] in rows
    assert ["blue dress", "5"] in rows
    assert "**1** pair of pictures" in readme
    assert "bad lines: 3" in readme
    assert "7 rows that left" in readme
    assert "80.0% of the rows have one reference and 100.0% fewer than four" in readme


def test_the_meter_in_numbers(card: Any) -> None:
    rows = {row[0]: row[1:] for row in cells(card()) if len(row) == 7}
    # three pairs, all of one picture: no bit differs, mattes and boxes are the same
    assert rows["Hash distance (bits of 64 that differ)"] == ["3", "0", "0", "under 12", "100.0%", "100.0%"]
    assert rows["Matte overlap (intersection over union)"] == ["3", "1", "1", "0.8 or more", "100.0%", "100.0%"]


def test_answers_stand_against_tags(card: Any, row: Any) -> None:
    assert "No row has tags that speak to a question." in card()  # its one question is none of ours
    page = "https://danbooru.donmai.us/posts/2"
    said = [[{"question": QUESTIONS[0], "answer": answer}, {"question": QUESTIONS[1], "answer": "dress"}]
            for answer in ("blue", "red", "none", "aqua, blue")]
    rows = [row(str(n), post_url=page, answers=answers) for n, answers in enumerate(said, 1)]  # all in a blue dress
    readme = card({"train": rows})
    assert [QUESTIONS[0], "4", "1", "2", "66.7%"] in cells(readme)
    assert [QUESTIONS[1], "4", "0", "4", "100.0%"] in cells(readme)
    assert ["2", QUESTIONS[0], "red", "blue"] in cells(readme)
    assert f'<a href="{page}">2</a>' in body(readme) and "by construction" not in readme.lower()
    light = card({"train": rows}, models=[Model("answers", "a" * 64, {"from_tags": "; ".join(QUESTIONS[1:])})])
    assert [QUESTIONS[0], "4", "1", "2", "66.7%"] in cells(light)
    assert [QUESTIONS[1], "4", "0", "4", "by construction"] in cells(light)
    assert "read from the tags themselves" in light
    agreed = card({"train": rows[:1]})
    assert "No answer contradicts its tags." in agreed


def test_a_rule_that_is_not_the_papers_is_named(card: Any) -> None:
    assert "Not the paper's rule" not in card(options={"source": "sample", "match_rule": "strict"})
    for rule in ("visible", "overlap", "identity"):
        readme = card(options={"source": "sample", "match_rule": rule})
        assert "Not the paper's rule" in readme and f"Here the rule was `{rule}`" in readme


def test_light_models_are_named_loudly(card: Any) -> None:
    loud = "built with light models; not the paper's"
    assert loud not in card()
    assert loud in card(models=[Model("faces", "f" * 64, {"backend": "light"})])
    assert loud in card(models=[Model("faces", "f" * 64, {"backend": "onnx", "weights": "packaged faces.onnx"})])
    assert loud in card(options={"source": "sample", "models": "light"})


def test_the_sample_belongs_to_no_artist(card: Any, rejected: Path) -> None:
    mine = "belong to their artists"
    assert mine in card().split("## Licence")[1] and mine in (rejected.parent / "LICENSE.md").read_text()
    said = "Drawings by a program, Apache-2.0."
    readme = card(source={"name": "sample", "digest": "d", "licence": said}, options={"source": "sample"})
    licence = (rejected.parent / "LICENSE.md").read_text()
    assert mine not in readme and mine not in licence
    assert said in licence and said in readme
    assert "# RetriBooru in miniature, drawn by a program" in readme
    assert "danbooru" not in readme.lower().split("## how to cite")[0]


def test_removal_says_what_is_kept_of_a_row(card: Any) -> None:
    removal = card().split("## How to ask for removal")[1].split("##")[0]
    assert "by its digest alone" in removal and "`rejected.parquet` still lists" in removal
    assert "not by name" not in removal


def test_the_same_input_gives_the_same_bytes(trio: dict[str, Any], write: Any, rejected: Path, manifest: Any) -> None:
    data = write(trio)
    assert list(pages(manifest(), data, rejected)) == list(pages(manifest(), dict(reversed(data.items())), rejected))


def test_pages_do_not_depend_on_who_makes_them(trio: dict[str, Any], write: Any, manifest: Any, rejected: Path) -> None:
    def last_first(task: Any, things: Any) -> Any:
        return reversed([task(thing) for thing in things])

    data = write(trio)
    with Local(2) as workers:
        assert list(pages(manifest(), data, rejected, workers.run)) == list(pages(manifest(), data, rejected))
    assert list(pages(manifest(), data, rejected, last_first)) == list(pages(manifest(), data, rejected))


def test_load_dataset_reads_the_card(card: Any, rejected: Path, tmp_path_factory: Any) -> None:
    from datasets import load_dataset

    card()
    cache = str(tmp_path_factory.mktemp("cache"))
    whole = load_dataset(str(rejected.parent), cache_dir=cache)
    assert {name: len(split) for name, split in whole.items()} == {"train": 3, "test_unseen": 2}
    row = whole["train"][0]
    assert (row["image"].mode, row["mask"].mode) == ("RGB", "L")
    assert row["image"].size == row["mask"].size == (64, 80)
    streamed = list(load_dataset(str(rejected.parent), split="test_unseen", streaming=True))
    assert [row["id"] for row in streamed] == ["4", "5"]


def test_the_snippet_runs(card: Any, rejected: Path, tmp_path_factory: Any, monkeypatch: Any) -> None:
    import datasets

    readme = card()
    snippet = readme.split("```python\n")[1].split("```")[0].replace("path/to/this/folder", str(rejected.parent))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
    names: dict[str, Any] = {}
    exec(snippet, names)  # the card's own words must work
    assert [row["id"] for row in names["references"]] == ["2", "3"]


def test_hostile_tags_are_text(card: Any, row: Any) -> None:
    evil = "</td></table><script>alert(1)</script>"
    tag = "a|b`c`\n# heading ![x](http://evil/x.png) \u202e"
    rows = {"train": [row("1", ["2"], character=evil, cloths=[tag]), row("2", ["1"], character=evil, cloths=[tag])]}
    readme = card(rows, splits={"train": 2}, source={"name": "x\n---\nlicense: mit", "licence": evil, "digest": "d"})
    html = body(readme)
    assert "<script" not in html
    assert "evil/x.png\"" not in html
    assert "\u202e" not in readme
    assert any(cell[0] == "a|b`c`\\u000a# heading ![x](http://evil/x.png) \\u202e" for cell in cells(readme))
    assert any(cell[0].startswith("&lt;/td&gt;&lt;/table&gt;&lt;script") for cell in cells(readme))


def test_one_row_and_no_row(card: Any, row: Any) -> None:
    one = card({"train": [row("1")]}, splits={"train": 1})
    assert "1 pictures of 1 character," not in one
    assert "1 picture of 1 character," in one
    none = card({"train": []}, splits={}, funnel=[], models=[], counts={})
    assert "No row reached the end of this build" in none
    assert "load_dataset(" not in none


def test_the_command_is_quoted_and_has_no_path(manifest: Any) -> None:
    options = {"source": "danbooru2019", "seed": 7, "ratings": "general,sensitive", "match": "artist", "limit": 0,
               "whole": True, "quiet": False, "note": "a b; rm -rf $HOME\n```", "count": 400, "empty": "", "void": None}
    words = shlex.split(command(manifest(options=options)).replace("\\\n", " "))
    assert words[:8] == ["build", "retribooru", "--source", "danbooru2019", "--root", "DIR", "--out", "OUT"]
    assert words[8:10] == ["--version", "1.0.0"]
    assert words[10:] == ["--limit", "0", "--match", "artist", "--note", "a b; rm -rf $HOME\\u000a```", "--ratings",
                          "general,sensitive", "--seed", "7", "--whole"]


def test_the_exclusion_list_is_named_by_digest(card: Any) -> None:
    assert "exclusion list" not in card()
    assert "digest `d1g3st`" in card(options={"exclude": "d1g3st"})


def test_the_command_of_a_sample_needs_no_root(manifest: Any) -> None:
    made = command(manifest(options={"source": "sample", "count": 80, "exclude": "d1g3st"}))
    assert "--root" not in made
    assert "--count 80" in made
    assert "--exclude FILE" in made
