"""Evaluations side by side: what differs, what is tested, what is published."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from msgspec import structs

from schemas.errors import UsageError
from tests.trainers.evaluation.results_made import job, result
from trainers.evaluation import results
from trainers.evaluation.compare import _named, compare, conditions, run, side_by_side, versus
from trainers.evaluation.compare_options import Compare
from trainers.evaluation.plans import CLIP_I, CLIP_T, FID, R_PRECISION, REAL, Result, Sampler

PROMPTS = ("a {} dog in the snow", "a wet {} dog")


def made(folder: Path, shift: float = 0.0, token: str = "sks", *, seed: int = 0, real: float = 0.9,
         **said: object) -> Result:
    """Three subjects, two prompts, two pictures each: CLIP-I 0.40 .. 0.51, and `shift` more."""
    jobs = [job(subject, 0) for subject in ("a", "b", "c")]
    jobs += [job(subject, at, prompt=f"{prompt.format(token)}", seed=seed + at) for subject in ("a", "b", "c")
             for at, prompt in enumerate(PROMPTS * 2)]
    jobs = [structs.replace(one, texts={CLIP_T: one.prompt.replace(f"{token} ", "")}) for one in jobs]
    scores = [real] * 3 + [0.40 + at / 100 + shift for at in range(12)]
    return result(folder, jobs, {CLIP_I: scores, CLIP_T: [0.3] * 15}, seed=seed, **said)


def written(one: Result) -> str:
    results.write_plan(one.folder, one.scored.jobs)
    results.write(one)
    return str(one.folder)


def cells(page: str) -> list[list[str]]:
    """Rows of all tables of a page, as a reader sees them."""
    shown = MarkdownIt("gfm-like", {"linkify": False}).render(page)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", shown, re.DOTALL)]


def test_pictures_of_one_prompt_are_one_condition_whatever_token_and_seed(tmp_path: Path) -> None:
    one, two = (conditions([made(tmp_path, token=token, seed=seed)]) for token, seed in (("sks", 0), ("olis", 7)))
    assert one == two and len(one) == 6
    # Pictures 0 and 2 of subject a show its first prompt.
    assert one["a", "", "a dog in the snow", None][CLIP_I] == pytest.approx(0.41)


def test_each_is_tested_against_the_first_on_what_both_have(tmp_path: Path) -> None:
    first, other = made(tmp_path / "one"), made(tmp_path / "two", 0.05, "olis", seed=9)
    fewer = other._replace(scored=other.scored._replace(jobs=tuple(
        one if one.subject != "c" else job("elsewhere", at, prompt=one.prompt)
        for at, one in enumerate(other.scored.jobs))))
    tests = {metric: test for test in versus(*_named([[first], [other]])) for metric in [test.metric]}
    assert tests[CLIP_I].paired.difference == pytest.approx(0.05) and tests[CLIP_I].paired.pairs == 6
    assert tests[CLIP_I].first == pytest.approx(0.455) and tests[CLIP_I].other == pytest.approx(0.505)
    assert tests[CLIP_I].paired.p == pytest.approx(2 / 2**3)  # signs of three subjects
    assert tests[CLIP_T].paired.difference == 0 and tests[CLIP_T].paired.p == 1
    shared = versus(*_named([[first], [fewer]]))[0]
    assert shared.paired.pairs == 4 and shared.paired.p == pytest.approx(2 / 2**2)


def test_evaluations_that_share_nothing_are_not_tested(tmp_path: Path) -> None:
    other = result(tmp_path / "two", [job("z", 1, prompt="a sks cat")], {CLIP_I: [0.5]})
    assert versus(*_named([[made(tmp_path / "one")], [other]])) == []
    compare([[made(tmp_path / "one")], [other]], tmp_path / "out")
    page = (tmp_path / "out" / "README.md").read_text()
    assert "## Paired tests\n\nNone: no other has a subject and prompt of one." in page and "--data" in page


def test_two_strategies_are_tested_by_their_concepts(tmp_path: Path) -> None:
    """Each evaluation has one group. Where both have several, equal ones are compared."""
    def drawn(groups: Sequence[str], score: float) -> Result:
        jobs = [job(concept, at, group, prompt="a photo of sks x") for concept in "abcd" for group in groups
                for at in range(2)]
        scores = [score + 0.3 * (one.group == "full") for one in jobs]
        return result(tmp_path / "-".join(groups), jobs, {CLIP_I: scores}, benchmark="coti")

    [test] = versus(*_named([[drawn(["random"], 0.5)], [drawn(["coti"], 0.7)]]))
    assert (test.paired.pairs, test.paired.p) == (4, pytest.approx(2 / 2**4))
    assert test.paired.difference == pytest.approx(0.2)
    for others in (["coti", "full"], ["full"]):
        [test] = versus(*_named([[drawn(["random", "full"], 0.5)], [drawn(others, 0.6)]]))
        assert (test.paired.pairs, test.paired.difference) == (4, pytest.approx(0.1))


def test_repeats_are_one_row_with_their_deviation(tmp_path: Path) -> None:
    one, = _named([[made(tmp_path / "1", 0.0), made(tmp_path / "2", 0.2, seed=1)]])
    whole = next(row for row in one.rows if not row.group and not row.subject)
    assert whole.cells[CLIP_I].mean == pytest.approx(0.555) and whole.pictures == 24
    assert whole.cells[CLIP_I].std == pytest.approx(0.2 / 2**0.5)
    assert conditions(one.results)["a", "", "a dog in the snow", None][CLIP_I] == pytest.approx(0.51)


@pytest.mark.parametrize(("other", "said"), [
    (lambda folder: made(folder, seed=1, sampler=Sampler(steps=50)), "no repeats of one evaluation: steps differs"),
    (lambda folder: made(folder), "repeats with one seed"),
])
def test_what_are_no_repeats_is_told(tmp_path: Path, other: Callable[[Path], Result], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        compare([[made(tmp_path / "1"), other(tmp_path / "2")]], tmp_path / "out")


def test_benchmarks_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"different benchmarks \(got 'coti, dreambench'\)"):
        compare([[made(tmp_path / "1")], [made(tmp_path / "2", benchmark="coti")]], tmp_path / "out")


def test_rows_stand_side_by_side_and_like_real_pictures_once(tmp_path: Path) -> None:
    some = _named([[made(tmp_path / "one")], [made(tmp_path / "two")], [made(tmp_path / "three", real=0.8)]])
    rows = [(row.group, row.subject, row.name) for row in side_by_side(some)]
    assert rows[:5] == [(REAL, "", "one"), (REAL, "", "three"), ("", "", "one"), ("", "", "two"), ("", "", "three")]
    assert rows[5:8] == [("", "a", "one"), ("", "a", "two"), ("", "a", "three")]


def test_evaluations_of_one_name_are_told_apart(tmp_path: Path) -> None:
    named = _named([[made(tmp_path / at, name="run")] for at in "123"])
    assert [one.name for one in named] == ["run", "run (2)", "run (3)"]


def test_the_command_writes_all_and_marks_differences(tmp_path: Path) -> None:
    folders = (written(made(tmp_path / "one", sampler=Sampler(steps=50))), written(made(tmp_path / "two", 0.05)))
    out = tmp_path / "out"
    options = Compare(runs=folders, out=out)
    options.check()
    assert run(options) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "balance.png", "metrics.png", "table.csv", "table.json", "table.md"]
    page = (out / "README.md").read_text()
    rows = cells(page)
    assert next(row for row in rows if row[:2] == ["all", "one"])[-1] == ""
    assert next(row for row in rows if row[:2] == ["all", "two"])[-1] == "steps"
    test = next(row for row in rows if row[:2] == ["two", "CLIP-I"])
    assert test[2:6] == ["6", "0.455", "0.505", "+0.0500"] and test[-1] == "0.2500"
    paper = next(row for row in rows if row[0] == "A Data Perspective, SDXL (published)")
    assert paper[1:6] == ["all", "0.744", "0.842", "0.297", "0.312"]
    assert paper[6] == "base, protocol, subjects, prompts, pictures"  # it takes 50 steps of DDIM, too
    assert paper[7] == "guidance, side, model of CLIP-I, model of CLIP-T"
    assert next(row for row in rows if row[0] == "DreamBooth, as Ruiz et al. report (published)")[6] == "base"
    assert next(row for row in rows if row[0] == "steps")[1:3] == ["50", "≠ 200"]
    said = json.loads((out / "table.json").read_text())
    assert said["tests"][0]["pairs"] == 6 and said["protocols"]["two"]["steps"] == "200"
    with (out / "table.csv").open() as lines:
        assert {row["name"] for row in csv.DictReader(lines)} == {"one", "two"}


def test_an_evaluation_alone_stands_beside_the_paper(tmp_path: Path) -> None:
    jobs = [job("emperor penguin chick", 0, "coti", "a photo of x"), job("axolotl", 0, "coti", "a photo of y")]
    one = result(tmp_path / "mine", jobs, {R_PRECISION: [1.0, 0.0]}, {FID: {("", ""): 80.0, ("coti", "axolotl"): 70.0}},
                 benchmark="coti")
    compare([[one]], tmp_path / "out")
    page = (tmp_path / "out" / "README.md").read_text()
    assert "## Paired tests" not in page
    rows = [row for row in cells(page) if len(row) == 6 and row[1] == "coti, axolotl"]
    assert [(row[0], row[2][:6], row[3][:5]) for row in rows] == [("mine", "70.00", "0.000"),
                                                                 ("COTI (published)", "37.75", "0.924")]


def test_a_concept_alone_stands_beside_its_rows_in_the_paper(tmp_path: Path) -> None:
    jobs = [job("axolotl", 0, group, "a photo of x") for group in ("coti", "random")]
    compare([[result(tmp_path / "mine", jobs, {R_PRECISION: [1.0, 0.25]}, benchmark="coti")]], tmp_path / "out")
    rows = [row for row in cells((tmp_path / "out" / "README.md").read_text()) if len(row) == 6 and row[0] == "mine"]
    assert [(row[1], row[3][:5]) for row in rows] == [("all", "0.625"), ("coti", "1.000"), ("random", "0.250"),
                                                      ("all", "0.625")]  # Table 2 is of another concept


def test_folders_of_repeats_come_in_by_the_command(tmp_path: Path) -> None:
    for at in (1, 2):
        written(made(tmp_path / "both" / str(at), 0.1 * at, seed=at, name="both"))
    options = Compare(runs=(str(tmp_path / "both"),), out=tmp_path / "out")
    run(options)
    assert "0.605 ± 0.071" in (tmp_path / "out" / "table.md").read_text()


def test_hostile_names_do_nothing_on_the_page(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>|*b*\n# c"
    compare([[made(tmp_path / "1", name=name)], [made(tmp_path / "2", name="`x`")]], tmp_path / "out")
    for file in ("README.md", "table.md"):
        shown = MarkdownIt("gfm-like", {"linkify": False}).render((tmp_path / "out" / file).read_text())
        assert "onerror" in shown and "<img src=x" not in shown and "<em>" not in shown and "<code>" not in shown


def test_the_same_evaluations_give_the_same_files(tmp_path: Path) -> None:
    given = [[made(tmp_path / "1")], [made(tmp_path / "2", 0.1)]]
    for out in ("x", "y"):
        compare(given, tmp_path / out)
    for path in (tmp_path / "x").iterdir():
        assert path.read_bytes() == (tmp_path / "y" / path.name).read_bytes()


@pytest.mark.parametrize(("runs", "said"), [
    ((), "nothing to compare"), (("a", "b", "./a"), r"named twice \(got './a'\)"),
])
def test_options_are_checked_first(tmp_path: Path, runs: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Compare(runs=runs, out=tmp_path / "out").check()


def test_out_must_be_new(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("somebody's")
    with pytest.raises(UsageError, match="--out is no new or empty folder"):
        Compare(runs=("a",), out=tmp_path).check()
    with pytest.raises(UsageError, match="--out is missing"):
        Compare(runs=("a",)).check()
    with pytest.raises(UsageError, match="no evaluation is there"):
        run(Compare(runs=(str(tmp_path),), out=tmp_path / "out"))
