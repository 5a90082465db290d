from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.terminal.fields import check_class_name, check_fields, flag_of, option


@dataclass
class Bake:
    cake: str = option("", "which", group="what", choices=("", "plain", "fruit"))
    min_eggs: int = option(2, "how many", group="what", low=1)
    share: float | None = option(None, "how much", group="what", low=0, high=1)
    tin: Path = option(Path(), "what to bake in", group="what")


def test_a_field_has_its_word() -> None:
    assert [flag_of("min_eggs"), flag_of("k")] == ["--min-eggs", "-k"]


def test_what_is_allowed_passes() -> None:
    check_fields(Bake())
    check_fields(Bake("fruit", 1, 0.0, Path("tin")))
    check_fields(Bake("plain", 10**9, 1.0))


@pytest.mark.parametrize(("options", "said"), [
    (Bake(cake="stone"), "--cake is not known (got 'stone'); allowed: plain, fruit"),
    (Bake(min_eggs=0), "--min-eggs is out of range (got 0); allowed: 1 to any"),
    (Bake(share=1.5), "--share is out of range (got 1.5); allowed: 0 to 1"),
    (Bake(share=float("nan")), "--share is out of range (got nan); allowed: 0 to 1"),
    (Bake(tin=Path("t\udcff")), "--tin is no UTF-8 name (got PosixPath('t\\udcff')); allowed: a path that can be "
     "written as text"),
])
def test_what_is_not_allowed_is_said_with_what_is(options: Bake, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_fields(options)
    assert str(caught.value) == said


def test_a_class_name_is_a_bare_noun() -> None:
    check_class_name("duck toy", "")
    with pytest.raises(UsageError, match=r"missing.*try: oven bake --class-name cake"):
        check_class_name(" ", "oven bake --class-name cake")
    for name in ("a cake", "The cake", "cake $concept", "ca\nke"):
        with pytest.raises(UsageError, match="no bare noun"):
            check_class_name(name, "")
