import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise, permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.prompting.planning import FAMILIES, Planned, Wanted, plan
from schemas.dreambench import TEMPLATES
from schemas.errors import UsageError
from schemas.prompts import PARTS, compose

STATIC = ("shape", "color", "texture", "background")
LIVING = ("body", "skin", "emotion", "motion")


def _words(sizes: Iterable[int], parts: tuple[str, ...] = STATIC) -> dict[str, list[str]]:
    return {part: [f"{part}{number}" for number in range(size)] for part, size in zip(parts, sizes, strict=True)}


def _styles(photographic: int, styled: int) -> dict[str, list[str]]:
    return {"photographic": [f"photo{number} of" for number in range(photographic)],
            "styled": [f"sketch{number} of" for number in range(styled)]}


PAPER = _words((85, 93, 96, 455)), _styles(50, 49)
SMALL = _words((5, 4, 6, 7)), _styles(3, 4)
SCENES = [f"on rock {number}" for number in range(5)]


def _families(rows: list[Planned]) -> dict[str, list[Planned]]:
    return {family: [row for row in rows if row.family == family] for family in dict.fromkeys(r.family for r in rows)}


def _uses(rows: Iterable[Planned], part: str) -> Counter[str]:
    return Counter(row.parts[part] for row in rows)


def _even(rows: list[Planned], pools: Mapping[str, list[str]]) -> None:
    for part, pool in pools.items():
        used = _uses(rows, part)
        assert set(used) <= set(pool)
        assert max(used.values()) - min(used[word] for word in pool) <= 1, part


def test_a_plan_as_the_paper_has_it() -> None:
    words, styles = PAPER
    rows = plan(Wanted("object", "backpack"), words, styles, SCENES)
    families = _families(rows)
    assert {family: len(of) for family, of in families.items()} == {
        "training": 400, "photographic": 1200, "styled": 400}
    assert [row.id for row in rows] == [f"{number:05d}" for number in range(2000)]
    assert len({row.text for row in rows}) == len({row.seed for row in rows}) == 2000
    _even(families["training"], {**words, "style": [""], "background": SCENES})
    _even(families["photographic"], {**words, "style": styles["photographic"]})
    _even(families["styled"], {**words, "style": styles["styled"]})
    # 400 rows of 5 scenes are 80 each; 1,200 of 85 shapes are 14 each, and 10 are left over.
    assert set(_uses(families["training"], "background").values()) == {80}
    assert Counter(_uses(families["photographic"], "shape").values()) == {14: 75, 15: 10}
    assert all(tuple(row.parts) == PARTS["static"] and row.text == compose(row.parts, "backpack") for row in rows)
    assert all(0 <= row.seed < 1 << 63 for row in rows)


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_spread(seed: int) -> None:
    """Each pair of parts meets in the least number of rows that it can, but for one pair of words in fifty."""
    for words, styles, count in ((*PAPER, 2000), (_words((100, 100, 100, 500)), _styles(48, 48), 2000), (*SMALL, 700)):
        for rows in _families(plan(Wanted("object", "backpack", count, seed=seed), words, styles, SCENES)).values():
            for one, other in combinations([part for part in PARTS["static"] if rows[0].parts[part]], 2):
                met = Counter((row.parts[one], row.parts[other]) for row in rows)
                least = math.ceil(len(rows) / len(_uses(rows, one)) / len(_uses(rows, other)))
                assert max(met.values()) <= least + 1 + (words is SMALL[0])
                assert words is SMALL[0] or sum(times > least for times in met.values()) <= len(met) / 50


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(4, 9), min_size=4, max_size=4), st.integers(40, 200), st.integers(0, 99))
def test_no_word_keeps_to_one_partner(sizes: list[int], count: int, seed: int) -> None:
    rows = plan(Wanted("object", "vase", count, (1, 0, 0), seed=seed), _words(sizes), _styles(1, 1))
    for one, other in permutations(STATIC, 2):
        partners = defaultdict(list)
        for row in rows:
            partners[row.parts[one]].append(row.parts[other])
        assert all(len(set(met)) > 1 for met in partners.values() if len(met) > 2)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_even_distinct_and_stable_up_to_the_last_prompt(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=4, max_size=4))
    words, styles = _words(sizes), _styles(data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    parts = [0, *sorted(data.draw(st.lists(st.integers(0, 10), min_size=2, max_size=2))), 10]
    shares = tuple((high - low) / 10 for low, high in pairwise(parts))
    made = dict(zip(FAMILIES, [math.prod(sizes) * n for n in (1, *map(len, styles.values()))], strict=True))
    most = min(math.floor(made[family] * 10 / (10 * share) + 1e-9)
               for family, share in zip(FAMILIES, shares, strict=True) if share)
    count = data.draw(st.integers(1, most) | st.just(most))
    wanted = Wanted("object", "vase", count, shares, seed=data.draw(st.integers(0, 9)))  # type: ignore[arg-type]
    rows = plan(wanted, words, styles)
    assert rows == plan(wanted, words, styles)
    assert len({row.text for row in rows}) == count
    for family, of in _families(rows).items():
        _even(of, {**words, "style": styles.get(family, [""])})
    for upto in range(1, count + 1):
        given_rows = Counter(row.family for row in rows[:upto])
        assert all(abs(given_rows[family] - share * upto) < 1
                   for family, share in zip(FAMILIES, shares, strict=True))
    with pytest.raises(UsageError, match=rf"allowed: 1\.\.{most}; try: --count {most}"):
        plan(Wanted("object", "vase", most + 1, shares), words, styles)  # type: ignore[arg-type]


def test_all_prompts_there_are() -> None:
    words = _words((3, 3, 3, 3))
    rows = plan(Wanted("object", "vase", 81, (1, 0, 0)), words, _styles(1, 1))
    assert {tuple(row.parts[part] for part in STATIC) for row in rows} == set(product(*words.values()))


@pytest.mark.parametrize("count", range(1, 60))
def test_counts_go_by_largest_remainder(count: int) -> None:
    rows = plan(Wanted("object", "backpack", count), *SMALL)
    exact = [count / 5, 3 * count / 5, count / 5]
    left = count - sum(map(math.floor, exact))
    by_remainder = sorted(range(3), key=lambda family: (round(math.floor(exact[family]) - exact[family], 6), family))
    expected = {FAMILIES[one]: math.floor(exact[one]) + (one in by_remainder[:left]) for one in range(3)}
    assert Counter(row.family for row in rows) == Counter(expected)


def test_a_plan_is_the_beginning_of_a_longer_one() -> None:
    words, styles = PAPER
    whole = plan(Wanted("object", "backpack", 600), words, styles, SCENES)
    for count in (1, 99, 100, 500):
        assert plan(Wanted("object", "backpack", count), words, styles, SCENES) == whole[:count]
        _even([row for row in whole[:count] if row.family == "photographic"], words)


def test_seeds_and_classes_make_other_plans() -> None:
    rows = plan(Wanted("object", "backpack", 50), *SMALL)
    other = plan(Wanted("object", "backpack", 50, seed=1), *SMALL)
    assert {row.seed for row in rows}.isdisjoint(row.seed for row in other)
    assert [row.text for row in rows] != [row.text for row in other]
    assert [row.parts for row in plan(Wanted("object", "hourglass", 50), *SMALL)] == [row.parts for row in rows]
    # As `printf 0/1 | sha256sum` begins.
    assert rows[1].seed == 0xA93875FE509AC2FA >> 1


def test_without_a_subject_training_prompts_have_scenes_of_the_pool() -> None:
    rows = _families(plan(Wanted("object", "backpack", 100), *SMALL))["training"]
    _even(rows, {**SMALL[0], "style": [""]})
    own = _families(plan(Wanted("object", "backpack", 100), *SMALL, ["on a rock", "two men beside a $concept", ""]))
    assert sorted(_uses(own["training"], "background").values()) == [6, 7, 7]
    assert all(row.parts["background"] in SMALL[0]["background"] for row in own["photographic"])
    assert any(row.text.startswith("two men beside a shape") for row in own["training"])


def test_living_things_and_the_arm_without_adaptation() -> None:
    words = _words((5, 4, 6), LIVING[:3]) | {"motion": [f"a $concept walking in street {n}" for n in range(7)]}
    rows = plan(Wanted("animal", "cat", 60), words, SMALL[1])
    assert tuple(rows[0].parts) == ("style", *LIVING) and len({row.text for row in rows}) == 60
    assert all(" cat walking in street " in row.text and "$" not in row.text for row in rows)
    rows = plan(Wanted("animal", "cat", 60, arm="unadapted"), *SMALL)
    assert tuple(rows[0].parts) == ("style", *STATIC) and all(" cat background" in row.text for row in rows)


def test_the_arm_with_the_class_alone() -> None:
    rows = plan(Wanted("animal", "owl", 30, arm="class-only"), {}, {})
    assert {row.text for row in rows} == {"an owl"} and len({row.seed for row in rows}) == 30
    assert {row.family for row in rows} == {"class"} and rows[0].parts == dict.fromkeys(PARTS["living"], "")
    with pytest.raises(UsageError, match="class-only has one prompt"):
        plan(Wanted("animal", "owl", 30, arm="class-only", test_prompts=True), {}, {})


@pytest.mark.parametrize("kind", ["object", "animal"])
def test_test_prompts_come_first_and_count(kind: str) -> None:
    words = SMALL[0] if kind == "object" else _words((5, 4, 6, 7), LIVING)
    rows = plan(Wanted(kind, "cup", 125, test_prompts=True), words, SMALL[1])  # type: ignore[arg-type]
    assert [row.text for row in rows[:25]] == [
        " ".join(template.format("", "cup").split()) for template in TEMPLATES[kind]]  # type: ignore[index]
    assert Counter(row.family for row in rows) == {"test": 25, "training": 20, "photographic": 60, "styled": 20}
    assert len({row.text for row in rows}) == 125 and {len(row.parts) for row in rows} == {5}
    assert len(plan(Wanted("object", "cup", 25, test_prompts=True), *SMALL)) == 25
    with pytest.raises(UsageError, match=r"got 24.*allowed: 25\.\."):
        plan(Wanted("object", "cup", 24, test_prompts=True), *SMALL)


def test_what_reads_the_same_is_one_prompt() -> None:
    """ "dark" and "blue green" make the text of "dark blue" and "green"; two test prompts stand in the pools, too."""
    words = {"shape": ["dark", "dark blue"], "color": ["green", "blue green"], "texture": [""],
             "background": ["", "in the snow"]}
    rows = plan(Wanted("object", "cup", 6, (1, 0, 0)), words, _styles(1, 1))
    assert sorted(row.text for row in rows) == [
        "a dark blue blue green cup", "a dark blue blue green cup in the snow", "a dark blue green cup",
        "a dark blue green cup in the snow", "a dark green cup", "a dark green cup in the snow"]
    with pytest.raises(UsageError, match=r"got 7.*allowed: 1\.\.6; try: --count 6"):
        plan(Wanted("object", "cup", 7, (1, 0, 0)), words, _styles(1, 1))
    bare = {"shape": ["", "wet"], "color": [""], "texture": [""], "background": ["in the snow", "on the beach"]}
    rows = plan(Wanted("object", "cup", 27, (1, 0, 0), test_prompts=True), bare, _styles(1, 1))
    assert {row.text for row in rows[25:]} == {"a wet cup in the snow", "a wet cup on the beach"}


@pytest.mark.parametrize(("change", "said"), [
    ({"count": 0}, r"nothing to plan \(got 0\); allowed: a --count of 1 or more"),
    ({"count": -5}, r"got -5"),
    ({"shares": (0.2, 0.6, 0.3)}, "together 1"),
    ({"shares": (-0.2, 0.6, 0.6)}, "0..1 each"),
    ({"shares": (float("nan"), 0.6, 0.4)}, "0..1 each"),
    ({"count": 10**12}, r"allowed: 1\.\.4200; try: --count 4200"),
])  # fmt: skip
def test_what_cannot_be_planned(change: dict[str, object], said: str) -> None:
    # 5 * 4 * 6 * 7 = 840 prompts without style are a fifth of 4,200; 840 * 3 of 3 styles are 0.6 of 4,200.
    with pytest.raises(UsageError, match=said):
        plan(Wanted(**{"kind": "object", "class_name": "backpack", **change}), *SMALL)  # type: ignore[arg-type]
