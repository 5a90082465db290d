import json
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from tests.trainers.evaluation.survey import studies
from trainers.cli import main
from trainers.evaluation.plans import CLIP_T_OBJECT
from trainers.evaluation.survey import asking, tally
from trainers.evaluation.survey.asking_options import Survey


def written(page: Path) -> dict[str, object]:
    """The survey that a page holds, as a browser reads it; nothing else may hide in it."""
    scripts: list[str] = []

    class Reader(HTMLParser):
        inside = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.inside = tag == "script"
            if self.inside:
                scripts.append("")

        def handle_endtag(self, tag: str) -> None:
            self.inside = False

        def handle_data(self, data: str) -> None:
            if self.inside:
                scripts[-1] += data

    Reader().feed(page.read_text(encoding="utf-8"))
    assert len(scripts) == 2
    found: dict[str, object] = json.loads(scripts[0])
    return found


def test_a_survey_shows_each_pair_as_survey_json_says_and_tells_no_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["survey", "--runs", studies.study(tmp_path), "--groups", "2", "--questions", "6", "--out",
                 str(out)]) == 0
    form = tally.opened(out / "survey.json")
    told = written(out / "page" / "index.html")
    assert form.runs == ("ours", "baseline") and told["id"] == form.id and told["groups"] == 2
    asked = told["questions"]
    assert isinstance(asked, list) and [one["id"] for one in asked] == [one.id for one in form.questions]
    assert len(asked) == 24
    for one, kept in zip(asked, form.questions, strict=True):
        sides = [studies.colour(out / "page" / one[side]) for side in ("left", "right")]
        assert sides == (["blue", "red"] if kept.swapped else ["red", "blue"])
        if one["kind"] == "reference":
            assert studies.colour(out / "page" / one["reference"]) == "green"
        else:
            assert one["text"].startswith("a duck toy at place ") and one["reference"] == ""
        assert set(one) == {"id", "group", "kind", "text", "left", "right", "reference"}
    page = (out / "page" / "index.html").read_text(encoding="utf-8")
    assert "ours" not in page and "baseline" not in page and "http" not in page.replace("http-equiv", "")
    # All pictures of a colour are one file here: three.
    assert len(list((out / "page" / "pictures").iterdir())) == 3


def test_the_same_command_gives_the_same_files(tmp_path: Path) -> None:
    runs = studies.study(tmp_path)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        asking.run(Survey(runs=runs, plan="quick", seed=seed, out=tmp_path / name))
    a, b, c = ({path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
               for name in ("a", "b", "c"))
    assert a == b and a != c
    assert tally.opened(tmp_path / "a" / "survey.json").id != tally.opened(tmp_path / "c" / "survey.json").id


def test_pictures_are_shown_alike_whatever_their_size(tmp_path: Path) -> None:
    runs = studies.study(tmp_path)
    for path in (tmp_path / "ours" / "pictures").rglob("*.png"):
        Image.new("RGB", (1536, 1024), studies.RED).save(path)
    asking.run(Survey(runs=runs, plan="quick", out=tmp_path / "out"))
    assert sorted({Image.open(path).size for path in (tmp_path / "out" / "page" / "pictures").iterdir()}) == [
        (24, 16), (512, 341)]


def test_a_hostile_prompt_stays_text(tmp_path: Path) -> None:
    hostile = "</script><script>document.title = 'owned'</script><!-- \u202e é"
    plan = [msgspec.structs.replace(job, texts={CLIP_T_OBJECT: f"{hostile} {job.key}"}) for job in studies.jobs()]
    runs = [studies.evaluated(tmp_path / name, plan, studies.RED) for name in ("a", "b")]
    asking.run(Survey(runs=",".join(map(str, runs)), plan="quick", out=tmp_path / "out"))
    asked = written(tmp_path / "out" / "page" / "index.html")["questions"]
    assert isinstance(asked, list) and all(one["text"].startswith(hostile) for one in asked)


def test_runs_of_one_name_are_called_by_their_folders(tmp_path: Path) -> None:
    runs = [studies.evaluated(tmp_path / name, studies.jobs(), studies.RED, name="same") for name in ("a", "b")]
    asking.run(Survey(runs=",".join(map(str, runs)), plan="quick", out=tmp_path / "out"))
    assert tally.opened(tmp_path / "out" / "survey.json").runs == (str(runs[0]), str(runs[1]))


def refused(runs: str, out: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["survey", "--runs", runs, "--plan", "quick", "--out", str(out), *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_what_cannot_be_asked_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs, out = studies.study(tmp_path), tmp_path / "out"
    ours, baseline = (tmp_path / name for name in ("ours", "baseline"))
    assert "two different folders" in refused(str(ours), out, capsys)
    assert "two different folders" in refused(f"{ours},{ours}", out, capsys)
    assert "no evaluation is there" in refused(f"{ours},{tmp_path / 'none'}", out, capsys)
    other = studies.evaluated(tmp_path / "other", studies.jobs(), studies.BLUE, protocol="paper")
    assert "not evaluated alike" in refused(f"{ours},{other}", out, capsys)
    assert "no new folder" in refused(runs, ours, capsys)
    assert "--questions is out of range" in refused(runs, out, capsys, "--questions", "0")
    for path in (baseline / "pictures").rglob("*-0.png"):
        path.write_bytes(path.read_bytes()[:40])
    assert "picture of the evaluation cannot be read: " in refused(runs, out, capsys)
    for path in (baseline / "pictures").rglob("*-0.png"):
        path.unlink()
    assert "missing_file" in refused(runs, out, capsys)
    (baseline / "plan.jsonl").write_text('{"key": 3}\n', encoding="utf-8")
    assert "plan.jsonl cannot be read" in refused(runs, out, capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["baseline", "other", "ours"]
