"""Options of `trainers survey-results`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UsageError
from schemas.terminal.fields import check_fields, option
from trainers.options import Said

SAID = Said(
    "what the answers to a survey say: shares with intervals, agreement",
    """Reads the answer files of a page that `trainers survey` made. For every two runs and each kind of question: the
share that preferred the first, with 95 % intervals (Wilson's, and one over people), and how far people agree. What
cannot be used stands in OUT/rejected.csv with its reason.""",
    """examples:
  trainers survey-results --survey STUDY --answers ANSWERS --out RESULTS
  trainers survey-results --survey STUDY --answers anna.json,ben.json --out RESULTS
""")


@dataclass(frozen=True, kw_only=True)
class SurveyResults:
    """Of which survey, from which answers."""

    survey: Path = option(Path(), "OUT of `trainers survey`", group="study", metavar="OUT")
    answers: str = option("", "files that the page saved, or folders of them (*.json), with commas between them",
                          group="study", metavar="FILE,FOLDER")
    seed: int = option(0, "of the bootstrap over people", group="study", low=0, high=2**63 - 1, metavar="SEED")
    out: Path = option(Path(), "folder for table.md, table.csv, results.json and rejected.csv, which it replaces",
                       group="output", metavar="OUT")

    def check(self) -> None:
        """Raises UsageError."""
        check_fields(self)
        if self.survey == Path() or not (self.survey / "survey.json").is_file():
            raise UsageError("--survey holds no survey.json", seen=str(self.survey), allowed="OUT of `trainers survey`",
                             next_command="trainers survey --runs OUT,OUT --out STUDY")
        if not self.answers:
            raise UsageError("--answers is missing", allowed="files that the survey's page saved, or their folder")
        if self.out == Path():
            raise UsageError("--out is missing", allowed="a folder", next_command="add --out OUT")
        if self.out.exists() and not (self.out.is_dir() and ((self.out / "results.json").is_file() or not any(
                path for path in self.out.iterdir() if not path.name.startswith(".")))):
            raise UsageError("--out holds what no `trainers survey-results` wrote", seen=str(self.out),
                             allowed="a new or empty folder, or one with earlier results", next_command="another --out")
