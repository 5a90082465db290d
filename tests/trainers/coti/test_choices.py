"""What joins X_T: by S_int, by single scores on pictures and arrays by hand."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import datasets
import torch
from diffusers import AutoencoderKL

from trainers.coti import choices
from trainers.coti.choices import Asked, Pool, choose, feature_maps, inception, nearness, vlad
from trainers.coti.scorers import Scorer, Seen
from trainers.data import Data

AESTHETIC = np.asarray([9, 5, 1, 6, 2, 8], np.float32)
CONCEPT = np.asarray([9, 5, 8, 6, 9, 1], np.float32)
"""Of a seed and five pictures."""


def pool() -> Pool:
    ids = ["seed:0", "a", "b", "c", "d", "e"]
    seen = Seen(np.arange(6, dtype=np.float32)[:, None], AESTHETIC)
    rows = datasets.Dataset.from_dict({"id": ids})
    return Pool(rows, ids, 1, seen, Data(rows, "pool", "1.0.0", "", "coti", None))


def by_hand() -> Scorer:
    return Scorer(lambda seen: AESTHETIC[seen.vectors[:, 0].astype(int)],
                  lambda seen: CONCEPT[seen.vectors[:, 0].astype(int)])


def asked(strategy: choices.Strategy, budget: int = 2, gammas: tuple[float, float] = (0, 0), **more: object) -> Asked:
    return Asked(strategy, budget, 0, gammas, more.get("single"))  # type: ignore[arg-type]


@pytest.mark.parametrize(("how", "ids", "scores"), [
    # Sums: a 10, b 9, c 12, d 11, e 9.
    (asked("coti"), ["c", "d"], [12, 11]),
    # gamma_con = 10: S_con counts for nothing. Then a 2.5, b .5, c 3, d 1, e 4.
    (asked("coti", gammas=(5, 10)), ["e", "c"], [4, 3]),
    (asked("aesthetic"), ["e", "c"], [8, 6]),
    (asked("concept", 3), ["d", "b", "c"], [9, 8, 6]),
    (asked("is", single=np.asarray([1, 5, 2, 4, 3], np.float32)), ["b", "d"], [5, 4]),
    (asked("full"), ["a", "b", "c", "d", "e"], [None] * 5),
])
def test_the_best_join(how: Asked, ids: list[str], scores: list[float | None]) -> None:
    found = choose(pool(), ["seed:0"], by_hand(), how)
    assert [one.id for one in found] == ids and [one.score for one in found] == scores
    assert found[0].aesthetic == AESTHETIC["abcde".index(ids[0]) + 1]


def test_nothing_joins_twice() -> None:
    found = choose(pool(), ["seed:0", "c", "d"], by_hand(), asked("coti", 9))
    assert [one.id for one in found] == ["a", "b", "e"]
    assert [one.id for one in choose(pool(), ["seed:0", "a", "b", "c", "d"], by_hand(), asked("random"))] == ["e"]


def test_inception_is_the_divergence_from_the_mean() -> None:
    # Two pictures on one axis, one on another: nearly sure of their class each, p(y) = 2/3, 1/3.
    vectors = np.asarray([[1, 0], [1, 0], [0, 1]], np.float32)
    assert inception(vectors, seed=0, classes=2).tolist() == pytest.approx([np.log(3 / 2)] * 2 + [np.log(3)], abs=1e-5)


def test_vlad_sums_residuals_by_word() -> None:
    # The centres are 0 and 10. Residuals of the first picture: 1 about 0, 1 + 1 about 10; of the second the opposite.
    found = np.asarray([[[1.], [11.], [11.]], [[-1.], [9.], [9.]]], np.float32)
    made = vlad(found, seed=0, words=2)
    assert sorted(made[0].tolist()) == pytest.approx([1 / 3**0.5, (2 / 3)**0.5], abs=1e-5)
    assert made[1].tolist() == pytest.approx((-made[0]).tolist(), abs=1e-5)


def vae() -> AutoencoderKL:
    torch.manual_seed(0)
    return AutoencoderKL(block_out_channels=(8, 16), down_block_types=("DownEncoderBlock2D",) * 2, latent_channels=4,
                         up_block_types=("UpDecoderBlock2D",) * 2, norm_num_groups=4, sample_size=32).eval()


def test_nearness_is_the_mean_distance_of_unit_features() -> None:
    net, pixels = vae(), torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    pixels[3] = pixels[0]  # a picture that is one of the two seeds
    maps = feature_maps(net, pixels)
    assert [tuple(one.shape) for one in maps] == [(5, 8, 16, 16), (5, 16, 16, 16)]
    assert torch.allclose(maps[0].square().sum(dim=1), torch.ones(5, 16, 16), atol=1e-5)

    def distance(one: int, two: int) -> float:
        return sum(float((layer[one] - layer[two]).square().sum(dim=0).mean()) for layer in maps)

    meant = [-(distance(row, 0) + distance(row, 1)) / 2 for row in (2, 3, 4)]
    assert nearness(net, [pixels[:2], pixels[2:]], seeds=2).tolist() == pytest.approx(meant, abs=1e-4)
    assert nearness(net, [pixels[:3], pixels[3:]], seeds=2).argmax() == 1
