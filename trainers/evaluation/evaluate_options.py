"""Options of `trainers evaluate dreambench`, `retribooru` and `coti`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UsageError
from schemas.terminal.fields import check_fields, log_option, option
from trainers.evaluation.models_options import Models
from trainers.evaluation.protocols import coti, dreambench, retribooru
from trainers.options import Said

_GOES_ON = """

Pictures that are there are not drawn again, and nothing is looked at twice: the same command goes on with an evaluation
that was stopped. OUT/README.md shows the table, with 95 % intervals, plots and a contact sheet; `trainers compare` puts
several side by side, and beside the paper's own rows."""
_FEW = "a tenth of it, for a look"

DREAMBENCH = Said("DreamBench's table: subject, text, balance (A Data Perspective, Table 1)",
                  "Draws DreamBench's prompts with what was trained on a subject, and scores how alike the\n"
                  f"pictures are to the subject's own (DINO, CLIP-I) and to their prompts (CLIP-T).{_GOES_ON}",
                  """examples:
  trainers evaluate dreambench --run RUN --protocol quick --out EVALUATION
  trainers evaluate dreambench --run DIR_OF_30_RUNS --out EVALUATION
  trainers evaluate dreambench --run RUN --protocol composition --vqa http://localhost:8000/v1 --out EVALUATION
""")
RETRIBOORU = Said("RetriBooru's tables: identity, text and their SWD (Tables 2 and 3)",
                  "Draws held-out characters after their references with a method that is shown some, and scores how\n"
                  f"alike they are, how they fit their prompts, and both at once (SWD).{_GOES_ON}", """examples:
  trainers evaluate retribooru --run RUN --data DATA/1.0.0 --protocol quick --out EVALUATION
  trainers evaluate retribooru --run RUN --data DATA/1.0.0 --references NEW_CHARACTERS --vqa paper --out EVALUATION
  trainers evaluate retribooru --run RUN --data DATA/1.0.0 --protocol cross --out EVALUATION
""")
COTI = Said("COTI's tables: FID and R-precision by concept and strategy (Tables 1 and 2)",
            "Draws the concepts of several runs of `trainers coti` or `inversion`, and scores how alike the pictures\n"
            f"are to real ones (FID) and how surely their caption is told from others (R-precision).{_GOES_ON}",
            """examples:
  trainers evaluate coti --run RUN --protocol quick --out EVALUATION
  trainers evaluate coti --run RUN,RUN_OF_ANOTHER_STRATEGY --real DIR --inception inception.onnx --out EVALUATION
""")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What to draw with, and where to."""

    run: str = option("", "OUT of a run of `trainers`, a folder of such OUTs, or several with commas between them",
                      group="model", metavar="DIR")
    denoising_steps: int | None = option(None, "denoising steps of a picture. Default: the protocol's; another number "
                                         "is marked in every table", group="model", low=1, high=1000, metavar="N")
    guidance: float | None = option(None, "classifier-free guidance. Default: the protocol's; another number is marked "
                                    "in every table", group="model", low=0, high=100, metavar="G")
    seed: int = option(0, "all chance follows from it", group="protocol", low=0, high=2**63 - 1, metavar="SEED")
    repeats: int = option(1, "evaluations with seeds of their own, in OUT/1, OUT/2, ...; compare tells their spread",
                          group="protocol", low=1, high=1000, metavar="N")
    out: Path = option(Path(), "folder for the pictures, their scores and the tables", group="output", metavar="OUT")
    log: str = log_option()


@dataclass(frozen=True, kw_only=True)
class Evaluation(Models, Asked):
    """What all benchmarks have in common."""

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        check_fields(self)
        self.check_models()
        if not self.run:
            raise UsageError("--run is missing", allowed="OUT of a run of `trainers`",
                             next_command="trainers dreambooth --data DATA --out RUN")
        if self.out == Path():
            raise UsageError("--out is missing", allowed="a folder", next_command="add --out OUT")

    @property
    def runs(self) -> list[str]:
        """What --run names."""
        return [name for name in (part.strip() for part in self.run.split(",")) if name]


@dataclass(frozen=True, kw_only=True)
class Dreambench(Evaluation):
    """Of subjects."""

    protocol: str = option("paper", "paper: 25 prompts, four pictures each; quick: five prompts, one each; rephrased: "
                           "in other words; color-order: a color before and after the token; composition: one to three "
                           "conditions, and a question about each", group="protocol", choices=dreambench.PROTOCOLS)
    data: str = option("", "the subject's pictures. Default: what the run was trained on", group="protocol",
                       metavar="DATA")


@dataclass(frozen=True, kw_only=True)
class Retribooru(Evaluation):
    """Of characters."""

    protocol: str = option("paper", "paper: 40 held-out characters and those given, five prompts, five seeds, four "
                           "pictures each; quick: a few of each; scales: references at .25, .5 and .75; cross: the "
                           "face of one, the clothes of another", group="protocol", choices=retribooru.PROTOCOLS)
    data: str = option("", "a version folder of `build retribooru`, or its OUT. Default: what the run was trained on",
                       group="protocol", metavar="DATA")
    vqa_pairing: str = option("reference", "what the VQA score compares a picture's answers with: those about its "
                              "references, or about the other pictures generated of its character and prompt",
                              group="scoring", choices=("reference", "generated"))
    references: Path | None = option(None, "characters that stand in no dataset: DIR/NAME/*.png", group="protocol",
                                     metavar="DIR")


@dataclass(frozen=True, kw_only=True)
class Coti(Evaluation):
    """Of concepts."""

    protocol: str = option("paper", f"paper: 200 pictures of each concept; quick: {_FEW}", group="protocol",
                           choices=coti.PROTOCOLS)
    real: Path | None = option(None, "real pictures of the concept. Default: the pool's seeds", group="protocol",
                               metavar="DIR")
    r_precision: str = option("attngan", "measures of that name, with commas between them: attngan: the own caption "
                              "before 99 others; classifier, among-classes: those of two versions of COTI's code",
                              group="scoring", metavar="MEASURE")
    classes: Path | None = option(None, "names of classes, one a line, for among-classes: ImageNet's 1,000 in COTI's "
                                  "code", group="scoring", metavar="FILE.txt")

    @property
    def measures(self) -> tuple[str, ...]:
        """What --r-precision names."""
        return tuple(dict.fromkeys(part.strip() for part in self.r_precision.split(",")))

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        super().check()
        if unknown := [one for one in self.measures if one not in coti.MEASURES]:
            raise UsageError("--r-precision is not known", seen=unknown[0], allowed=", ".join(coti.MEASURES))
