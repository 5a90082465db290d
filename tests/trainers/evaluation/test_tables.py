"""Tables of evaluations whose scores are chosen by hand."""

from __future__ import annotations

import csv
import io
import json
from math import isnan, nan
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.trainers.evaluation.results_made import job, result
from trainers.evaluation import tables
from trainers.evaluation.plans import CLIP_I, CLIP_T, FID, REAL, Result, Sampler, swd
from trainers.evaluation.tables import Cell, Row

SWD = swd(CLIP_T, CLIP_I)
HOSTILE = "a|b*<script>`x`\n# c"


@pytest.fixture
def made(tmp_path: Path) -> Result:
    """Two subjects, the first in both groups with two prompts; CLIP-T is missing where there is no prompt."""
    jobs = [job("dog", 0), job("dog", 1), job("cat", 0), job("cat", 1),
            job("dog", 2, "seen", "a sks dog"), job("dog", 3, "seen", "a sks dog, wet"),
            job("dog", 4, "unseen", "a sks dog"), job("cat", 5, "unseen", "a sks cat")]
    columns = {CLIP_I: [0.9, 0.8, 0.7, 0.6, 0.5, 0.7, 0.1, 0.3],
               CLIP_T: [nan, nan, nan, nan, 0.2, 0.4, 0.3, 0.1],
               SWD: [nan, nan, nan, nan, 0.10, 0.28, 0.03, 0.03]}
    sets = {FID: {("", ""): 120.5, ("seen", ""): 90.25, ("", "cat"): 7.0}}
    return result(tmp_path / "mine", jobs, columns, sets)


def row(made: Result, group: str, subject: str) -> Row:
    return next(one for one in tables.rows(made) if (one.group, one.subject) == (group, subject))


def test_rows_come_in_order_with_the_real_pictures_first(made: Result) -> None:
    assert [(one.group, one.subject, one.pictures) for one in tables.rows(made)] == [
        (REAL, "", 4), ("", "", 4), ("seen", "", 2), ("unseen", "", 2), ("", "dog", 3), ("seen", "dog", 2),
        ("unseen", "dog", 1), ("unseen", "cat", 1), (REAL, "dog", 2), (REAL, "cat", 2)]
    assert [tables.title(one) for one in tables.rows(made)][:6] == [
        "Real images", "all", "seen", "unseen", "dog", "seen, dog"]


def test_one_subject_and_one_group_need_no_rows_of_their_own(tmp_path: Path) -> None:
    jobs = [job("dog", 0), job("dog", 1, prompt="a sks dog")]
    some = tables.rows(result(tmp_path, jobs, {CLIP_I: [0.9, 0.5]}))
    assert [(one.group, one.subject) for one in some] == [(REAL, ""), ("", "")]


def test_means_are_those_of_the_pictures(made: Result) -> None:
    assert row(made, REAL, "").cells[CLIP_I].mean == pytest.approx(0.75)
    assert row(made, "", "").cells[CLIP_I].mean == pytest.approx(0.4)
    assert row(made, "", "").cells[CLIP_T].mean == pytest.approx(0.25)
    assert row(made, "unseen", "").cells[CLIP_I].mean == pytest.approx(0.2)
    assert row(made, "seen", "dog").cells[CLIP_T].mean == pytest.approx(0.3)
    assert CLIP_T not in row(made, REAL, "").cells


def test_swd_is_the_mean_of_products_and_no_product_of_means(made: Result) -> None:
    assert row(made, "", "").cells[SWD].mean == pytest.approx(0.11)  # while 0.4 * 0.25 is 0.1


def test_subjects_are_what_the_interval_draws_anew(made: Result) -> None:
    cell = row(made, "unseen", "").cells[CLIP_I]  # a picture of each of two subjects: 0.1 and 0.3
    assert (cell.low, cell.high) == (pytest.approx(0.1), pytest.approx(0.3))
    lone = row(made, "unseen", "cat").cells[CLIP_I]
    assert lone.low == lone.mean == lone.high == pytest.approx(0.3)
    assert tables.clusters(made.scored.jobs[4:6]) == ["a sks dog", "a sks dog, wet"]
    assert tables.clusters(made.scored.jobs[6:]) == ["dog", "cat"]


def test_scores_of_sets_stand_where_they_are_of_the_row(made: Result) -> None:
    assert row(made, "", "").cells[FID] == (120.5, *[pytest.approx(nan, nan_ok=True)] * 3)
    assert row(made, "seen", "").cells[FID].mean == 90.25
    assert row(made, "unseen", "cat").cells[FID].mean == 7.0  # all that was drawn of the cat
    assert FID not in row(made, "unseen", "").cells and FID not in row(made, "unseen", "dog").cells


@pytest.mark.parametrize(("cell", "text"), [
    (None, "–"), (Cell(0.8236, 0.81149, 0.83651), "0.824 [0.811, 0.837]"), (Cell(94.32), "94.32"),
    (Cell(0.5, std=0.0126), "0.500 ± 0.013"), (Cell(-0.0123), "-0.012"),
    (Cell(0.00213), "0.0021"), (Cell(-0.00001), "0.0000"),
])
def test_cells_read_like_those_of_the_papers(cell: Cell | None, text: str) -> None:
    assert tables.shown(cell) == text


def test_arrows_point_to_what_is_better() -> None:
    some = (CLIP_I, SWD, FID, "FID (CLIP)", "KID", "Leak", "VQA")
    assert "".join(tables.heading(one)[-1] for one in some) == "↑↑↓↓↓↓↑"


def test_the_page_shows_the_rows(made: Result) -> None:
    lines = tables.as_markdown(tables.rows(made)).splitlines()
    assert lines[0] == "|  | pictures | CLIP-I ↑ | CLIP-T ↑ | SWD(CLIP-T, CLIP-I) ↑ | FID ↓ |"
    assert lines[1] == "| --- | ---: | ---: | ---: | ---: | ---: |"
    assert lines[2].startswith("| Real images | 4 | 0.750 \\[") and lines[2].endswith(" | – | – | – |")
    assert lines[3].endswith(" | 120.50 |")


def test_hostile_names_are_text(tmp_path: Path) -> None:
    jobs = [job(HOSTILE, 0, HOSTILE, "x"), job("dog", 1, "y", "x")]
    page = tables.as_markdown(tables.rows(result(tmp_path, jobs, {HOSTILE: [0.5, 0.5]})))
    shown = MarkdownIt("gfm-like", {"linkify": False}).render(page)
    assert "<script>" not in shown and "<h1>" not in shown and "<code>" not in shown
    assert shown.count("<tr>") == 6 and "a|b*&lt;script&gt;`x`\\u000a# c" in shown


def test_csv_has_the_same_numbers_in_full(made: Result) -> None:
    some = tables.rows(made)
    read = list(csv.DictReader(io.StringIO(tables.as_csv(some).decode())))
    assert list(read[0]) == ["name", "group", "subject", "pictures", *(f"{metric}{end}" for metric in (
        CLIP_I, CLIP_T, SWD, FID) for end in ("", " low", " high"))]
    for one, line in zip(some, read, strict=True):
        assert (one.name, one.group, one.subject, str(one.pictures)) == tuple(line.values())[:4] and one.name == "mine"
        for metric in (CLIP_I, CLIP_T, SWD, FID):
            for end, value in zip(("", " low", " high"), one.cells.get(metric, Cell(nan)), strict=False):
                text = line[f"{metric}{end}"]
                assert text == "" if isnan(value) else float(text) == value


def test_json_has_null_where_there_is_no_number(made: Result) -> None:
    said = json.loads(tables.as_json(tables.rows(made), protocol="quick"))
    assert said["protocol"] == "quick" and len(said["rows"]) == 10
    assert said["rows"][1]["scores"][FID] == {"mean": 120.5, "low": None, "high": None, "std": None}
    assert "CLIP-T" not in said["rows"][0]["scores"]


def test_notes_name_sampler_base_and_models(made: Result) -> None:
    text = "\n".join(tables.notes(made._replace(said={**made.said, "warnings": ["FID of 4 pictures *"]})))
    assert "| dreambooth | tiny \\@ 1 | ddim | 200 | 7.5 | the run's own | quick | 2 | 2 | 4 |" in text
    assert "| CLIP-I, CLIP-T | `openai/clip-vit-base-patch32` | `3d74acf9` | `CLIP` | `abababababab` |" in text
    assert "- FID of 4 pictures \\*" in text and "95 %" in text


def test_the_protocol_of_a_result_that_was_read_is_the_same(made: Result) -> None:
    told = tables.protocol(made)
    assert told == tables.protocol(made._replace(said={**made.said, "sampler": {
        "scheduler": "ddim", "steps": 200, "guidance": 7.5, "side": 0, "batch": 4}}))
    assert told[f"model of {CLIP_I}"] == "openai/clip-vit-base-patch32 @ 3d74acf9"
    other = tables.protocol(made._replace(said={**made.said, "sampler": Sampler(steps=50, side=512)}))
    assert {name for name in told if told[name] != other[name]} == {"steps", "side"}
