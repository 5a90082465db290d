"""FID and KID by hand, by the formula of known Gaussians, and beside torchmetrics."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.errors import UsageError
from tests.trainers.metrics.pictures import blurred, drawn, features, noisy
from trainers.metrics.frechet import ENOUGH, fid, kid


def gaussian(mean: list[float], covariance: list[list[float]], count: int, seed: int = 0) -> np.ndarray:
    """Rows whose mean and covariance are exactly these."""
    even = np.random.default_rng(seed).normal(size=(count, len(mean)))
    even -= even.mean(0)
    even = even @ np.linalg.inv(np.linalg.cholesky(np.cov(even.T))).T
    return even @ np.linalg.cholesky(np.array(covariance)).T + mean


def test_fid_of_two_known_gaussians() -> None:
    """tr(Σ_r Σ_g)^½ of 2 x 2 is √(tr + 2√det): of diag(4, 1) and [[2, 1], [1, 2]] these are 10 and 12."""
    real = gaussian([0, 0], [[4, 0], [0, 1]], 50)
    made = gaussian([3, -1], [[2, 1], [1, 2]], 80, seed=1)
    assert fid(real, made).value == pytest.approx(10 + 5 + 4 - 2 * math.sqrt(10 + 2 * math.sqrt(12)))


def test_fid_of_one_feature() -> None:
    """Means 1 and 6, variances 2 and 8: 25 + 2 + 8 - 2√16."""
    assert fid([[0.0], [2]], [[4.0], [8]]).value == pytest.approx(27)


def test_fid_of_fewer_pictures_than_features() -> None:
    """Variance 2 along one axis and 8 along another share nothing: 1² + 2² + 2 + 8."""
    assert fid([[0.0, 0, 0], [2, 0, 0]], [[0.0, 0, 0], [0, 4, 0]]).value == pytest.approx(15)


@pytest.mark.parametrize(("count", "width"), [(500, 8), (20, 100), (2, 3)])
def test_fid_of_a_set_with_itself_is_0(count: int, width: int) -> None:
    features = np.random.default_rng(0).normal(size=(count, width)) * np.arange(1, width + 1)
    assert fid(features, features).value == pytest.approx(0, abs=1e-7)
    assert fid(features, features[::-1]).value == pytest.approx(0, abs=1e-7)
    assert fid(features, features).value >= 0


def test_kid_by_hand() -> None:
    """k = (xy + 1)³: own pairs 1 and 64, crossed 1, 1, 27 and 343."""
    assert kid([[0.0], [2]], [[1.0], [3]]).value == pytest.approx(1 + 64 - 2 * 372 / 4)


def test_kid_heeds_the_width_of_features() -> None:
    """k((1, 1), (2, 0)) = (2/2 + 1)³ = 8; with themselves 8 and 27."""
    both = [[1.0, 1], [2, 0]]
    assert kid(both, both).value == pytest.approx(8 + 8 - 2 * (8 + 27 + 8 + 8) / 4)


def test_kid_of_equal_laws_is_0_on_average() -> None:
    chance = np.random.default_rng(3)
    values = [kid(chance.normal(size=(6, 3)), chance.normal(size=(9, 3))).value for _ in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 20
    assert min(values) < 0 < kid(chance.normal(size=(60, 3)), chance.normal(1, 1, size=(60, 3))).value


def test_large_sets_are_summed_in_parts() -> None:
    chance = np.random.default_rng(4)
    real, made = chance.normal(size=(1500, 4)), chance.normal(0.1, 1, size=(1100, 4))

    def mean(one: np.ndarray, other: np.ndarray) -> float:
        pairs = (one @ other.T / 4 + 1)**3
        return pairs[~np.eye(len(one), dtype=bool)].mean() if one is other else pairs.mean()

    assert kid(real, made).value == pytest.approx(mean(real, real) + mean(made, made) - 2 * mean(real, made))


@pytest.mark.parametrize("spoiled", [blurred, noisy])
def test_the_more_pictures_are_spoiled_the_farther_they_are(spoiled: object) -> None:
    real, fresh = features(drawn(150, 0)), drawn(150, 1)
    levels = (0.7, 1.5, 3) if spoiled is blurred else (0.05, 0.15, 0.4)
    for metric in (fid, kid):
        found = [metric(real, features(one)).value for one in (fresh, *(spoiled(fresh, at) for at in levels))]
        assert found == sorted(found) and found[-1] > 5 * abs(found[0]), metric


def test_few_pictures_come_with_a_warning() -> None:
    many = np.random.default_rng(0).normal(size=(ENOUGH, 2))
    assert fid(many, many)[1:] == (2048, "")
    few = fid(many, many[1:])
    assert few.n == 2047
    assert few.warning.startswith("FID of 2047 pictures: below 2,048 it is too high") and "KID" in few.warning
    assert kid(many[:5], many[:3])[1:] == (3, "")


@pytest.mark.parametrize("metric", [fid, kid])
@pytest.mark.parametrize(("real", "made", "said"), [
    ([[1.0]], [[1.0], [2]], "features of real pictures: 1 are too few; allowed: 2 or more"),
    ([[1.0], [2]], [], "features of generated pictures: 0 are too few; allowed: 2 or more"),
    ([[1.0], [2]], [[math.nan], [2]], "features of generated pictures: 1 of 2 hold NaN or infinity"),
    ([[1.0], [2]], [[1.0, 2], [2, 1]], "1 and 2 numbers a row; allowed: one model for both"),
])
def test_sets_that_have_no_distance_are_refused(metric: object, real: object, made: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        metric(real, made)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save")
def test_torchmetrics_says_the_same() -> None:
    torch = pytest.importorskip("torch")
    peer_fid, peer_kid = (pytest.importorskip(f"torchmetrics.image.{name}") for name in ("fid", "kid"))
    chance = np.random.default_rng(5)
    real, made = chance.normal(size=(300, 12)), chance.normal(0.2, 1.5, size=(300, 12))
    extractor = torch.nn.Identity()
    extractor.num_features = 12
    peers = (peer_fid.FrechetInceptionDistance(extractor),
             peer_kid.KernelInceptionDistance(extractor, subsets=1, subset_size=300))
    for peer in peers:
        peer.update(torch.from_numpy(real), real=True)
        peer.update(torch.from_numpy(made), real=False)
    assert fid(real, made).value == pytest.approx(float(peers[0].compute()), rel=1e-9)
    assert kid(real, made).value == pytest.approx(float(peers[1].compute()[0]), rel=1e-9)
