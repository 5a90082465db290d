import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UsageError
from trainers.evaluation.survey.answers import MAX_BYTES, Answer, files, read
from trainers.evaluation.survey.questions import PROMPT, Form, Question


def form() -> Form:
    questions = tuple(Question(id=f"q{number}", group=1 + number % 2, kind=PROMPT, pair=(0, 1), swapped=False,
                               subject="toy", key=str(number), text="a toy") for number in range(1, 9))
    return Form(benchmark="dreambench", protocol="quick", seed=0, groups=2, runs=("ours", "baseline"),
                questions=questions).named()


def saved(path: Path, **said: Any) -> Path:
    whole = {"survey": form().id, "group": 2, "person": "anna", "answers": {"q1": "left", "q3": "right"}} | said
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def reasons(*paths: Path) -> Counter[str]:
    answers, rejected = read(form(), paths)
    assert not answers
    return Counter(one.reason for one in rejected)


def test_answers_are_read_as_they_were_saved(tmp_path: Path) -> None:
    answers, rejected = read(form(), [saved(tmp_path / "a.json")])
    assert answers == [Answer("anna", "q1", "left"), Answer("anna", "q3", "right")] and not rejected


@pytest.mark.parametrize("data", [b"\xff\xfe{", b"null", b"[]", b"{}", b'{"survey": 3}', b"[" * 100_000,
                                  b'{"survey": "x", "group": "2", "person": "a", "answers": {}}',
                                  b'{"survey": "x", "group": 2, "person": "a", "answers": []}',
                                  b'{"survey": "x", "group": 1e999, "person": "a", "answers": {}}'])
def test_what_the_page_did_not_save_is_no_answers(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(data)
    assert reasons(tmp_path / "a.json") == {"no_answers": 1}


def test_files_that_do_not_fit_are_counted_by_reason(tmp_path: Path) -> None:
    assert reasons(saved(tmp_path / "a.json", survey="0123456789abcdef")) == {"other_survey": 1}
    assert reasons(saved(tmp_path / "b.json", group=3)) == {"unknown_group": 1}
    assert reasons(saved(tmp_path / "c.json", person="")) == {"no_answers": 1}
    (tmp_path / "d.json").write_bytes(b" " * (MAX_BYTES + 1))
    assert reasons(tmp_path / "d.json") == {"too_large": 1}
    (tmp_path / "e.json").write_bytes(b"")
    os.mkfifo(tmp_path / "f.json")
    assert reasons(tmp_path / "e.json", tmp_path / "f.json") == {"unreadable": 2}


def test_an_answer_that_does_not_fit_leaves_the_others(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json", answers={
        "q1": "left", "q2": "left", "q3": "middle", "q5": ["left"], "q7": "right", "q99": "left", "\x1b[2J": "left"})
    answers, rejected = read(form(), [path])
    assert answers == [Answer("anna", "q1", "left"), Answer("anna", "q7", "right")]
    assert [(one.question, one.reason) for one in rejected] == [
        ("q2", "other_group"), ("q3", "no_side"), ("q5", "no_side"), ("q99", "unknown_question"),
        ("\\u001b[2J", "unknown_question")]


def test_a_person_counts_once_with_the_fullest_file(tmp_path: Path) -> None:
    paths = [saved(tmp_path / "1.json"), saved(tmp_path / "2.json", answers={"q1": "left", "q3": "left", "q5": "left"}),
             saved(tmp_path / "3.json", answers={"q1": "right", "q3": "left", "q5": "left"}),
             saved(tmp_path / "4.json", person="ben"), saved(tmp_path / "5.json", group=1, answers={"q2": "left"})]
    answers, rejected = read(form(), paths)
    assert Counter(one.person for one in answers) == {"anna": 4, "ben": 2}
    assert Answer("anna", "q1", "left") in answers and Answer("anna", "q2", "left") in answers
    assert sorted((one.file, one.reason) for one in rejected) == [("1.json", "same_person"), ("3.json", "same_person")]


def test_files_come_from_folders_and_once(tmp_path: Path) -> None:
    one, two = saved(tmp_path / "b.json"), saved(tmp_path / "a.json")
    (tmp_path / "notes.txt").write_text("no answers", encoding="utf-8")
    assert files([tmp_path, one]) == [two, one]
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "none.json"):
        with pytest.raises(UsageError, match="--answers has no files"):
            files([path])
