"""Options of `trainers compare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UsageError
from schemas.terminal.fields import check_fields, option
from trainers.options import Said

SAID = Said(
    "evaluations side by side, with paired tests and the papers' own rows",
    """Puts evaluations of one benchmark into one table, tests each against the first on the subjects and prompts that
both have, and sets the rows that the benchmark's papers print beside them, every difference of protocol marked. A
folder of several evaluations of one run with other seeds is one row: their mean and standard deviation.""",
    """examples:
  trainers evaluate dreambench --run OURS --out A
  trainers evaluate dreambench --run THEIRS --out B
  trainers compare A B --out SIDE_BY_SIDE
""")


@dataclass(frozen=True, kw_only=True)
class Compare:
    """What is compared."""

    runs: tuple[str, ...] = option((), "OUT of `trainers evaluate`, or a folder that holds such with other seeds; the "
                                   "first is what others are tested against", group="what", metavar="RUN")
    out: Path = option(Path(), "a new or empty folder: README.md, table.md, table.csv, table.json, balance.png and "
                       "metrics.png", group="output", metavar="OUT")

    def check(self) -> None:
        """Raises UsageError, before anything is read."""
        check_fields(self)
        again = "trainers compare RUN RUN --out OUT"
        if not self.runs:
            raise UsageError("nothing to compare", allowed="one or more OUTs of `trainers evaluate`",
                             next_command=again)
        same = [run for at, run in enumerate(self.runs) if Path(run).resolve() in
                [Path(one).resolve() for one in self.runs[:at]]]
        if same:
            raise UsageError("an evaluation is named twice", seen=same[0], next_command=again)
        if self.out == Path():
            raise UsageError("--out is missing", allowed="a folder", next_command=again)
        if self.out.exists() and not (self.out.is_dir() and not any(self.out.iterdir())):
            raise UsageError("--out is no new or empty folder", seen=str(self.out), next_command="another --out")
