from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import UsageError
from tests.trainers.evaluation.protocols.planned import check, drawn, shown
from trainers.evaluation.plans import CLIP_T, Job, Plan, Sampler, Shown
from trainers.evaluation.protocols.retribooru import COMPOSED, FIGURES, METRICS, PROTOCOLS, among, retribooru
from trainers.evaluation.protocols.subjects import People, Row


def _rows(split: str, characters: int, each: int = 3, cuts: tuple[str, ...] = ("face", "clothes")) -> list[Row]:
    """Every character's rows are references of one another."""
    return [Row(f"{split}{who}-{at}", f"{split}_girl_{who}", f"1girl, hair_{who}, {split}_pose_{at}", [
        f"{split}{who}-{other}" for other in range(each) if other != at], cuts)
        for who in range(characters) for at in range(each)]


PEOPLE = People(_rows("seen", 30), _rows("unseen", 30), {f"new_{at}": [f"new{at}/{one}" for one in range(6)]
                                                         for at in range(10)})


def _plan(people: People = PEOPLE, protocol: str = "paper", concepts: tuple[str, ...] = FIGURES, seed: int = 0) -> Plan:
    plan = retribooru(people, {}, Sampler(), run="net", protocol=protocol, concepts=concepts, seed=seed)
    check(plan)
    return plan


def _by_subject(plan: Plan) -> dict[str, list[Job]]:
    found = defaultdict(list)
    for job in drawn(plan):
        found[job.subject].append(job)
    return found


@pytest.mark.parametrize(("protocol", "count"), [
    ("paper", 5000), ("quick", 72), ("scales", 3000), ("cross", 800)])
def test_counts(protocol: str, count: int) -> None:
    plan = _plan(protocol=protocol)
    assert len(drawn(plan)) == count == plan.facts["pictures"]
    assert len({(job.subject, job.prompt, job.seed, job.scale) for job in drawn(plan)}) == count


def test_every_protocol_is_counted_above() -> None:
    assert set(PROTOCOLS) == {"paper", "quick", "scales", "cross"}


def test_fifty_characters_by_five_prompts_by_five_seeds_by_four() -> None:
    plan = _plan()
    found = _by_subject(plan)
    assert Counter(jobs[0].group for jobs in found.values()) == {"seen": 20, "unseen": 20, "given": 10}
    assert plan.facts["characters"] == {"seen": 20, "unseen": 20, "given": 10}
    assert (plan.facts["seeds"], plan.facts["pictures a seed"]) == (5, 4)
    for jobs in found.values():
        places = [tuple(map(int, job.key.rpartition("/")[2].split("-"))) for job in jobs]
        assert sorted(places) == [(at, which, one) for at in range(5) for which in range(5) for one in range(4)]
    prompts = {tuple(Counter(job.prompt for job in jobs).items()) for jobs in found.values()}
    assert len(prompts) == 1
    [one] = prompts
    assert [count for _, count in one] == [20] * 5 and all(len({job.seed for job in jobs}) == 100
                                                           for jobs in found.values())


@pytest.mark.parametrize(("seen", "unseen", "expected"), [
    (30, 30, (20, 20)), (30, 5, (30, 5)), (50, 5, (35, 5)), (3, 50, (3, 37)), (0, 50, (0, 40)), (2, 1, (2, 1))])
def test_where_one_split_has_fewer_the_other_gives_more(seen: int, unseen: int, expected: tuple[int, int]) -> None:
    plan = _plan(People(_rows("seen", seen), _rows("unseen", unseen)))
    assert plan.facts["characters"] == {"seen": expected[0], "unseen": expected[1], "given": 0}


def test_prompts_are_tags_of_rows_that_are_no_references() -> None:
    people = People([], _rows("unseen", 8, each=6))
    plan = _plan(people)
    rows = {row.id: row for row in people.unseen}
    told = {job.target: job for job in drawn(plan)}
    assert list(plan.facts["prompts"]) == list(told) and len({rows[one].character for one in told}) == 5
    assert not set(told) & {one for job in drawn(plan) for one in job.like}
    for name, job in told.items():
        at, pose = name.removeprefix("unseen").split("-")
        assert job.prompt == f"1girl, hair {at}, unseen pose {pose}" == job.texts[CLIP_T]


def test_a_row_and_its_references_four_at_most() -> None:
    people = People(_rows("seen", 2, each=7), _rows("unseen", 1, each=2), {"hero": ["h1", "h2", "h3", "h4", "h5"],
                                                                         "lone": ["l1"]})
    plan = _plan(people)
    likes = {name: jobs[0].like for name, jobs in _by_subject(plan).items()}
    assert len(likes["seen_girl_0"]) == 4 and {one.split("-")[0] for one in likes["seen_girl_0"]} == {"seen0"}
    assert sorted(likes["unseen_girl_0"]) == ["unseen0-0", "unseen0-1"]
    assert likes["hero"] == ("h1", "h2", "h3", "h4") and likes["lone"] == ("l1",)
    assert Counter(job.subject for job in shown(plan)) == {
        "seen_girl_0": 4, "seen_girl_1": 4, "unseen_girl_0": 2, "hero": 4}


def test_references_begin_anew_where_they_are_fewer_than_the_pipeline_takes() -> None:
    job = drawn(_plan(People([], _rows("unseen", 1, each=2))))[0]
    assert job.shown == tuple(Shown(one, "figure") for one in job.like * 2)
    alone = drawn(_plan(People([], _rows("unseen", 1, each=3)), concepts=("figure",)))[0]
    assert alone.shown == (Shown(alone.like[0]),) and len(alone.like) == 3
    assert drawn(_plan(concepts=()))[0].shown == ()


def test_concepts_are_cut_where_they_can_be() -> None:
    rows = [Row("a", "reimu", "1girl", ["b"], ("face", "clothes")), Row("b", "reimu", "1girl, smile", ["a"])]
    job = drawn(_plan(People([], rows), concepts=COMPOSED))[0]
    if job.like == ("a", "b"):
        assert job.shown == (Shown("a#clothes", "clothes"), Shown("b"), Shown("a#clothes", "clothes"), Shown("b"))
    else:
        assert job.shown == (Shown("b"), Shown("a#face", "face"), Shown("b"), Shown("a#face", "face"))


def test_cross_shows_the_face_of_one_and_the_clothes_of_another() -> None:
    plan = _plan(protocol="cross", concepts=COMPOSED)
    faces, clothes = Counter[str](), Counter[str]()
    for jobs in _by_subject(plan).values():
        job = jobs[0]
        assert set(job.apart) == {"face", "clothes"} and job.like == job.apart["face"] + job.apart["clothes"]
        assert not set(job.apart["face"]) & set(job.apart["clothes"])
        assert [one.concept for one in job.shown] == list(COMPOSED) and len(jobs) == 20
        assert {one.picture.removesuffix("#face") for one in job.shown[1::2]} <= set(job.apart["face"])
        assert {one.picture.removesuffix("#clothes") for one in job.shown[::2]} <= set(job.apart["clothes"])
        assert job.like[0].startswith(job.group) and job.like[-1].startswith(job.group)
        faces[job.apart["face"][0]] += 1
        clothes[job.apart["clothes"][0]] += 1
    assert len(faces) == len(clothes) == 40 and set(faces.values()) == set(clothes.values()) == {1}
    assert plan.metrics == (*METRICS, "CLIP-I (face)", "CLIP-I (clothes)", "DINO (face)", "DINO (clothes)")


def test_vqa_among_generated_pictures_changes_columns_alone() -> None:
    usual = _plan()
    told = among(usual)
    assert told.metrics == ("CLIP-I", "CLIP-T", "SWD(CLIP-I, CLIP-T)", "VQA (generated)",
                            "SWD(VQA (generated), CLIP-I)", "SWD(VQA (generated), CLIP-T)", *METRICS[6:])
    assert told.jobs == usual.jobs


def test_cross_needs_cuts_and_a_pipeline_that_takes_two() -> None:
    with pytest.raises(UsageError, match=r"--protocol cross is for pipelines that take references.*net takes 1"):
        _plan(protocol="cross", concepts=("figure",))
    with pytest.raises(UsageError, match=r"nothing to draw"):
        _plan(People(_rows("seen", 3, cuts=()), []), protocol="cross")


def test_scales_have_the_same_noise() -> None:
    plan = _plan(protocol="scales", concepts=("figure",))
    by_scale = defaultdict(list)
    for job in drawn(plan):
        by_scale[job.scale].append((job.subject, job.prompt, job.seed, job.shown))
        assert job.group == f"{job.scale:g}"
    assert list(by_scale) == [0.25, 0.5, 0.75] and by_scale[0.25] == by_scale[0.5] == by_scale[0.75]
    with pytest.raises(UsageError, match=r"scales"):
        _plan(protocol="scales", concepts=())


def test_the_methods_own_prompt_is_drawn_and_the_tags_are_compared() -> None:
    plan = retribooru(PEOPLE, {}, Sampler(), run="net", written=lambda prompts, name: f"<{name}>: {prompts}")
    job = drawn(plan)[0]
    assert job.prompt.startswith("<") and "1girl, hair_" in job.prompt and "1girl, hair " in job.texts[CLIP_T]


def test_what_cannot_be_planned() -> None:
    with pytest.raises(UsageError, match=r"nothing to draw.*0 characters"):
        _plan(People())
    with pytest.raises(UsageError, match=r"1 characters, 0 prompts"):
        _plan(People(given={"hero": ["h1", "h2"]}))
    with pytest.raises(UsageError, match=r"seen_girl_0"):
        _plan(People(_rows("seen", 1), [], {"seen_girl_0": ["x"]}))
    with pytest.raises(UsageError, match=r"papier"):
        _plan(protocol="papier")


@given(order=st.permutations(range(24)), seed=st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_a_plan_follows_from_its_seed_and_not_from_the_order_of_rows(order: list[int], seed: int) -> None:
    rows = _rows("unseen", 8)
    one, other = (_plan(People([], some), "quick", seed=seed) for some in (rows, [rows[at] for at in order]))
    assert one.jobs == other.jobs


def test_hostile_names_have_safe_keys() -> None:
    names = ["../up", "A", "a", "fate/stay night", "ああ", "x" * 300, ".", "con (you)"]
    rows = [Row(f"{who}-{at}", name, f"tag_{at}", [f"{who}-{1 - at}"]) for who, name in enumerate(names)
            for at in range(2)]
    assert {job.subject for job in drawn(_plan(People(rows), concepts=()))} == set(names)
