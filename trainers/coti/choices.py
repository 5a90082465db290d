"""Which pictures of a pool join X_T in a cycle of COTI (Algorithm 1, line 2): by S_int, or by scores of Table 2.

The paper names its single scores without saying how a set's measure becomes one picture's, so here they are, each of a
picture of the pool by itself, the same in every cycle:

is: the picture's share of the Inception Score (Salimans et al. 2016): KL(p(y|x) || p(y)), with p(y|x) the softmax of 20
times the cosines of the pool's embeddings to 16 k-means centres of the pool, which stand for Inception's classes, and
p(y) their mean over the pool.

lpips: nearness to the seeds by LPIPS (Zhang et al. 2018, Eq. 1, every w = 1): the squared distance of feature maps of
unit length in each place, averaged over places, summed over layers, averaged over seeds; the layers are the down blocks
of the base's VAE encoder, in place of AlexNet's.

vlad: mean cosine to the seeds of VLAD vectors (Jegou et al. 2010): the residuals of the cells of the base's VAE latents
to 16 k-means centres of the pool's, summed by centre, signed square roots, of unit length. It compares what differs
within a colour, so that pictures without a colour in common are at 0 and worse ones below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, cast, get_args

import datasets
import faiss
import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from PIL import Image, ImageOps

from annotators import scores
from annotators.scores import Scores
from trainers.coti.cycles import Choice
from trainers.coti.scorers import Scorer, Seen
from trainers.data import Data, open_data
from trainers.pictures import decoded

Strategy = Literal["coti", "aesthetic", "concept", "is", "lpips", "vlad", "random", "full"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
CLASSES, SHARP = 16, 20.0
"""Of `is`: classes, and the factor before the softmax."""
WORDS = 16
"""Of `vlad`."""
LARGEST = 256
"""Side of the pictures that the VAE is shown, pixels, at most."""
_COLUMNS = ("id", "text", "embedding", "aesthetic_score")
_BATCH = 8

Numbers = npt.NDArray[np.float32]


class Pool(NamedTuple):
    """A published pool: its seeds first, then the pictures to choose from."""

    rows: datasets.Dataset
    """Of both splits; images undecoded."""
    ids: list[str]
    seeds: int
    """How many of the rows, the first ones."""
    seen: Seen
    """By the build, row by row."""
    data: Data
    """The split `pool`, as a run's record names it."""

    def left(self, chosen: Iterable[str]) -> npt.NDArray[np.int64]:
        """Rows of the pool that are not chosen."""
        gone = set(chosen)
        return np.asarray([row for row in range(self.seeds, len(self.ids)) if self.ids[row] not in gone], np.int64)

    def at(self, chosen: Sequence[str]) -> list[int]:
        """Rows of some ids, in their order."""
        rows = {name: row for row, name in enumerate(self.ids)}
        return [rows[name] for name in chosen]


def open_pool(wanted: str) -> Pool:
    """What --pool names. Raises UsageError when it is no pool that `build coti` published."""
    pool = open_data(wanted, "--pool", "coti", _COLUMNS, split="pool")
    seeds = open_data(wanted, "--pool", "coti", _COLUMNS, split="seed")
    rows = datasets.concatenate_datasets([seeds.rows, pool.rows])
    numbers = rows.select_columns(["embedding", "aesthetic_score"]).with_format("numpy")[:]
    seen = Seen(np.asarray(numbers["embedding"], np.float32), np.asarray(numbers["aesthetic_score"], np.float32))
    return Pool(rows, list(rows["id"]), len(seeds.rows), seen, pool)


class Asked(NamedTuple):
    """How a cycle chooses."""

    strategy: Strategy
    budget: int
    seed: int
    gammas: tuple[float, float]
    """Of S_aes and S_con in Eq. 11; zeros make S_int a plain sum."""
    single: Scores | None
    """What `measured` gave."""


def choose(pool: Pool, chosen: Sequence[str], scorer: Scorer, asked: Asked) -> list[Choice]:
    """The pictures that join X_T, `chosen` so far, best first."""
    left = pool.left(chosen)
    seen = pool.seen.some(left)
    aesthetic, concept = scorer.aesthetic(seen), scorer.concept(seen)
    both = scores.integrated(aesthetic, concept, *asked.gammas)
    by = {"coti": both, "aesthetic": aesthetic, "concept": concept}.get(asked.strategy)
    if asked.single is not None:
        by = asked.single[left - pool.seeds]
        order = np.argsort(-by, kind="stable")[:asked.budget]
    else:
        scored = scores.Scored([pool.ids[row] for row in left], aesthetic, concept, both)
        order = scores.select(cast(scores.Strategy, asked.strategy), scored, asked.budget, asked.seed)
    return [Choice(pool.ids[left[at]], round(float(aesthetic[at]), 6), round(float(concept[at]), 6),
                   None if by is None else round(float(by[at]), 6)) for at in order]


def measured(strategy: Strategy, pool: Pool, vae: AutoencoderKL, side: int, seed: int) -> Scores | None:
    """The single score of each picture of the pool that is, lpips and vlad go by; None for other strategies."""
    if strategy == "is":
        return inception(pool.seen.vectors[pool.seeds:], seed)
    if strategy == "lpips":
        return nearness(vae, _squares(pool, side, vae), pool.seeds)
    if strategy == "vlad":
        found = torch.cat([cells(vae, some) for some in _squares(pool, side, vae)])
        vectors = vlad(found.cpu().numpy(), seed)
        return vectors[pool.seeds:] @ vectors[:pool.seeds].mean(axis=0)
    return None


def inception(vectors: Numbers, seed: int, classes: int = CLASSES) -> Scores:
    """KL(p(y|x) || p(y)) of each of N embeddings."""
    centres = _centres(vectors, classes, seed, spherical=True)
    logits = SHARP * (vectors.astype(np.float64) @ centres.T.astype(np.float64))
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    mean = np.exp(log_p).mean(axis=0)
    return (np.exp(log_p) * (log_p - np.log(mean))).sum(axis=1).astype(np.float32)


def nearness(vae: AutoencoderKL, squares: Iterable[torch.Tensor], seeds: int) -> Scores:
    """Minus the mean LPIPS distance to the first `seeds` pictures of each that follows them.

    The mean distance to some maps y is one to their mean m: |x|^2 - 2 x.m + mean |y|^2.
    """
    known: list[list[torch.Tensor]] = []
    found: list[float] = []
    means: list[torch.Tensor] = []
    for some in squares:
        for maps in zip(*feature_maps(vae, some), strict=True):
            if len(known) < seeds:
                known.append(list(maps))
                if len(known) == seeds:
                    means = [torch.stack(layer).mean(dim=0) for layer in zip(*known, strict=True)]
                    theirs = sum(one.square().sum(dim=0).mean() for maps_ in known for one in maps_) / seeds
                continue
            mine = sum((one.square() - 2 * one * mean).sum(dim=0).mean()
                       for one, mean in zip(maps, means, strict=True))
            found.append(float(mine + theirs))
    return -np.asarray(found, np.float32)


@torch.no_grad()
def feature_maps(vae: AutoencoderKL, pixels: torch.Tensor) -> list[torch.Tensor]:
    """Of B x 3 x S x S, -1 .. 1, after each down block of the encoder B x C x H x W, of unit length along C."""
    made: list[torch.Tensor] = []
    hooks = [block.register_forward_hook(lambda _, __, out: made.append(out)) for block in vae.encoder.down_blocks]
    try:
        vae.encoder(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return [torch.nn.functional.normalize(one.float(), dim=1, eps=1e-10) for one in made]


@torch.no_grad()
def cells(vae: AutoencoderKL, pixels: torch.Tensor) -> torch.Tensor:
    """Of B x 3 x S x S the latents' cells, B x (h w) x 4: the posterior's means."""
    return vae.encode(pixels).latent_dist.mode().float().flatten(2).transpose(1, 2)


def vlad(found: Numbers, seed: int, words: int = WORDS) -> Numbers:
    """Of N pictures with M local vectors of D numbers, N x M x D, their VLAD vectors, N x (words D)."""
    pictures, _, width = found.shape
    every = np.ascontiguousarray(found.reshape(-1, width), np.float32)
    centres = _centres(every, words, seed)
    nearest = ((every[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1).reshape(pictures, -1)
    made = np.zeros((pictures, len(centres), width))
    for word, centre in enumerate(centres):
        made[:, word] = ((found - centre) * (nearest == word)[..., None]).sum(axis=1)
    rooted = (np.sign(made) * np.sqrt(np.abs(made))).reshape(pictures, -1)
    return (rooted / np.maximum(np.linalg.norm(rooted, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _centres(vectors: Numbers, count: int, seed: int, spherical: bool = False) -> Numbers:
    """Of k-means, as many as asked for or as there are vectors."""
    kmeans = faiss.Kmeans(vectors.shape[1], min(count, len(vectors)), niter=20, seed=seed % 2**31, spherical=spherical,
                          min_points_per_centroid=1)
    kmeans.train(np.ascontiguousarray(vectors, np.float32))
    return cast(Numbers, kmeans.centroids)


def _squares(pool: Pool, side: int, vae: AutoencoderKL) -> Iterator[torch.Tensor]:
    """The middle squares of all pictures, B x 3 x S x S, -1 .. 1, where the VAE is; the seeds first."""
    side = min(side, LARGEST)
    for start in range(0, len(pool.ids), _BATCH):
        some = pool.rows.select_columns("image")[start:start + _BATCH]["image"]
        squares = [ImageOps.fit(decoded(cell), (side, side), Image.Resampling.LANCZOS) for cell in some]
        levels = np.stack([np.asarray(square, np.float32) for square in squares])
        yield torch.from_numpy(levels / 127.5 - 1).permute(0, 3, 1, 2).contiguous().to(vae.device, vae.dtype)

