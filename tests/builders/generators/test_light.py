import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
import pytest

from builders.generators import Generator, Request
from builders.generators.light import Light
from builders.generators.light.geometry import Part, box
from builders.generators.light.outlines import filling
from builders.generators.light.pigments import named
from builders.generators.light.scenes import place_of, scene
from builders.generators.light.words import Table
from builders.prompting.pools import read_pools
from schemas.dreambench import SUBJECTS
from schemas.errors import UsageError

DOG = {"style": "a photo of", "body": "lanky", "skin": "golden", "emotion": "happy", "motion": "a $concept in a park"}


CLASSES = sorted({one.class_name for one in SUBJECTS.values() if one.kind == "object"})
TEXTURES, SHAPES, MOODS = map(Table.read, ("textures", "shapes", "moods"))
POOLS = {kind: read_pools(kind, form) for kind, form in (("object", "static"), ("animal", "living"),
                                                         ("person", "living"))}


def draw(class_name="backpack", seed=4, size=128, **parts):
    text = " ".join([*parts.values(), class_name])
    return Light(size)([Request(parts, class_name, text, seed)])[0]


def differing(one, other, by=0):
    return np.abs(one.astype(int) - other).max(axis=2) > by


def region(class_name="backpack", seed=4, size=128, **parts):
    """Where the pigment is: all that changes between a red and a blue thing."""
    key = "skin" if "motion" in parts or "body" in parts else "color"
    return differing(*(draw(class_name, seed, size, **parts, **{key: ink}) for ink in ("red", "blue")), by=12)


def bounds(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def aspect(mask):
    x0, y0, x1, y1 = bounds(mask)
    return (x1 - x0) / (y1 - y0)


def grown(mask, by=6):
    return np.any([np.roll(mask, (dy, dx), (0, 1)) for dy in range(-by, by + 1) for dx in (-by, 0, by)], axis=0)


def test_it_is_a_generator_and_says_what_it_is():
    light = Light()
    assert isinstance(light, Generator)
    assert (light.name, light.size) == ("light", 256)
    assert light.provenance["backend"] == "light" and light.provenance["licence"] == "Apache-2.0"
    assert light.identity == Light(256).identity != Light(128).identity


@pytest.mark.parametrize("size", [64, 100, 256, 512])
def test_pictures_are_square_rgb(size):
    picture = draw(size=size)
    assert picture.shape == (size, size, 3) and picture.dtype == np.uint8


@pytest.mark.parametrize("size", [0, 63, 1025])
def test_other_sizes_are_refused(size):
    with pytest.raises(UsageError, match=rf"{size}.*64 to 1024"):
        Light(size)


def test_a_picture_depends_on_nothing_but_its_request():
    requests = [Request({"color": "red", "texture": texture, "style": style, "background": "by a river at night"}, name,
                        "text", seed) for seed, (name, texture, style) in enumerate(
        [("vase", "furry", "an oil painting of"), ("cat", "cracked", "a mosaic of"), ("zorb", "blorpy", "a vlim of")])]
    alone = [Light(64)([one])[0] for one in requests]
    together = Light(64)(requests[::-1])[::-1]
    with ThreadPoolExecutor(3) as pool:
        threaded = list(pool.map(lambda one: Light(64)([one])[0], requests))
    for one, two, three in zip(alone, together, threaded, strict=True):
        assert np.array_equal(one, two) and np.array_equal(one, three)
    code = (f"from builders.generators import Request; from builders.generators.light import Light; import hashlib\n"
            f"requests = {[tuple(one) for one in requests]!r}\n"
            "made = Light(64)([Request(*one) for one in requests])\n"
            "print(hashlib.sha256(b''.join(one.tobytes() for one in made)).hexdigest())")
    here = hashlib.sha256(b"".join(one.tobytes() for one in alone)).hexdigest()
    for salt in ("1", "2"):
        there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                               env={"PYTHONHASHSEED": salt, "PYTHONPATH": ":".join(sys.path)})
        assert there.stdout.strip() == here


def test_the_seed_moves_what_the_words_leave_open():
    masks = [region(seed=seed) for seed in (1, 2, 3)]
    assert len({bounds(one) for one in masks}) == 3


@pytest.mark.parametrize(("ink", "high", "low"), [
    ("red", (0,), (1, 2)), ("lime green", (1,), (0, 2)), ("blue", (2,), (0, 1)), ("yellow", (0, 1), (2,)),
    ("magenta", (0, 2), (1,)), ("cyan", (1, 2), (0,)), ("dark red", (0,), (1, 2))])
@pytest.mark.parametrize("class_name", ["backpack", "teapot", "wolf plushie", "sneaker"])
def test_the_pigment_is_the_colour_said(class_name, ink, high, low):
    typical = np.median(draw(class_name, color=ink)[region(class_name)], axis=0)
    assert min(typical[list(high)]) > max(typical[list(low)]) + 40


def test_dark_pale_black_and_white_are_what_they_say():
    mask = region()
    inks = ("black", "dark blue", "blue", "pale blue", "white")
    light = {ink: np.median(draw(color=ink)[mask].mean(axis=1)) for ink in inks}
    assert sorted(light, key=light.__getitem__) == list(light)
    assert light["black"] < 70 and light["white"] > 200


def test_colour_changes_the_thing_alone():
    mask = region()
    assert 0.06 < mask.mean() < 0.5 and bounds(mask)[3] > 100, "it stands on the ground"
    assert not differing(draw(color="green"), draw(color="orange"))[~grown(mask)].any()


@pytest.mark.parametrize("class_name", ["backpack", "vase", "drink can", "robot toy"])
def test_shape_words_bend_the_silhouette(class_name):
    plain, tall, flat, wide, slender = (aspect(region(class_name, shape=one))
                                        for one in ("", "tall", "flat", "wide", "slender"))
    assert tall < 0.8 * plain and slender < 0.8 * plain and flat > 1.4 * plain and wide > 1.2 * plain


def test_shapes_fill_their_box_as_they_should():
    def filled(shape):
        mask = region("drink can", shape=shape)
        x0, y0, x1, y1 = bounds(mask)
        box = mask[y0:y1, x0:x1]
        third = len(box) // 3
        return box[:third].sum(axis=1).mean() / box[-third:].sum(axis=1).mean()

    assert filled("cone-shaped") < 0.55 < 0.8 < filled("boxy") < 1.3 < filled("funnel-shaped")


@pytest.mark.parametrize(("shape", "arms"), [("star", 5), ("cross", 4), ("snowflake", 6)])
def test_figures_have_their_arms(shape, arms):
    (filled,) = filling([Part(box(-1, -1, 1, 1, 0.3), "main")], shape)
    out = filled.points - (filled.points.min(axis=0) + np.ptp(filled.points, axis=0) * (0.5, 0.53))
    far = np.hypot(*out[np.argsort(np.arctan2(out[:, 1], out[:, 0]))].T)
    outside = far > 0.8 * far.max()
    assert (outside & ~np.roll(outside, 1)).sum() == arms
    assert filled.points[:, 1].max() == pytest.approx(1), "it stands on the ground"


def test_figures_look_unlike_each_other():
    masks = [region("drink can", shape=f"{one}-shaped") for one in ("star", "cross", "snowflake", "arrow", "heart",
                                                                    "horseshoe", "crescent")]
    assert max((one & other).sum() / (one | other).sum() for at, one in enumerate(masks) for other in masks[:at]) < 0.75


def test_a_horseshoe_is_open_below_a_crescent_at_the_side_and_an_arrow_is_broad_above():
    shoe, moon, arrow = (region(shape=one, size=256) for one in ("horseshoe-shaped", "crescent-shaped", "arrow-shaped"))
    (x0, y0, x1, y1), middle = bounds(shoe), lambda a, b: (a + b) // 2
    assert not shoe[y1 - 8, middle(x0, x1)] and shoe[y1 - 20:y1, x0:middle(x0, x1)].any()
    x0, y0, x1, y1 = bounds(moon)
    halves = moon[middle(y0, y1), x0:x1]
    assert halves.any() and halves[:len(halves) // 2].sum() != halves[len(halves) // 2:].sum()
    x0, y0, x1, y1 = bounds(arrow)
    assert np.ptp(np.flatnonzero(arrow[middle(y0, y1)])) > 1.6 * np.ptp(np.flatnonzero(arrow[y1 - 10]))


def test_a_word_for_a_part_colours_that_part_alone():
    marked, black = (draw("wolf", skin=one, motion="a $concept sitting in a park", size=256).astype(int)
                     for one in ("white-chested black", "black"))
    light = (marked.min(axis=2) > 170) & differing(marked, black, by=60)
    assert 0.005 < light.mean() < 0.4 * region("wolf", motion="a $concept sitting in a park", size=256).mean()


def test_a_rainbow_has_many_hues_from_red_to_violet():
    mask = region(size=256)
    picture = draw(color="rainbow-colored", size=256).astype(int)
    _, y0, _, y1 = bounds(mask)
    colours = [np.median(picture[a:a + 8][mask[a:a + 8]], axis=0) for a in np.linspace(y0 + 6, y1 - 14, 6).astype(int)]
    assert [int(np.argmax(one)) for one in colours] == [0, 0, 0, 1, 2, 2]


def test_body_words_bend_animals():
    lanky, pudgy = (aspect(region("cat", motion="a $concept sitting", body=one)) for one in ("lanky", "pudgy"))
    assert lanky < 0.75 * pudgy
    small, huge = (region("cat", motion="a $concept sitting", body=one).sum() for one in ("tiny", "massive"))
    assert huge > 2 * small


@pytest.mark.parametrize("texture", ["striped", "polka-dotted", "woven", "cracked", "wooden", "metallic", "quilted"])
def test_texture_lies_on_the_thing_alone(texture):
    mask = region()
    changed = differing(draw(color="red"), draw(color="red", texture=texture), by=4)
    assert changed[mask].mean() > 0.1 and not changed[~grown(mask)].any()


def test_textures_look_unlike_each_other():
    inside = region()
    drawn = [draw(color="red", texture=one)[inside].astype(int) for one in
             ("striped", "polka-dotted", "knitted", "scaly", "cracked", "glossy", "wooden", "smooth")]
    apart = [np.abs(one - other).mean() for at, one in enumerate(drawn) for other in drawn[:at]]
    assert min(apart) > 3


def test_the_background_lies_behind():
    mask = region(background="on the grass")
    meadow, snow = (draw(color="red", background=one) for one in ("on the grass", "in the snow"))
    changed = differing(meadow, snow, by=4)
    assert changed[~grown(mask)].mean() > 0.6
    inner = ~grown(~mask, 3)
    assert inner.any() and not changed[inner].any()


@pytest.mark.parametrize(("background", "rows", "high"), [
    ("on the grass", slice(90, 128), 1), ("floating in the ocean", slice(80, 128), 2),
    ("in the desert", slice(90, 128), 0), ("in a meadow", slice(0, 30), 2), ("at sunset on a beach", slice(50, 60), 0)])
def test_places_have_their_colours(background, rows, high):
    typical = draw(background=background)[rows, :14].reshape(-1, 3).mean(axis=0)
    assert np.argmax(typical) == high and typical[high] > np.sort(typical)[1] + 8


def test_night_is_darker_than_day_and_snow_brighter_than_grass():
    said = ("on a street at night", "on a street", "in the snow", "on the grass")
    night, day, snow, grass = (draw(background=one)[:, :20].mean() for one in said)
    assert night < 0.75 * day and snow > 1.2 * grass


@pytest.mark.parametrize(("one", "other"), [("happy", "sad"), ("angry", "surprised"), ("sleepy", "frightened")])
@pytest.mark.parametrize("class_name", ["cat", "dog", "person"])
def test_emotion_changes_the_face_alone(class_name, one, other):
    drawn = [draw(class_name, motion="a $concept standing in a park", emotion=mood) for mood in (one, other)]
    changed = differing(*drawn, by=8)
    x0, y0, x1, y1 = bounds(changed)
    assert changed.sum() > 8 and (x1 - x0) * (y1 - y0) < 0.12 * changed.size


@pytest.mark.parametrize(("worn", "ink", "above"), [
    ("wearing a red hat", (200, 40, 50), True), ("in a purple wizard outfit", (110, 60, 160), True),
    ("wearing a yellow shirt", (230, 200, 30), False), ("wearing a blue scarf", (40, 90, 200), False)])
def test_clothes_are_worn(worn, ink, above):
    bare, dressed = (draw("dog", seed=6, skin="white", emotion="calm", motion=f"a $concept sitting {words} in a park")
                     for words in ("", worn))
    near = np.abs(dressed.astype(int) - ink).max(axis=2) < 60
    new = near & differing(bare, dressed, by=30)
    upper, lower = new[:45].sum(), new[45:].sum()
    assert upper > 40 if above else lower > 40 > upper


def test_a_surface_has_the_colour_said_before_it():
    white, blue = (draw(background=f"on top of a {ink} rug in a forest")[112:122, 18:32].reshape(-1, 3).mean(axis=0)
                   for ink in ("white", "blue"))
    assert white.min() > 150 and blue[2] > blue[0] + 40


def test_motion_sets_the_pose():
    lying, sitting = (region("cat", motion=f"a $concept {verb} in a park") for verb in ("sleeping", "sitting"))
    assert aspect(lying) > 1.4 * aspect(sitting)
    jumping, standing = (bounds(region("dog", motion=f"a $concept {verb} in a park"))[3]
                         for verb in ("jumping", "standing"))
    assert jumping < standing - 8


def test_a_black_and_white_photo_is_grey_and_a_sepia_one_brown():
    grey = draw(style="a black-and-white photo of", color="red").astype(int)
    assert np.ptp(grey, axis=2).max() <= 8
    sepia = draw(style="a sepia-toned photograph of", color="blue").astype(int)
    assert (sepia[..., 0] >= sepia[..., 1]).all() and (sepia[..., 1] >= sepia[..., 2]).all()


def test_styles_treat_the_whole_picture():
    plain = draw(color="red", style="a photo of")
    drawn = [draw(color="red", style=f"{one} of") for one in (
        "an oil painting", "a watercolor painting", "a pencil drawing", "a pixel art image", "a mosaic", "a blueprint",
        "a stained glass window", "a comic book panel", "a neon sign", "a low-poly render")]
    for one in drawn:
        assert differing(one, plain, by=6).mean() > 0.5
    apart = [np.abs(one.astype(int) - other).mean() for at, one in enumerate(drawn) for other in drawn[:at]]
    assert min(apart) > 8


def test_marks_of_single_styles():
    polaroid = draw(style="a polaroid of", background="on the grass")
    assert (polaroid[-12:] > 240).all() and not (polaroid[40:60, 20:100] > 240).all()
    blue = draw(style="a technical blueprint of").astype(int)
    assert (blue[..., 2] >= blue[..., 0]).all() and (blue[..., 2] > blue[..., 0] + 60).mean() > 0.6
    pixels = draw(style="a pixel art image of", size=256)
    blocks = pixels.reshape(64, 4, 64, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_classes_look_unlike_each_other():
    masks = [region(name) for name in CLASSES]
    overlaps = [(one & other).sum() / (one | other).sum() for at, one in enumerate(masks) for other in masks[:at]]
    assert max(overlaps) < 0.93


@pytest.mark.parametrize("class_name", ["bear plushie", "teddy bear plushie", "stuffed animal"])
def test_names_of_one_class_draw_alike(class_name):
    assert np.array_equal(draw(class_name, color="red", seed=7), draw("plushie", color="red", seed=7))


def test_an_unknown_word_has_a_look_of_its_own():
    for part in ("shape", "color", "texture", "background", "style"):
        assert differing(draw(**{part: "blorpy"}), draw(**{part: "quavish"})).any(), part
    for part in ("body", "skin", "emotion", "motion"):
        assert differing(draw("dog", **DOG | {part: "blorpy"}), draw("dog", **DOG | {part: "quavish"})).any(), part
    assert differing(draw("zorblax"), draw("flimbur")).mean() > 0.02


@pytest.mark.parametrize(("parts", "class_name", "seed"), [
    ({}, "", 0), ({}, "backpack", -5), ({}, "cat", 2**200), ({"motion": "$concept"}, "", 1),
    ({"skin": "😀"}, "né\u0301e 猫", 1), ({"shape": "x" * 5000, "color": "y" * 5000, "background": "z " * 5000}, "w"
                                        * 5000, 1),
    ({"style": "\x00\n"},
     "<&>\"'", 1), ({"texture": "   ", "emotion": " "}, "  cat  ", 1), ({"other": "thing"}, "vase", 1),
    ({"color": "\ud800"}, "vase", 1)])
def test_odd_input_still_gives_a_picture(parts, class_name, seed):
    picture = Light(64)([Request(parts, class_name, "", seed)])[0]
    assert picture.shape == (64, 64, 3) and picture.std() > 3


def test_no_requests_no_pictures():
    assert Light()([]) == []


@pytest.mark.parametrize(("kind", "part", "class_name"), [
    (kind, part, {"object": "teapot", "animal": "dog", "person": "person"}[kind])
    for kind, pools in POOLS.items() for part in pools.words if part not in ("background", "motion")])
def test_every_word_draws(kind, part, class_name):
    light = Light(64)
    for word in POOLS[kind].words[part]:
        assert light([Request({part: word}, class_name, word, 1)])[0].std() > 3


@pytest.mark.parametrize("family", ["photographic", "styled"])
def test_every_style_draws(family):
    for words in POOLS["object"].styles[family]:
        assert Light(64)([Request({"style": words, "color": "red"}, "teapot", words, 1)])[0].std() > 3


@pytest.mark.parametrize(("kind", "part"), [("object", "background"), ("animal", "motion"), ("person", "motion")])
def test_every_scene_draws(kind, part):
    for at, words in enumerate(POOLS[kind].words[part]):
        drawn = scene(words, 64, Random(at))
        assert drawn.backdrop.shape == (64, 64, 3) and drawn.backdrop.std() > 2


def test_most_packaged_words_are_known():
    def share(words, known):
        return sum(map(bool, map(known, words))) / len(words)

    words = POOLS["object"].words
    assert share(words["color"], named) > 0.95
    assert share(words["texture"], TEXTURES.first) > 0.95 and share(words["shape"], SHAPES.first) > 0.95
    assert share(words["background"], place_of) > 0.99
    for kind in ("animal", "person"):
        assert share(POOLS[kind].words["emotion"], MOODS.first) > 0.95
        assert share(POOLS[kind].words["motion"], place_of) > 0.99
