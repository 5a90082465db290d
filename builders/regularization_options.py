"""Options of `build regularization`."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from builders.fields import PLACES, address_option, check, engine_option, gpus_option, out_option, version_option
from builders.generators import BATCHES
from schemas.errors import UsageError
from schemas.locations import Location
from schemas.terminal.fields import check_class_name, log_option, option

SCORER = "openai/clip-vit-base-patch32"
"""The CLIP that --min-clip-t means unless told otherwise."""

_PATHS = ("subject", "pools")
_BATCH = 4


@dataclass(frozen=True, kw_only=True)
class Regularization:
    """Options of `build regularization`."""

    class_name: str = option("", "what the subject is: backpack, duck toy, dog", group="prompts", metavar="WORDS")
    kind: str = option("", "object, animal or person: which words describe it", group="prompts",
                       choices=("object", "animal", "person"))
    subject: Location | None = option(None, "published subject dataset (`build subject`), whose captions' scenes make "
                                      "the training family; without it that family has scenes of the pools",
                                      group="prompts", metavar="DIR")
    count: int = option(2000, "prompts, and pictures", group="prompts", high=1_000_000, metavar="N")
    prompts: str = option("structured", "structured, as the paper; its control arms: class-only, \"a CLASS\" in every "
                          "row; unadapted, a living thing in the words of objects", group="prompts",
                          choices=("structured", "class-only", "unadapted"))
    shares: str = option("0.2,0.6,0.2", "shares of the families training, photographic, styled", group="prompts",
                         metavar="T,P,S")
    include_test_prompts: bool = option(False, "put the 25 prompts of DreamBench's evaluation in, as the paper did: "
                                        "results on them are then no test", group="prompts")
    pools: Path | None = option(None, "folder of word pools of your own, which stand in for the packaged ones of the "
                                "same file names", group="prompts", metavar="DIR")
    seed: int = option(0, "seed of the prompts and of every picture", group="prompts", low=0, metavar="S")

    generator: str = option("paper", "light, ours, offline; paper, SDXL; a folder or OWNER/NAME[@REVISION] on the Hub, "
                            "any text-to-image pipeline of diffusers", group="pictures", metavar="WHICH")
    size: int = option(0, "side in pixels, a multiple of 8. Default: 256 for light, else what the model was trained on",
                       group="pictures", low=0, high=4096, metavar="PX")
    steps: int = option(0, "sampling steps. Default: 50; a turbo model wants 1 to 4", group="pictures", low=0,
                        high=1000, metavar="N")
    guidance: float | None = option(None, "guidance scale. Default: the pipeline's own; a turbo model wants 0",
                                    group="pictures", low=0, high=100, metavar="X")
    batch: int = option(_BATCH, "pictures drawn at a time: 1, 2, 4 or 8; other sizes give other pictures",
                        group="pictures", metavar="N")
    min_clip_t: float | None = option(None, "least cosine, -1..1, of a picture's and its prompt's CLIP embeddings; "
                                      "below it the picture is drawn again with another seed", group="pictures",
                                      low=-1, high=1, metavar="X")
    attempts: int = option(4, "pictures drawn at most for a prompt, with --min-clip-t or a model that refuses some",
                           group="pictures", low=1, high=100, metavar="N")
    clip: str = option(SCORER, "the CLIP of --min-clip-t: a folder or OWNER/NAME[@REVISION] on the Hub",
                       group="pictures", metavar="WHICH")

    out: Location = out_option()
    version: str = version_option()
    dry_run: bool = option(False, "print the plan's prompts, write nothing", group="output")
    log: str = log_option()

    workers: int = option(0, "worker processes; the result does not depend on it. Default: 2 for light, 1 for a model",
                          group="running", low=0, high=512, metavar="N")
    engine: str = engine_option()
    address: str = address_option()
    gpus: float = gpus_option()

    def __post_init__(self) -> None:
        example = "build regularization --class-name backpack --kind object --generator light --out OUT"
        check_class_name(self.class_name, example)
        if not self.kind:
            raise UsageError("--kind is missing", allowed="object, animal, person", next_command=example)
        if self.workers == 0:
            object.__setattr__(self, "workers", 2 if self.generator == "light" else 1)
        object.__setattr__(self, "class_name", " ".join(self.class_name.split()))
        check(self, needs_out=not self.dry_run)
        if self.batch not in BATCHES:
            raise UsageError("--batch is none at which pictures repeat exactly", seen=self.batch,
                             allowed=", ".join(map(str, BATCHES)))
        if self.size % 8:
            raise UsageError("--size is no multiple of 8", seen=self.size, allowed="8, 16, ... 512, ... 1024")
        if self.prompts == "unadapted" and self.kind == "object":
            raise UsageError("--prompts unadapted is for living things", seen="--kind object",
                             allowed="structured, class-only")
        if self.generator == "light" and (self.steps or self.guidance is not None):
            raise UsageError("--steps and --guidance are for models; the light generator has none",
                             seen="--generator light", next_command="leave them out")
        if self.generator == "light" and self.batch != _BATCH:
            raise UsageError("--batch is for models", seen="--generator light", next_command="leave it out")
        if self.clip != SCORER and self.min_clip_t is None:
            raise UsageError("--clip is for --min-clip-t", seen=self.clip, next_command="add --min-clip-t X")
        self.families()

    def families(self) -> tuple[float, float, float]:
        """--shares as numbers. Raises UsageError when they are not three."""
        try:
            training, photographic, styled = map(float, self.shares.split(","))
        except ValueError:
            raise UsageError("--shares are not three numbers", seen=self.shares,
                             allowed="training,photographic,styled, such as 0.2,0.6,0.2") from None
        return training, photographic, styled

    def absolute(self) -> Regularization:
        """The same options with whole paths, for who runs in another folder."""
        places: dict[str, Any] = {name: value.absolute() for name in ("out", *_PATHS) if (value := getattr(self, name))}
        places |= {name: str(Path(value).absolute()) for name in ("generator", "clip")
                   if Path(value := getattr(self, name)).is_dir()}
        return replace(self, **places)

    def published(self) -> dict[str, object]:
        """What the manifest says: every option that can change the content, no paths."""
        said: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)
                                   if one.name not in {*PLACES, "dry_run", *_PATHS}}
        named = {name: Path(value).name for name in ("generator", "clip")
                 if Path(value := getattr(self, name)).is_dir()}
        vain = {"clip": None} if self.min_clip_t is None else {}
        return said | named | vain | ({"batch": None} if self.generator == "light" else {})
