"""Random people, clothes and scenes. `wild` is for training: breadth over beauty."""

from __future__ import annotations

import numpy as np

from builders.sources.drawing.head import EXPRESSIONS
from builders.sources.drawing.model import COLOURS, EYE_COLOURS, HAIR_COLOURS, Character, Garment, Outfit, Rgb, Scene
from builders.sources.drawing.shapes import hsv_shift, mix
from builders.sources.drawing.skeleton import ARMS, LEGS
from builders.sources.drawing.styles import pick

_SKINS: tuple[Rgb, ...] = (
    (255, 245, 236),
    (255, 236, 222),
    (254, 226, 206),
    (250, 214, 190),
    (236, 190, 158),
    (196, 142, 108),
    (140, 96, 74),
)
_LENGTHS = {"short": (0.7, 1.1), "bob": (1.15, 1.6), "medium": (1.7, 2.6), "long": (3.2, 5.0), "very_long": (5.5, 8.5)}


def _shake(rng: np.random.Generator, c: Rgb, amount: float) -> Rgb:
    return hsv_shift(
        c,
        float(rng.normal(0, 0.012 * amount)),
        float(rng.uniform(1 - 0.12 * amount, 1 + 0.1 * amount)),
        float(rng.uniform(1 - 0.08 * amount, 1 + 0.05 * amount)),
    )


def random_character(rng: np.random.Generator, wild: bool = False) -> Character:
    """A person. Same generator state, same person."""
    u = rng.uniform
    boy = bool(rng.random() < (0.2 if wild else 0.12))
    hair = list(HAIR_COLOURS)[int(rng.integers(len(HAIR_COLOURS)))]
    eye = list(EYE_COLOURS)[int(rng.integers(len(EYE_COLOURS) - 2))]
    length = pick(
        rng, {"short": 6, "bob": 1} if boy else {"short": 1, "bob": 3, "medium": 3, "long": 5, "very_long": 1.5}
    )
    tails = (
        "none"
        if boy
        else pick(
            rng,
            {
                "none": 9,
                "twintails": 2,
                "low_twintails": 0.8,
                "ponytail": 1.6,
                "side_ponytail": 0.8,
                "braid": 0.7,
                "twin_braids": 0.8,
                "bun": 0.6,
                "double_bun": 0.6,
            },
        )
    )
    reach = float(u(*_LENGTHS[length]))
    if tails in ("twintails", "ponytail", "bun", "double_bun", "twin_braids", "low_twintails"):
        reach = float(u(0.7, 1.1)) if tails in ("bun", "double_bun") else float(u(2.0, 4.5))
    rgb = _shake(rng, HAIR_COLOURS[hair], 2.5 if wild else 1)
    if wild and rng.random() < 0.15:
        rgb = hsv_shift((255, 0, 0), float(rng.random()), float(u(0, 0.9)), float(u(0.15, 1)))
    skin = _SKINS[
        int(
            rng.choice(
                7, p=[0.25, 0.22, 0.2, 0.15, 0.08, 0.06, 0.04] if wild else [0.22, 0.26, 0.26, 0.16, 0.07, 0.03, 0]
            )
        )
    ]
    if wild and rng.random() < 0.06:
        skin = hsv_shift((255, 120, 120), float(rng.random()), float(u(0.1, 0.6)), float(u(0.6, 1)))
    k = 1.0 if not wild else 1.7
    back = (
        pick(rng, {"spiky": 2, "straight": 2, "curly": 0.5})
        if boy
        else pick(rng, {"straight": 4, "wavy": 2.5, "curly": 0.8, "flared": 1, "spiky": 0.5, "bob": 1})
    )
    return Character(
        gender="boy" if boy else "girl",
        hair_colour=hair,
        hair_rgb=rgb,
        hair_tip=mix(rgb, list(HAIR_COLOURS.values())[int(rng.integers(len(HAIR_COLOURS)))], 0.7)
        if rng.random() < (0.2 if wild else 0.08)
        else None,
        hair_length=reach,
        hair_back=back,
        hair_tails=tails,
        fringe=pick(
            rng,
            {"spiky": 3, "tousled": 3, "parted": 1, "swept": 2, "none": 0.2}
            if boy
            else {
                "straight": 3,
                "parted": 2,
                "swept": 2,
                "spiky": 2,
                "curtain": 1.2,
                "tousled": 2,
                "long": 0.5 if wild else 0.1,
                "none": 0.5,
            },
        ),
        fringe_length=float(u(-0.12, 0.14) if not wild else u(-0.35, 0.28)),
        side_locks=0.0
        if boy and rng.random() < 0.6
        else float(rng.choice([0.0, u(0.6, 1.2), u(1.2, 3.2)], p=[0.2, 0.45, 0.35])),
        hair_volume=float(u(0.14, 0.34) if not wild else u(0.06, 0.6)),
        ahoge=bool(rng.random() < 0.25),
        eye_colour=eye,
        eye_rgb=_shake(rng, EYE_COLOURS[eye], 2 if wild else 1),
        eye_slant=float(u(-0.8, 0.9)),
        eye_width=float(np.clip(rng.normal(0.285, 0.018 * k), 0.2, 0.36)) * (0.92 if boy else 1),
        eye_height=float(np.clip(rng.normal(0.3, 0.03 * k), 0.17, 0.42)) * (0.78 if boy else 1),
        eye_gap=float(np.clip(rng.normal(0.45, 0.02 * k), 0.38, 0.54)),
        skin=skin,
        chin=float(np.clip(rng.normal(1.16, 0.05 * k) + (0.06 if boy else 0), 0.92, 1.4)),
        jaw=float(np.clip(rng.normal(0.3, 0.25 * k), -0.2, 1.1)),
        bust=0.0 if boy else float(u(0.1, 0.9)),
        ears=pick(rng, {"human": 12, "cat": 1.2, "fox": 0.5, "rabbit": 0.4, "elf": 0.7}),
        mole=bool(rng.random() < 0.06),
        seed=int(rng.integers(1 << 30)),
    )


def _cloth(rng: np.random.Generator, *, dark: bool = False, light: bool = False, avoid: tuple[str, ...] = ()) -> str:
    weights = dict.fromkeys(COLOURS, 1.0)
    if dark:
        weights.update(black=4, blue=3, brown=2, grey=2, yellow=0.2, orange=0.2)
    if light:
        weights.update(white=6, pink=1.5, yellow=1.2, black=0.6)
    for name in avoid:
        weights[name] = 0.0
    return pick(rng, weights)


def random_outfit(rng: np.random.Generator, wild: bool = False) -> Outfit:
    """Clothes that go together, at least two of them plainly visible, innermost first."""
    kind = pick(
        rng,
        {
            "shirt": 3,
            "casual": 3,
            "serafuku": 2,
            "blazer": 2,
            "dress": 3,
            "maid": 1,
            "kimono": 0.8,
            "cardigan": 1.6,
            "coat": 0.8,
            "swim": 0.5 if wild else 0.2,
        },
    )
    parts: list[Garment] = []
    main = _cloth(rng)
    bottom = _cloth(rng, dark=True, avoid=(main,))
    accent = _cloth(rng, avoid=(main,))
    skirt = pick(rng, {"pleated_skirt": 3, "skirt": 2, "miniskirt": 1, "long_skirt": 1.2, "high-waist_skirt": 0.8})
    if kind == "shirt":
        parts = [
            Garment(pick(rng, {"shirt": 2, "blouse": 1}), _cloth(rng, light=True, avoid=(bottom,))),
            Garment(pick(rng, {skirt: 3, "pants": 1, "shorts": 0.6}), bottom),
        ]
        parts += (
            [Garment(pick(rng, {"necktie": 1, "bowtie": 1, "neck_ribbon": 1}), accent)] if rng.random() < 0.6 else []
        )
        parts += [Garment("vest", _cloth(rng, dark=True, avoid=(parts[0].colour,)))] if rng.random() < 0.25 else []
    elif kind == "casual":
        parts = [
            Garment(pick(rng, {"t-shirt": 1, "sweater": 1.3, "hoodie": 1, "tank_top": 0.6}), main),
            Garment(pick(rng, {skirt: 2, "pants": 1, "jeans": 0.7, "shorts": 1}), bottom),
        ]
        parts += [Garment(pick(rng, {"scarf": 1, "choker": 1}), accent)] if rng.random() < 0.3 else []
    elif kind == "serafuku":
        navy = _cloth(rng, dark=True, avoid=("white",))
        parts = [
            Garment("serafuku", "white" if rng.random() < 0.75 else main),
            Garment("pleated_skirt", navy),
            Garment("sailor_collar", navy),
            Garment("neckerchief", _cloth(rng, avoid=(navy, "white"))),
        ]
    elif kind == "blazer":
        parts = [
            Garment("shirt", "white"),
            Garment(pick(rng, {"pleated_skirt": 4, "pants": 1}), bottom),
            Garment("blazer", _cloth(rng, dark=True, avoid=("white",))),
            Garment(pick(rng, {"necktie": 1, "bowtie": 1, "neck_ribbon": 1}), accent),
        ]
    elif kind == "dress":
        parts = [Garment(pick(rng, {"dress": 3, "sundress": 2, "long_dress": 1.2}), main)]
        parts += [Garment("belt", accent)] if rng.random() < 0.4 else []
        parts += (
            [Garment(pick(rng, {"neck_ribbon": 1, "choker": 1, "bowtie": 0.6}), accent)] if rng.random() < 0.5 else []
        )
    elif kind == "maid":
        parts = [
            Garment("maid_dress", _cloth(rng, dark=True, avoid=("white",))),
            Garment("apron", "white"),
            Garment("maid_headdress", "white"),
            Garment("bowtie", accent),
        ]
    elif kind == "kimono":
        parts = [Garment("kimono", main), Garment("sash", accent)]
    elif kind == "cardigan":
        parts = [
            Garment(pick(rng, {"shirt": 1, "tank_top": 1, "t-shirt": 1}), _cloth(rng, light=True, avoid=(main,))),
            Garment(skirt, bottom),
            Garment(pick(rng, {"cardigan": 2, "jacket": 1.4}), main),
        ]
    elif kind == "coat":
        parts = [
            Garment("sweater", _cloth(rng, avoid=(main,))),
            Garment(pick(rng, {"pants": 1, skirt: 1}), bottom),
            Garment("coat", main),
        ]
        parts += [Garment("scarf", accent)] if rng.random() < 0.5 else []
    else:
        parts = [Garment("one-piece_swimsuit", main)]
    return Outfit(tuple(parts + _extras(rng, kind, wild)))


def _extras(rng: np.random.Generator, kind: str, wild: bool) -> list[Garment]:
    out = []
    if kind != "swim":
        legs = pick(rng, {"thighhighs": 2.5, "kneehighs": 1.5, "socks": 2, "pantyhose": 1.2, "none": 1.5})
        if legs != "none" and kind != "kimono":
            out.append(
                Garment(
                    legs,
                    pick(
                        rng, {"black": 4, "white": 3, "grey": 0.6, "brown": 0.6, "blue": 0.6, "pink": 0.3, "red": 0.3}
                    ),
                )
            )
        out.append(
            Garment(
                pick(rng, {"shoes": 2, "loafers": 1, "sneakers": 1.2, "boots": 1.5}),
                pick(rng, {"black": 3, "brown": 3, "white": 1, "red": 1, "blue": 0.6, "pink": 0.5}),
            )
        )
    taken = ("maid_headdress",) if kind == "maid" else ()
    if not taken and rng.random() < 0.6:
        tag = pick(
            rng,
            {
                "hairband": 2,
                "hair_ribbon": 1.5,
                "hair_bow": 1.5,
                "hairclip": 1,
                "hair_flower": 0.7,
                "beret": 0.6,
                "hat": 0.5,
                "witch_hat": 0.15,
                "baseball_cap": 0.3,
                "santa_hat": 0.1,
                "crown": 0.1,
            },
        )
        out.append(Garment(tag, _cloth(rng)))
    if rng.random() < (0.25 if wild else 0.14):
        out.append(
            Garment("glasses", pick(rng, {"black": 3, "red": 1, "brown": 1, "blue": 0.5, "grey": 0.6, "purple": 0.3}))
        )
    if rng.random() < 0.07:
        out.append(Garment("gloves", pick(rng, {"white": 2, "black": 2, "red": 1, "brown": 0.6})))
    return out


def random_scene(rng: np.random.Generator, wild: bool = False) -> Scene:
    """A pose, a mood, a crop and a place."""
    u = rng.uniform
    framing = pick(
        rng,
        {
            "full_body": 2.5,
            "cowboy_shot": 3,
            "upper_body": 3,
            "portrait": 1.5 if wild else 0.8,
            "lower_body": 0.12 if wild else 0.0,
        },
    )
    w, h = (
        (int(rng.choice([320, 384, 448])), int(rng.choice([448, 512])))
        if framing != "portrait"
        else (384, int(rng.choice([384, 448])))
    )
    if wild and rng.random() < 0.3:
        w, h = int(rng.integers(256, 520)), int(rng.integers(288, 560))
    places = {
        "white": 3,
        "plain": 2,
        "gradient": 2,
        "sky": 1,
        "meadow": 1.2,
        "street": 1.2,
        "room": 1.4,
        "classroom": 0.9,
        "bokeh": 1,
        "painted": 0.8,
        "stripes": 0.7,
        "dots": 0.7,
        "hatch": 0.3,
    }
    if wild:
        places.update(clutter=1.5, meadow=2, street=2, room=2, classroom=1.5, white=2, hatch=0.8)
    turn = float(np.clip(rng.normal(0, 17 if not wild else 24), -50, 50))
    if wild and rng.random() < 0.05:
        turn = float(rng.choice([-1, 1]) * u(60, 85))
    # expressions that show the eyes are the common ones
    mood = {name: (1.0 if name not in ("smile", "light_smile", "neutral") else 3.0) for name in EXPRESSIONS}
    poses = {name: (1.0 if name != "arms_down" else 3.0) for name in ARMS}
    if not wild:
        poses.update(hands_on_own_cheeks=0.2, outstretched_arms=0.4)
    return Scene(
        arms=pick(rng, poses),
        legs=LEGS[int(rng.integers(len(LEGS)))],
        lean=float(rng.normal(0, 3 if not wild else 6)),
        turn=turn,
        tilt=float(np.clip(rng.normal(0, 5 if not wild else 11), -28, 28)),
        expression=pick(rng, mood),
        gaze=float(np.clip(rng.normal(0, 0.4), -1, 1)),
        framing=framing,
        background=pick(rng, places),
        from_behind=bool(wild and rng.random() < 0.05),
        size=(w, h),
        mirrored=bool(rng.random() < 0.3),
        zoom=float(u(0.95, 1.05) if not wild else u(0.7, 1.25)),
        shift=(float(rng.normal(0, 0.03 if not wild else 0.08)), float(u(0, 0.04) if not wild else u(-0.06, 0.1))),
        eye_cover=bool(rng.random() < (0.06 if wild else 0.015)),
        seed=int(rng.integers(1 << 30)),
        busy=bool(wild and rng.random() < 0.6),
    )
