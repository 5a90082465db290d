"""Options of `trainers attend`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UsageError
from schemas.terminal.fields import check_fields, option
from trainers.options import Said

SAID = Said(
    "where each concept word looks on each reference, by layer and timestep (RetriBooru's figure 6)",
    """Draws the attention of a trained RetriNet's retrieval encoder: for each input block that reads words, each
timestep, each reference and each concept word, how much a place of the picture heeds the word, brightest where it heeds
it most. The encoder alone is asked: no picture is drawn, and the target plays no part.""",
    """examples:
  trainers attend --run RUN --data DATA/1.0.0 --out MAPS
  trainers attend --run RUN --data DATA/1.0.0 --split test_unseen --task reconstruct --timesteps 999,500,0 --out MAPS
""")


@dataclass(frozen=True, kw_only=True)
class Attend:
    """Of which run, on what."""

    run: Path = option(Path(), "OUT of a finished run of `trainers retrinet`", group="model", metavar="RUN")
    timesteps: str = option("999,666,333,0", "timesteps, with commas between them", group="model", metavar="T,T")
    data: str = option("", "a version folder of `build retribooru`, its OUT, or OWNER/NAME[@REVISION] on the Hub",
                       group="data", metavar="DATA")
    split: str = option("train", "which of its splits", group="data", metavar="SPLIT")
    task: str = option("compose", "what is shown: compose, faces and clothes by chance; reconstruct, whole figures",
                       group="data", choices=("compose", "reconstruct"))
    count: int = option(2, "targets, chosen by the seed, whose references are shown", group="data", low=1, high=1000,
                        metavar="N")
    references: int = option(4, "references of a target", group="data", low=1, high=64, metavar="N")
    seed: int = option(0, "all chance follows from it", group="data", low=0, high=2**63 - 1, metavar="SEED")
    out: Path = option(Path(), "a new folder: a picture for each target, and maps.safetensors", group="output",
                       metavar="OUT")

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        check_fields(self)
        if self.run == Path() or not (self.run / "retrieval" / "config.json").is_file():
            raise UsageError("--run holds no finished RetriNet", seen=str(self.run),
                             allowed="OUT of `trainers retrinet`",
                             next_command="trainers retrinet --data DATA --out RUN")
        if not self.data:
            raise UsageError("--data is missing", allowed="a dataset that `build retribooru` published",
                             next_command="build retribooru --source SOURCE --out OUT")
        if not re.fullmatch(r"[0-9]+(,[0-9]+)*", self.timesteps):
            raise UsageError("--timesteps are no whole numbers", seen=self.timesteps, allowed="such as 999,500,0")
        if self.out == Path() or self.out.exists():
            raise UsageError("--out is no new folder", seen=str(self.out), allowed="one that is not there",
                             next_command="another --out")

    @property
    def times(self) -> list[int]:
        """--timesteps."""
        return [int(one) for one in self.timesteps.split(",")]
