"""Options of `trainers tiny`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UsageError
from schemas.terminal.fields import check_fields, option
from trainers.options import Said

SAID = Said("write one of the tiny bases, to load what was trained on it",
            """Writes the base that `--base tiny` trains on: a small Stable Diffusion whose weights are chance, always
the same. A LoRA or an embedding that was trained on it loads into it as others do into theirs.""",
            """examples:
  trainers tiny --out out/tiny
  trainers tiny --kind tiny-sdxl --out out/tiny-sdxl
""")


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """Which, and where to."""

    kind: str = option("tiny", "tiny: Stable Diffusion; tiny-v: one that predicts v, as SD 2 does; tiny-sdxl: Stable "
                       "Diffusion XL", group="model", choices=("tiny", "tiny-v", "tiny-sdxl"))
    out: Path = option(Path(), "a new folder, for StableDiffusionPipeline.from_pretrained(OUT)", group="output",
                       metavar="OUT")

    def check(self) -> None:
        """Raises UsageError."""
        check_fields(self)
        if self.out == Path() or self.out.exists():
            raise UsageError("--out is no new folder", seen=str(self.out), allowed="one that is not there",
                             next_command="another --out")
