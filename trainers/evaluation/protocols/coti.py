"""COTI: how well tokens that learnt from pictures chosen in different ways draw their concept (Tables 1 and 2).

`paper` draws 200 pictures by each run, `quick` 10; runs are told apart by concept and strategy. The paper does not say
how many pictures it scores, by which prompt, or how; 200 are as many as a strategy chooses. All are drawn as COTI draws
its previews ("a photo of TOKEN", 50 steps of DDIM, guidance 7), picture N of a concept with one noise for all
strategies.

Real pictures of a concept, the pool's seeds unless others are given, are what FID and KID compare with, as in the
released code; CLIP-I is the mean over sixteen of them. R-precision is AttnGAN's: "a photo of a CONCEPT" among 99
captions of other things, first the other concepts, then things of a list of ours that share no word with a concept.
Asked for, those of COTI's code stand beside it: a classifier that learns the concept from its real pictures and from
those of the other concepts, and "a painting of CONCEPT" among class captions that are given.
LPIPS is a strategy of choice in Table 2, not a measure, and is none here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.draws import draw
from schemas.errors import UsageError
from schemas.prompts import article
from trainers.evaluation.plans import (
    CLIP_I,
    CLIP_T,
    FID,
    IS,
    KID,
    R_AMONG,
    R_CLASSIFIER,
    R_PRECISION,
    Job,
    Plan,
    Sampler,
)
from trainers.evaluation.protocols.subjects import Inverted, check_protocol, file_name, number, once, real
from trainers.metrics.r_precision import TOP

MEASURES = {"attngan": R_PRECISION, "classifier": R_CLASSIFIER, "among-classes": R_AMONG}
"""Of --r-precision, the columns."""
_PICTURES = {"paper": 200, "quick": 10}
PROTOCOLS = tuple(_PICTURES)
_LIKE = 16
_CAPTIONS = 100
_THINGS = (
    "badger", "bat", "bear", "beaver", "bee", "beetle", "bison", "butterfly", "camel", "cat", "cheetah", "chimpanzee",
    "clam", "cow", "coyote", "crab", "crocodile", "crow", "deer", "dog", "dolphin", "donkey", "dragonfly", "duck",
    "eagle", "eel", "elephant", "ferret", "flamingo", "fox", "frog", "gecko", "giraffe", "goat", "goose", "gorilla",
    "grasshopper", "hamster", "hare", "hedgehog", "heron", "hippopotamus", "horse", "hyena", "jellyfish", "kangaroo",
    "koala", "ladybird", "leopard", "lion", "llama", "lobster", "mole", "moose", "mouse", "octopus", "ostrich", "otter",
    "owl", "ox", "panda", "parrot", "peacock", "pelican", "pig", "pigeon", "polar bear", "porcupine", "rabbit",
    "raccoon", "rat", "rhinoceros", "robin", "salmon", "scorpion", "seagull", "seal", "shark", "sheep", "skunk",
    "sloth", "snail", "sparrow", "spider", "squid", "squirrel", "starfish", "stork", "swan", "tiger", "toad",
    "tortoise", "trout", "turkey", "turtle", "vulture", "walrus", "wasp", "weasel", "whale", "wolf", "wombat", "yak",
    "zebra", "acorn", "airplane", "anchor", "apple", "armchair", "balloon", "banana", "basket", "bicycle", "bridge",
    "bus", "cactus", "camera", "candle", "castle", "clock", "cup", "door", "drum", "fern", "guitar", "hammer",
    "kettle", "ladder", "lamp", "lighthouse", "mountain", "mushroom", "piano", "rose", "ship", "shoe", "sunflower",
    "table", "teapot", "train", "tree", "umbrella", "violin", "waterfall", "windmill",
)


def sampler(protocol: str, sdxl: bool) -> Sampler:
    """How it draws."""
    return Sampler(steps=50, guidance=7.0)


def coti(runs: Sequence[Inverted], pictures: Mapping[str, bytes], sampler: Sampler, *, protocol: str = "paper",
         seed: int = 0, measures: Sequence[str] = (R_PRECISION,), classes: Sequence[str] = ()) -> Plan:
    """`measures` are columns of MEASURES, `classes` the names that R_AMONG looks among: what is drawn does not hang on
    either. Raises UsageError for an unknown protocol, two runs of one strategy for a concept, runs of a concept with
    other real pictures, fewer than two of these, and less than a measure needs."""
    check_protocol(protocol, PROTOCOLS)
    once("concept and strategy", (f"{one.concept}: {one.strategy}" for one in runs),
         "evaluate them apart, then trainers compare OUT OUT")
    first: dict[str, Inverted] = {}
    for one in runs:
        if len(one.pictures) < 2 or list(first.setdefault(one.concept, one).pictures) != list(one.pictures):
            raise UsageError(f"{one.concept} needs real pictures, the same for all of its runs",
                             seen=f"{one.run}: {len(one.pictures)}", allowed="2 or more", next_command="--real DIR")
    _check(measures, len(first), len(classes))
    said = {concept: f"a photo of {article(concept)} {concept}" for concept in first}
    like = {concept: tuple(sorted((picture.id for picture in one.pictures),
                                  key=lambda name: draw("evaluate like", str(seed), name))[:_LIKE])
            for concept, one in first.items()}
    shown = [job for concept, one in first.items()
             for job in real(one.run, concept, one.pictures, [_texts(concept, said)] * len(one.pictures), _LIKE)]
    drawn = [Job(key=f"{file_name(one.concept)}/{file_name(one.strategy)}/{at:04}", run=one.run, subject=one.concept,
                 group=one.strategy, prompt=f"a photo of {one.token}", seed=number(str(seed), one.concept, str(at)),
                 texts=_texts(one.concept, said), like=like[one.concept])
             for one in runs for at in range(_PICTURES[protocol])]
    strategies = list(dict.fromkeys(one.strategy for one in runs))
    facts = {"seed": seed, "pictures": len(drawn), "pictures a run": _PICTURES[protocol], "concepts": list(first),
             "strategies": strategies, "real pictures": {name: len(one.pictures) for name, one in first.items()},
             "without a run": sorted({f"{concept}: {strategy}" for concept in first for strategy in strategies}
                                     - {f"{one.concept}: {one.strategy}" for one in runs})}
    return Plan("coti", protocol, (*shown, *drawn), pictures, (FID, *measures, KID, IS, CLIP_I, CLIP_T), sampler, facts,
                _captions(list(first), said), tuple(_painted(name) for name in classes))


def _check(measures: Sequence[str], concepts: int, classes: int) -> None:
    """Raises UsageError where there is less than a measure needs."""
    if R_CLASSIFIER in measures and concepts < 2:
        raise UsageError("--r-precision classifier tells a concept from others", seen="1 concept",
                         allowed="runs of 2 concepts or more", next_command="another --r-precision")
    if R_AMONG in measures and classes < TOP:
        raise UsageError("--r-precision among-classes looks among the names of --classes", seen=f"{classes} of them",
                         allowed=f"{TOP} or more; the published code's are ImageNet's 1,000",
                         next_command="--classes FILE, a name a line")


def _captions(concepts: Sequence[str], said: Mapping[str, str]) -> tuple[str, ...]:
    """Of all concepts, and of other things, 100 in all: 99 for each concept that are not its own."""
    words = {word for concept in concepts for word in concept.lower().split()}
    others = [f"a photo of {article(thing)} {thing}" for thing in _THINGS if not words & {*thing.split()}]
    return (*said.values(), *others[:max(0, _CAPTIONS - len(said))])


def _texts(concept: str, said: Mapping[str, str]) -> dict[str, str]:
    return {CLIP_T: said[concept], R_PRECISION: said[concept], R_AMONG: _painted(concept)}


def _painted(name: str) -> str:
    """As the published code words it."""
    return f"a painting of {name}"
