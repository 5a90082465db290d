import csv
import json
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.trainers.evaluation.survey import studies
from trainers.cli import main
from trainers.evaluation.survey import asking, tally
from trainers.evaluation.survey.answers import Answer
from trainers.evaluation.survey.asking_options import Survey
from trainers.evaluation.survey.questions import PROMPT, REFERENCE, Form, Question


def test_wilson_by_hand() -> None:
    square = 1.959963984540054**2  # 3.8415
    assert tally.wilson(0, 10) == pytest.approx((0, square / (10 + square)))
    assert tally.wilson(10, 10) == pytest.approx((10 / (10 + square), 1))
    half = 0.5 * (square / (10 + square)) ** 0.5  # of 5 in 10: the middle stays, 0.2366 .. 0.7634
    assert tally.wilson(5, 10) == pytest.approx((0.5 - half, 0.5 + half))


def test_agreement_by_hand_and_as_published() -> None:
    assert tally.agreement([[True], [False]]) == (None, None)
    assert tally.agreement([[True, True], [True, True]]) == (1, None)  # nobody had a choice that anybody made
    assert tally.agreement([[True, True], [False, False]]) == (1, 1)
    # 6 values, 3 of them true: 2 of 6 unlike by pairs within, 18 of 30 by chance.
    assert tally.agreement([[True, True], [False, False], [True, False], [True]]) == pytest.approx((2 / 3, 4 / 9))
    # Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), section A: 0.095.
    meg, owen = "0100000010", "1110010000"
    alike, alpha = tally.agreement([[one == "1", other == "1"] for one, other in zip(meg, owen, strict=True)])
    assert alike == 0.6 and alpha == pytest.approx(0.095, abs=5e-4)
    # Three answers to a question are three pairs, each of half the weight: 2 of 3 unlike, and 4 of 6 by chance.
    assert tally.agreement([[True, True, False]]) == pytest.approx((1 / 3, 0))


def form(runs: tuple[str, ...] = ("ours", "baseline")) -> Form:
    """Eight questions, every other with sides changed; the last four of the prompt."""
    questions = tuple(Question(id=f"q{number}", group=1, kind=REFERENCE if number < 4 else PROMPT, pair=(0, 1),
                               swapped=number % 2 == 1, subject="toy", key=str(number), text="a toy")
                      for number in range(8))
    return Form(benchmark="dreambench", protocol="quick", seed=0, groups=1, runs=runs, questions=questions).named()


def test_a_vote_is_for_the_run_on_the_side_that_was_chosen() -> None:
    answers = [Answer("anna", "q0", "left"), Answer("anna", "q1", "right"), Answer("anna", "q2", "right"),
               Answer("ben", "q0", "left"), Answer("ben", "q5", "left")]
    near, fits = tally.rows(form(), answers, seed=0)
    assert (near.kind, near.preferred, near.answers, near.people, near.questions) == (REFERENCE, 3, 4, 2, 3)
    assert near.share == 0.75 and (near.agreement, near.alpha) == (1, None)
    assert (fits.kind, fits.preferred, fits.answers, fits.share, fits.people) == (PROMPT, 0, 1, 0, 1)
    assert (fits.first, fits.second) == ("ours", "baseline")


def test_who_answers_alike_all_the_time_is_one_voice() -> None:
    """Ten people of forty answers each, half of them always for the first: the share is 0.5; Wilson's interval takes
    400 voices for 400 people and reaches 0.05 either way, over ten people it is some 0.3."""
    questions = tuple(Question(id=f"q{number}", group=1, kind=PROMPT, pair=(0, 1), swapped=False, subject="toy",
                               key=str(number), text="a toy") for number in range(40))
    whole = Form(benchmark="", protocol="", seed=0, groups=1, runs=("a", "b"), questions=questions)
    answers = [Answer(f"person{at}", one.id, "left" if at < 5 else "right") for at in range(10) for one in questions]
    [row] = tally.rows(whole, answers, seed=0)
    assert row.share == 0.5
    assert row.wilson[1] - row.wilson[0] < 0.1 < 0.5 < row.bootstrap[1] - row.bootstrap[0] < 0.7
    assert row.agreement == pytest.approx(20 / 45)  # 2 x 10 of the 45 pairs of people


def answered(study: Path, person: str, group: int, ours: int) -> dict[str, object]:
    """A file of answers: of each kind the first `ours` questions for the run that drew red, as the pixels say."""
    page = (study / "page" / "index.html").read_text(encoding="utf-8")
    told = json.loads(page.partition('id="survey">')[2].partition("</script>")[0])
    answers: dict[str, str] = {}
    for kind in (REFERENCE, PROMPT):
        asked = [one for one in told["questions"] if one["group"] == group and one["kind"] == kind]
        for at, one in enumerate(asked):
            wanted = "red" if at < ours else "blue"
            [answers[one["id"]]] = [side for side in ("left", "right")
                                    if studies.colour(study / "page" / one[side]) == wanted]
    return {"survey": told["id"], "group": group, "person": person, "answers": answers}


def test_planted_preferences_come_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study, files, out = tmp_path / "study", tmp_path / "answers", tmp_path / "out"
    asking.run(Survey(runs=studies.study(tmp_path), groups=2, questions=5, out=study))
    files.mkdir()
    for person, group, ours in (("anna", 1, 5), ("ben", 2, 3), ("cleo", 1, 4)):
        (files / f"{person}.json").write_text(json.dumps(answered(study, person, group, ours)), encoding="utf-8")
    (files / "x.json").write_text("<html>", encoding="utf-8")
    words = ["survey-results", "--survey", str(study), "--answers", str(files), "--out", str(out)]
    assert main(words) == 0 and main(words) == 0  # more answers come: results are replaced
    assert "ours over baseline, closer to the reference: 80.0% of 15" in capsys.readouterr().out
    said = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert (said["people"], said["answers"], said["files"], said["rejected"]) == (3, 30, 4, {"no_answers": 1})
    for row in said["rows"]:
        assert (row["preferred"], row["answers"], row["people"], row["questions"]) == (12, 15, 3, 10)
        assert row["agreement"] == 0.8  # anna and cleo differ in the last of five
    with (out / "table.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["first"], row["kind"], row["share"]) for row in rows] == [("ours", "reference", "0.8"),
                                                                          ("ours", "prompt", "0.8")]
    page = (out / "table.md").read_text(encoding="utf-8")
    assert "| ours | baseline | closer to the reference | 80.0% / 20.0% | 54.8% – 93.0% |" in page
    assert (out / "rejected.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "x.json,,no_answers,the file is not what the page saves"]
    assert sorted(path.name for path in out.iterdir()) == ["rejected.csv", "results.json", "table.csv", "table.md"]


def test_hostile_names_stay_text() -> None:
    found = tally.rows(form(("<img src=x>|", "b`\u202e")), [Answer("anna", "q0", "left")], seed=0)
    page = tally.page(form(), {"people": 1, "answers": 1, "left": 1.0, "rejected": {}}, found)
    shown = MarkdownIt("commonmark").enable("table").render(page)
    assert "<td>&lt;img src=x&gt;|</td>\n<td>b`\\u202e</td>" in shown and "\u202e" not in page


def test_names_cannot_act_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs, study, file = studies.study(tmp_path), tmp_path / "study", tmp_path / "anna.json"
    for folder in runs.split(","):
        record = Path(folder) / "evaluation.json"
        record.write_text(json.dumps({**json.loads(record.read_text()), "name": f"\x1b[2J{Path(folder).name}\n"}))
    asking.run(Survey(runs=runs, plan="quick", out=study))
    file.write_text(json.dumps(answered(study, "anna", 1, 5)), encoding="utf-8")
    assert main(["survey-results", "--survey", str(study), "--answers", str(file), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "\\u001b[2Jours\\u000a over \\u001b[2Jbaseline\\u000a, fits" in said and "\x1b" not in said


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["survey-results", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_what_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study, out = tmp_path / "study", tmp_path / "out"
    asking.run(Survey(runs=studies.study(tmp_path), plan="quick", out=study))
    bad = tmp_path / "bad.json"
    bad.write_text("{}", encoding="utf-8")
    given = ("--survey", str(study), "--answers", str(bad), "--out", str(out))
    assert "no file answers this survey (got '1 no_answers')" in refused(capsys, *given)
    assert "holds no survey.json" in refused(capsys, "--survey", str(tmp_path), *given[2:])
    assert "--answers is missing" in refused(capsys, *given[:2], *given[4:])
    assert "no `trainers survey-results` wrote" in refused(capsys, *given[:4], "--out", str(study))
    assert not out.exists()
    kept = (study / "survey.json").read_text(encoding="utf-8")
    changed = kept.replace('"swapped": true', '"swapped": false', 1)
    for text, said in ((changed, "survey.json was changed"), (kept[:50], "survey.json cannot be read")):
        (study / "survey.json").write_text(text, encoding="utf-8")
        assert said in refused(capsys, *given)
