"""The drawing engine: truth of matte, face box and tags; every choice renders."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from builders.sources.drawing import (
    COLOURS,
    VERSION,
    Character,
    Garment,
    Outfit,
    Scene,
    Style,
    draw,
    random_character,
    random_distractor,
    random_outfit,
    random_scene,
    random_style,
    render,
)
from builders.sources.drawing.backgrounds import BACKGROUNDS, paint_background
from builders.sources.drawing.clothes import FOOTWEAR, LEGWEAR, OUTERWEAR, SKIRTS, TOPS, TROUSERS
from builders.sources.drawing.hair import FRINGES
from builders.sources.drawing.head import EXPRESSIONS
from builders.sources.drawing.ornaments import HEADWEAR
from builders.sources.drawing.skeleton import ARMS, LEGS

MAGENTA = (255.0, 0.0, 255.0)  # a skin colour that nothing else has
PLAIN = Outfit((Garment("sweater", "green"), Garment("pants", "black")))


def person(seed: int = 1, **changes: object) -> Character:
    base = replace(
        random_character(np.random.default_rng(seed)),
        gender="girl",
        hair_tip=None,
        hair_tails="none",
        hair_length=1.2,
        side_locks=0.0,
        fringe="none",
        ears="human",
        mole=False,
        ahoge=False,
        hair_rgb=(40.0, 40.0, 40.0),
        hair_volume=0.2,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def flat_style(**changes: object) -> Style:
    base = replace(
        random_style(np.random.default_rng(2)),
        shading="flat",
        line_kind="none",
        blush=0.0,
        rim=0.0,
        tint=((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0),
        nose="none",
        saturation=1.0,
        brightness=1.0,
        heads=6.0,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def still(**changes: object) -> Scene:
    base = Scene(
        arms="arms_behind_back",
        legs="standing",
        lean=0.0,
        turn=0.0,
        tilt=0.0,
        expression="closed_eyes",
        gaze=0.0,
        framing="portrait",
        background="white",
        from_behind=False,
        size=(256, 256),
        mirrored=False,
        zoom=1.0,
        shift=(0.0, 0.0),
        eye_cover=False,
        seed=3,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def anyone(seed: int, wild: bool) -> tuple[Character, Outfit, Style, Scene]:
    rng = np.random.default_rng(seed)
    return random_character(rng, wild), random_outfit(rng, wild), random_style(rng, wild), random_scene(rng, wild)


def near(rgb: np.ndarray, colour: tuple[float, float, float], distance: float = 40.0) -> np.ndarray:
    return np.abs(rgb.astype(float) - np.asarray(colour)).sum(axis=2) < distance


@pytest.mark.parametrize("seed", range(6))
def test_a_drawing_keeps_its_contract(seed: int) -> None:
    drawing = draw(*anyone(seed, wild=bool(seed % 2)))
    height, width = drawing.figure.shape[:2]
    assert drawing.figure.shape == (height, width, 4)
    assert drawing.background.shape == drawing.rgb.shape == (height, width, 3)
    assert drawing.figure.dtype == drawing.background.dtype == drawing.rgb.dtype == np.uint8
    assert 0.0 <= drawing.face_visible <= 1.0
    assert drawing.face[0] < drawing.face[2] and drawing.face[1] < drawing.face[3]
    assert len(set(drawing.tags)) == len(drawing.tags)


def test_alpha_is_the_matte_of_the_composition() -> None:
    drawing = draw(person(), PLAIN, flat_style(), still(background="room"))
    alpha = drawing.figure[..., 3]
    rgb = drawing.rgb
    assert np.array_equal(rgb[alpha == 0], drawing.background[alpha == 0])
    assert np.array_equal(rgb[alpha == 255], drawing.figure[..., :3][alpha == 255])
    soft = (alpha > 0) & (alpha < 255)
    assert 0 < soft.mean() < 0.2  # anti-aliased edges, and only edges
    y, x = (int(v[0]) for v in np.nonzero(soft))
    a = alpha[y, x] / 255
    expected = drawing.figure[y, x, :3] * a + drawing.background[y, x] * (1 - a)
    assert np.allclose(rgb[y, x], expected, atol=0.51)


@pytest.mark.parametrize("turn", [0.0, -25.0, 25.0])
@pytest.mark.parametrize("tilt", [0.0, 14.0])
def test_the_face_box_bounds_the_planted_skin(turn: float, tilt: float) -> None:
    """Hands hidden, neck covered below: what is magenta above the chin is the face."""
    scene = still(turn=turn, tilt=tilt)
    drawing = draw(person(skin=MAGENTA), PLAIN, flat_style(), scene)
    x0, y0, x1, y1 = drawing.face
    skin = near(drawing.rgb, MAGENTA)
    ys, xs = np.nonzero(skin)
    cheeks = xs[(ys > y0 + 0.45 * (y1 - y0)) & (ys < y0 + 0.62 * (y1 - y0))]  # below the hair, above the neck
    assert abs(cheeks.min() - x0) < 0.16 * (x1 - x0)
    assert abs(cheeks.max() - x1) < 0.16 * (x1 - x0)
    assert 0.8 < (x1 - x0) / (y1 - y0) < 1.3
    assert skin[int((y0 + y1) / 2), int((x0 + x1) / 2)]
    assert drawing.face_visible == pytest.approx(1.0)


def test_the_chin_is_the_bottom_of_the_box() -> None:
    """The face outline crosses the middle column at the chin; the flat style throws no shadow there."""
    drawing = draw(person(skin=MAGENTA), PLAIN, flat_style(line_kind="black", line_width=0.06), still())
    x0, y0, x1, y1 = drawing.face
    column = drawing.rgb[:, int((x0 + x1) / 2)].astype(float)
    lines = [y for y in range(int((y0 + 3 * y1) / 4), int(y1 + 8)) if column[y].max() < 120]
    assert lines and abs(lines[-1] - y1) < 0.06 * (y1 - y0)


def test_the_eyes_lie_inside_the_box() -> None:
    green = (0.0, 255.0, 0.0)
    character = person(skin=MAGENTA, eye_rgb=green)
    drawing = draw(
        character, Outfit((Garment("sweater", "blue"),)), flat_style(eye_style="flat"), still(expression="neutral")
    )
    x0, y0, x1, y1 = drawing.face
    ys, xs = np.nonzero(near(drawing.rgb, green))
    assert len(xs) > 50
    assert x0 < xs.min() and xs.max() < x1 and y0 < ys.min() and ys.max() < y1
    middle = (x0 + x1) / 2
    assert (xs < middle).any() and (xs > middle).any()


def test_the_same_arguments_give_the_same_bytes() -> None:
    first, second = draw(*anyone(5, True)), draw(*anyone(5, True))
    assert first.figure.tobytes() == second.figure.tobytes()
    assert first.background.tobytes() == second.background.tobytes()
    assert (first.face, first.tags) == (second.face, second.tags)
    assert draw(*anyone(6, True)).figure.tobytes() != first.figure.tobytes()


# Seed: the curves and words of a drawing as a digest, and its mean colours in four by four fields. The curves are
# compared to three decimals, the pixels only roughly: no processor rounds them into another digest.
PINNED_VERSION = 2
PINNED = {
    21: ("7e3280e1e2e7adca", [
        [180, 170, 214, 160, 173, 183, 147, 155, 187, 155, 228, 182],
        [181, 166, 210, 153, 154, 163, 92, 94, 116, 138, 193, 160],
        [163, 161, 184, 142, 158, 155, 81, 72, 113, 80, 80, 86],
        [142, 108, 72, 143, 111, 74, 130, 117, 112, 54, 62, 65],
    ]),
    22: ("053cf5cde3039405", [
        [110, 128, 98, 132, 123, 109, 132, 92, 95, 109, 113, 108],
        [70, 95, 73, 189, 155, 145, 176, 146, 132, 68, 96, 75],
        [163, 151, 94, 167, 165, 159, 172, 148, 138, 155, 114, 78],
        [165, 141, 104, 121, 119, 125, 130, 119, 115, 151, 116, 92],
    ]),
    23: ("dbce7703ad0e921e", [
        [46, 56, 34, 46, 56, 34, 63, 71, 46, 59, 67, 40],
        [91, 107, 90, 154, 153, 144, 87, 103, 82, 81, 95, 61],
        [111, 93, 62, 191, 138, 106, 157, 108, 71, 93, 93, 73],
        [148, 100, 62, 168, 97, 67, 168, 97, 59, 128, 105, 68],
    ]),
}


@pytest.mark.parametrize("seed", PINNED)
def test_a_changed_drawing_has_another_version(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    curves: list[str] = []
    real = render.rasterise
    monkeypatch.setattr(render, "rasterise", lambda svg: (curves.append(svg), real(svg))[1])
    character, outfit, style, scene = anyone(seed, bool(seed % 2))
    drawing = draw(character, outfit, style, replace(scene, size=(64, 96)))
    digest = hashlib.sha256("".join([*curves, *drawing.tags]).encode()).hexdigest()[:16]
    means = drawing.rgb.reshape(4, 24, 4, 16, 3).mean(axis=(1, 3)).reshape(4, 12)
    same = digest == PINNED[seed][0] and np.abs(means - PINNED[seed][1]).max() < 3
    assert (VERSION, same) == (PINNED_VERSION, True), (
        f"a drawing changed: raise VERSION in builders/sources/drawing/__init__.py (now {VERSION}), then pin here "
        f"{seed}: ({digest!r}, {means.round().astype(int).tolist()})")


def test_mirroring_flips_picture_and_box() -> None:
    character, outfit, style, scene = anyone(8, False)
    plain = draw(character, outfit, style, replace(scene, mirrored=False, shift=(0.1, 0.0)))
    turned = draw(character, outfit, style, replace(scene, mirrored=True, shift=(0.1, 0.0)))
    width = plain.figure.shape[1]
    assert np.array_equal(turned.figure, plain.figure[:, ::-1])
    assert np.array_equal(turned.background, plain.background[:, ::-1])
    x0, y0, x1, y1 = plain.face
    assert turned.face == pytest.approx((width - x1, y0, width - x0, y1))


def test_a_face_out_of_sight_counts_as_invisible() -> None:
    behind = draw(person(), PLAIN, flat_style(), still(from_behind=True))
    assert behind.face_visible == 0.0
    assert "from_behind" in behind.tags and not any(tag.endswith("_eyes") for tag in behind.tags)
    headless = draw(person(), PLAIN, flat_style(), still(framing="lower_body"))
    assert headless.face_visible == 0.0 and headless.face[3] < 20
    cut = draw(person(), PLAIN, flat_style(), still(shift=(0.5, 0.0)))
    x0, _, x1, _ = cut.face
    assert cut.face_visible == pytest.approx((256 - x0) / (x1 - x0), abs=0.02)


ALL_TAGS = [
    *TOPS,
    *OUTERWEAR,
    *SKIRTS,
    *TROUSERS,
    *LEGWEAR,
    *FOOTWEAR,
    *HEADWEAR,
    "apron",
    "belt",
    "sash",
    "sailor_collar",
    "scarf",
    "choker",
    "necktie",
    "bowtie",
    "neck_ribbon",
    "neckerchief",
    "hairband",
    "maid_headdress",
    "hair_ribbon",
    "hair_bow",
    "hairclip",
    "hair_flower",
    "glasses",
    "gloves",
]


@pytest.mark.parametrize("tag", ALL_TAGS)
def test_each_garment_shows_and_is_tagged(tag: str) -> None:
    """Nothing else drawn is red, so red pixels are the garment."""
    character = person(eye_rgb=(60.0, 60.0, 60.0), skin=(250.0, 250.0, 250.0))
    low = tag in (*LEGWEAR, *FOOTWEAR, *SKIRTS, *TROUSERS, "gloves")
    scene = still(framing="full_body" if low else "upper_body", size=(256, 384), arms="arms_apart")
    bare = draw(character, Outfit(()), flat_style(), scene)
    worn = draw(character, Outfit((Garment(tag, "red"),)), flat_style(), scene)
    red = near(worn.rgb, COLOURS["red"], 60.0)
    assert red.sum() > near(bare.rgb, COLOURS["red"], 60.0).sum() + 12
    assert tag in worn.tags
    assert any(t.startswith("red") for t in worn.tags)


@pytest.mark.parametrize("arms", list(ARMS))
def test_each_pose_renders_inside_its_tags(arms: str) -> None:
    drawing = draw(person(), PLAIN, flat_style(), still(arms=arms, framing="cowboy_shot", legs=LEGS[len(arms) % 4]))
    assert 0.05 < (drawing.figure[..., 3] > 127).mean() < 0.95
    assert "cowboy_shot" in drawing.tags


@pytest.mark.parametrize("expression", list(EXPRESSIONS))
def test_each_expression_looks_different(expression: str) -> None:
    drawing = draw(person(), PLAIN, flat_style(), still(expression=expression))
    other = draw(person(), PLAIN, flat_style(), still(expression="neutral" if expression != "neutral" else "smile"))
    assert not np.array_equal(drawing.figure, other.figure)
    assert drawing.face == other.face


@pytest.mark.parametrize("fringe", list(FRINGES))
@pytest.mark.parametrize("turn", [-70.0, 0.0, 40.0])
def test_each_fringe_renders_at_each_turn(fringe: str, turn: float) -> None:
    character = person(fringe=fringe, side_locks=1.5, hair_rgb=(0.0, 0.0, 255.0), eye_rgb=(90.0, 90.0, 90.0))
    drawing = draw(character, PLAIN, flat_style(), still(turn=turn))
    assert near(drawing.rgb, (0, 0, 255), 90.0).sum() > 2000


@pytest.mark.parametrize(
    "tails", ["twintails", "low_twintails", "ponytail", "side_ponytail", "braid", "twin_braids", "bun", "double_bun"]
)
@pytest.mark.parametrize("back", ["straight", "wavy", "curly", "flared", "spiky", "bob"])
def test_tied_hair_adds_to_the_figure(tails: str, back: str) -> None:
    scene = still(framing="upper_body")
    tied = draw(person(hair_tails=tails, hair_back=back, hair_length=3.0), PLAIN, flat_style(), scene)
    short = draw(person(hair_tails="none", hair_back=back, hair_length=0.75), PLAIN, flat_style(), scene)
    # braids may lie on the chest, tails beside the head: either way there is hair where there was none
    gained = near(tied.rgb, (40, 40, 40), 60.0) & ~near(short.rgb, (40, 40, 40), 60.0)
    assert gained.sum() > 80
    assert any(tails.split("_")[-1].rstrip("s") in tag or "bun" in tag for tag in tied.tags)


@pytest.mark.parametrize("framing", ["full_body", "cowboy_shot", "upper_body", "portrait"])
def test_closer_framings_show_larger_faces(framing: str) -> None:
    order = ["full_body", "cowboy_shot", "upper_body", "portrait"]
    sides = [
        (lambda f: f[3] - f[1])(draw(person(), PLAIN, flat_style(), still(framing=f, size=(400, 400))).face)
        for f in order
    ]
    assert sides == sorted(sides)
    drawing = draw(person(), PLAIN, flat_style(), still(framing=framing, size=(400, 400)))
    feet = drawing.figure[-2, :, 3].max()
    assert (feet == 0) == (framing == "full_body")  # only a full body ends above the lower edge


def test_an_outfit_keeps_its_colours_in_any_style_and_pose() -> None:
    outfit = Outfit((Garment("sweater", "blue"), Garment("skirt", "red")))
    for seed in range(6):
        rng = np.random.default_rng(seed)
        scene = replace(
            random_scene(rng), framing="cowboy_shot", size=(256, 384), arms="arms_behind_back", background="white"
        )
        drawing = draw(person(), outfit, random_style(rng), scene)
        solid = drawing.figure[..., 3] == 255
        assert near(drawing.rgb, COLOURS["blue"], 110.0)[solid].mean() > 0.05
        assert near(drawing.rgb, COLOURS["red"], 110.0)[solid].mean() > 0.03
        assert {"sweater", "blue_sweater", "skirt", "red_skirt"} <= set(drawing.tags)


@pytest.mark.parametrize("name", list(BACKGROUNDS))
def test_each_background_fills_its_picture(name: str) -> None:
    for busy in (False, True):
        picture = paint_background(name, (150, 90), 4, busy)
        assert picture.shape == (90, 150, 3) and picture.dtype == np.uint8
        assert np.array_equal(picture, paint_background(name, (150, 90), 4, busy))
    if name != "white":
        assert not np.array_equal(picture, paint_background(name, (150, 90), 5, True))


@pytest.mark.parametrize("seed", range(24))
def test_distractors_have_a_silhouette(seed: int) -> None:
    thing = random_distractor(np.random.default_rng(seed), 64)
    assert thing.shape == (64, 64, 4) and thing.dtype == np.uint8
    assert 0.02 < (thing[..., 3] > 127).mean() < 0.95
    assert np.array_equal(thing, random_distractor(np.random.default_rng(seed), 64))


@pytest.mark.parametrize(
    "change",
    [
        {"greyscale": True},
        {"outline": "white"},
        {"shading": "sketch", "line_kind": "black"},
        {"shading": "painterly"},
        {"grain": 6.0},
        {"rim": 0.8},
        {"hue": 0.3},
    ],
)
def test_style_options_change_the_picture(change: dict[str, object]) -> None:
    plain = draw(person(), PLAIN, flat_style(), still())
    other = draw(person(), PLAIN, flat_style(**change), still())
    assert not np.array_equal(plain.figure, other.figure)
    if "greyscale" in change:
        seen = other.figure[other.figure[..., 3] > 0]
        assert (seen[:, 0] == seen[:, 1]).all() and "greyscale" in other.tags
    if "outline" in change:  # the border belongs to the figure
        assert (other.figure[..., 3] > 127).sum() > (plain.figure[..., 3] > 127).sum()


def test_outfits_show_at_least_two_garments() -> None:
    for seed in range(60):
        outfit = random_outfit(np.random.default_rng(seed))
        if outfit.garments[0].tag != "one-piece_swimsuit":
            assert len(outfit.garments) >= 2
        assert all(g.colour in COLOURS for g in outfit.garments)
        assert outfit.garments[0].tag in TOPS
