"""Options of `trainers personalize`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UsageError
from schemas.terminal.fields import check_class_name, check_fields, log_option, option
from trainers.options import Said

EXAMPLE = "trainers personalize --images DIR --class-name backpack --out OUT"
SAID = Said(
    "five photos, one command: a LoRA of your subject for diffusers, ComfyUI and A1111",
    """Builds a dataset of your photos and a regularization set of their class (by the `build` command), chooses how to
train by the GPU's free memory, tells what it chose and how long that will take, and trains DreamBooth as a LoRA. The
same command goes on wherever it was stopped.""",
    """examples:
  trainers personalize --images my/backpack --class-name backpack --out out/backpack
  trainers personalize --images my/dog --class-name dog --kind animal --count 2000 --out out/dog
  trainers personalize --images my/dog --class-name dog --regularization out/dogs/1.0.0 --out out/dog
  trainers personalize --images my/backpack --class-name backpack --base tiny --out out/try
""")


@dataclass(frozen=True, kw_only=True)
class Personalize:
    """Options of `trainers personalize`."""

    images: Path | None = option(None, "folder with 4 to 6 pictures of the subject, and captions if you write them "
                                 "yourself (build subject --help)", group="data", metavar="DIR")
    class_name: str = option("", "what the subject is: backpack, duck toy, dog", group="data", metavar="WORDS")
    kind: str = option("object", "which words describe its class", group="data",
                       choices=("object", "animal", "person"))
    captioner: str = option("", "who writes the captions where none are by hand, as in build subject. Default: paper, "
                            "BLIP; with a tiny base light", group="data", metavar="WHICH")
    regularization: str = option("", "a set that `build regularization` published, or none. Default: one is drawn by "
                                 "the base itself, for a tiny base by our light generator", group="data",
                                 metavar="DATA|none")
    count: int = option(400, "pictures of the set that is drawn; the paper's has 2,000", group="data", low=1,
                        high=1_000_000, metavar="N")

    base: str = option("", "as in trainers dreambooth. Default: by memory, SD 1.5 below 20 GiB, else SDXL",
                       group="model", metavar="BASE")
    vram: float | None = option(None, "plan for so many GiB. Default: what is free on the GPU", group="model", low=1,
                                high=10_000, metavar="GIB")
    steps: int | None = option(None, "optimizer steps. Default: by plan; 2,000 for SD, 8,000 for SDXL",
                               group="training", low=1, high=10_000_000, metavar="N")
    seed: int = option(0, "all chance follows from it", group="training", low=0, high=2**63 - 1, metavar="SEED")
    out: Path = option(Path(), "folder for the LoRA and all that it is made of", group="output", metavar="OUT")
    log: str = log_option()

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        check_fields(self)
        if self.images is None or not self.images.is_dir():
            raise UsageError("--images is no folder", seen=str(self.images or ""),
                             allowed="a folder with 4 to 6 pictures", next_command=EXAMPLE)
        check_class_name(self.class_name, EXAMPLE)
        if self.out == Path():
            raise UsageError("--out is missing", allowed="a folder", next_command=EXAMPLE)
