"""Options of `trainers survey`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UsageError
from schemas.terminal.fields import check_fields, option
from trainers.options import Said

SAID = Said(
    "a page that asks people which of two evaluated runs they prefer",
    """Writes OUT/page, a page for any browser, offline too. It shows two pictures of one subject and prompt, drawn by
two runs, and asks which is closer to the reference, or which fits the prompt; pairs and sides are drawn by the seed.
Each person answers one group of the questions and sends a file of answers back, for `trainers survey-results`.
OUT/survey.json tells which side is which run: keep it to yourself.""",
    """examples:
  trainers survey --runs OURS,BASELINE --out STUDY
  trainers survey --runs OURS,BASELINE --plan quick --out STUDY
  trainers survey --runs OURS,BASELINE --groups 4 --questions 10 --out STUDY
  trainers survey-results --survey STUDY --answers ANSWERS --out RESULTS
""")

PLANS = {"paper": (10, 15), "quick": (1, 5)}
"""By name: groups, and questions of each kind in a group for each pair of runs. The paper ("A Data Perspective on
Enhanced Identity Preservation", appendix C): 300 comparisons of a pair, half for each kind, in 10 groups."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is compared, and how much is asked."""

    runs: str = option("", "two or more OUT of `trainers evaluate`, of one protocol, with commas between them; every "
                       "two are compared", group="study", metavar="OUT,OUT")
    plan: str = option("paper", "paper: 10 groups of 15 + 15 questions for every two runs; quick: one of 5 + 5",
                       group="study", choices=tuple(PLANS))
    groups: int | None = option(None, "groups of questions; each person answers one. Default: the plan's",
                                group="study", low=1, high=10_000, metavar="N")
    questions: int | None = option(None, "questions of each kind in a group, for every two runs. Default: the plan's",
                                   group="study", low=1, high=10_000, metavar="N")
    seed: int = option(0, "all chance follows from it", group="study", low=0, high=2**63 - 1, metavar="SEED")
    out: Path = option(Path(), "a new folder: page, to hand out, and survey.json, to keep", group="output",
                       metavar="OUT")

    def check(self) -> None:
        """Raises UsageError."""
        check_fields(self)
        if len(self.folders) < 2 or len(set(self.folders)) < len(self.folders):
            raise UsageError("--runs are not two different folders or more", seen=self.runs,
                             allowed="OUT of `trainers evaluate`, with commas between them")
        if self.out == Path() or self.out.exists():
            raise UsageError("--out is no new folder", seen=str(self.out), allowed="one that is not there",
                             next_command="another --out")

    @property
    def folders(self) -> list[Path]:
        """--runs."""
        return [Path(one.strip()) for one in self.runs.split(",") if one.strip()]

    @property
    def each(self) -> tuple[int, int]:
        """Groups, and questions of each kind in a group for each pair."""
        groups, questions = PLANS[self.plan]
        return self.groups or groups, self.questions or questions
