"""Options of `trainers tiny`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UsageError
from schemas.terminal.fields import check_fields, option
from trainers.options import Said

SAID = Said("write one of the tiny bases, to load what was trained on it, or a tiny CLIP",
            """Writes the base that `--base tiny` trains on: a small Stable Diffusion whose weights are chance, always
the same. A LoRA or an embedding that was trained on it loads into it as others do into theirs. `--kind clip`
trains a small CLIP on the pictures and prompts of a dataset, in two minutes of a CPU, for `trainers evaluate
--clip OUT` where no network is: its scores hold for pictures and words like those of its dataset, and can be
compared with nobody else's.""",
            """examples:
  trainers tiny --out out/tiny
  trainers tiny --kind tiny-sdxl --out out/tiny-sdxl
  trainers tiny --kind clip --data out/backpacks --out out/clip
""")


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """Which, and where to."""

    kind: str = option("tiny", "tiny: Stable Diffusion; tiny-v: one that predicts v, as SD 2 does; tiny-sdxl: Stable "
                       "Diffusion XL; clip: a CLIP", group="model", choices=("tiny", "tiny-v", "tiny-sdxl", "clip"))
    data: str = option("", "what a clip learns from: a dataset with prompts, such as `build regularization --count "
                       "2000` makes; few hundred rows teach it little", group="model", metavar="DATA")
    out: Path = option(Path(), "a new folder, for StableDiffusionPipeline.from_pretrained(OUT)", group="output",
                       metavar="OUT")

    def check(self) -> None:
        """Raises UsageError."""
        check_fields(self)
        if bool(self.data) != (self.kind == "clip"):
            raise UsageError("--kind clip learns from --data, other kinds from nothing", seen=f"--kind {self.kind}",
                             next_command="--kind clip --data DATA, or no --data")
        if self.out == Path() or self.out.exists():
            raise UsageError("--out is no new folder", seen=str(self.out), allowed="one that is not there",
                             next_command="another --out")
