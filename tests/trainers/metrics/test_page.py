"""The page of the metrics tells of each, and names functions that there are."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from trainers.evaluation import plans

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))


@pytest.mark.parametrize("name", [plans.CLIP_I, plans.DINO, plans.CLIP_T, plans.CLIP_T_OBJECT, plans.BLIP, plans.VQA,
                                  "SWD", plans.FID, plans.KID, plans.IS, plans.LPIPS, plans.R_PRECISION, plans.LEAK,
                                  plans.CONDITIONS])
def test_each_metric_has_a_section(name: str) -> None:
    titles = [title for title in SECTIONS if name in title.replace(" score", "").split(" and ")]
    assert len(titles) == 1
    if name != plans.CONDITIONS:
        assert all(f"**{part}**" in SECTIONS[titles[0]] for part in ("Choices", "Caveats"))
        assert "**Source**" in SECTIONS[titles[0]] or "| Source |" in SECTIONS[titles[0]]


def test_functions_on_the_page_are_there() -> None:
    named = re.findall(r"`(\w+)\.(\w+)`", PAGE)
    assert len(named) > 8
    assert all(hasattr(importlib.import_module(f"trainers.metrics.{module}"), name) for module, name in named)


def test_each_file_is_on_the_page() -> None:
    files = {path.stem for path in (ROOT / "trainers" / "metrics").glob("*.py")} - {"__init__", "checks"}
    assert {file for file in files if f"`{file}." in PAGE or f"{file}.py" in PAGE} == files
