import pytest

from schemas.errors import UsageError
from trainers.presets import Preset, check_name, preset


def test_the_papers_runs() -> None:
    assert preset("paper-sd", "sd") == preset("", "sd") == Preset(
        steps=4000, lora=0, keep_from=0, crop_ratio=0.75, word_dropout=0.5, captions="own", class_only=False)
    assert preset("paper-sdxl", "sdxl") == preset("", "sdxl") == Preset(steps=8000, lora=32)
    assert preset("dreambooth-baseline", "sd") == Preset(
        steps=1500, lora=0, crop_ratio=1.0, word_dropout=0.0, captions="class", class_only=True)


@pytest.mark.parametrize(("subject", "family", "low", "high"), [
    ("backpack", "sd", 6000, 8000), ("backpack", "sdxl", 8000, 10000), ("dog3", "sd", 2000, 4000),
    ("dog3", "sdxl", 8000, 10000)])
def test_table_4_trains_to_the_upper_bound_and_keeps_from_the_lower(subject: str, family: str, low: int,
                                                                    high: int) -> None:
    found = preset(f"table4:{subject}", family)
    assert (found.keep_from, found.steps) == (low, high)
    assert found._replace(keep_from=0, steps=0) == preset("", family)._replace(steps=0)


def test_the_other_familys_preset_is_refused() -> None:
    with pytest.raises(UsageError, match=r"for SDXL, and this base is SD \(got 'paper-sdxl'\).*--preset paper-sd$"):
        preset("paper-sdxl", "sd")
    with pytest.raises(UsageError, match="for SD, and this base is SDXL"):
        preset("dreambooth-baseline", "sdxl")


def test_unknown_names_are_answered_by_near_ones() -> None:
    check_name("")
    check_name("table4:wolf_plushie")
    with pytest.raises(UsageError, match=r"allowed: .*table4:dog"):
        check_name("table4:dgo")
    with pytest.raises(UsageError, match="allowed: paper-sdxl, paper-sd"):
        check_name("paper-sdx")
    with pytest.raises(UsageError, match="allowed: paper-sd, paper-sdxl, dreambooth-baseline, table4:SUBJECT"):
        check_name("?")
