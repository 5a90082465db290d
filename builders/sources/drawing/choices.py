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

# How often each kind of hair is drawn.
_GIRL_TAILS = {
    "none": 9.0,
    "twintails": 2.0,
    "low_twintails": 0.8,
    "ponytail": 1.6,
    "side_ponytail": 0.8,
    "braid": 0.7,
    "twin_braids": 0.8,
    "bun": 0.6,
    "double_bun": 0.6,
}
_GIRL_BACKS = {"straight": 4, "wavy": 2.5, "curly": 0.8, "flared": 1, "spiky": 0.5, "bob": 1}
_BOY_BACKS = {"spiky": 2, "straight": 2, "curly": 0.5}
_GIRL_FRINGES = {
    "straight": 3.0,
    "parted": 2.0,
    "swept": 2.0,
    "spiky": 2.0,
    "curtain": 1.2,
    "tousled": 2.0,
    "long": 0.1,
    "none": 0.5,
}
_BOY_FRINGES = {"spiky": 3, "tousled": 3, "parted": 1, "swept": 2, "none": 0.2}
_GIRL_LENGTHS = {"short": 1, "bob": 3, "medium": 3, "long": 5, "very_long": 1.5}
_ORNAMENTS = {
    "hairband": 2.0,
    "hair_ribbon": 1.5,
    "hair_bow": 1.5,
    "hairclip": 1.0,
    "hair_flower": 0.7,
    "beret": 0.6,
    "hat": 0.5,
    "witch_hat": 0.15,
    "baseball_cap": 0.3,
    "santa_hat": 0.1,
    "crown": 0.1,
}
_KINDS = {
    "shirt": 3.0,
    "casual": 3.0,
    "serafuku": 2.0,
    "blazer": 2.0,
    "dress": 3.0,
    "maid": 1.0,
    "kimono": 0.8,
    "cardigan": 1.6,
    "coat": 0.8,
    "swim": 0.2,
}
_PLACES = {
    "white": 3.0,
    "plain": 2.0,
    "gradient": 2.0,
    "sky": 1.0,
    "meadow": 1.2,
    "street": 1.2,
    "room": 1.4,
    "classroom": 0.9,
    "bokeh": 1.0,
    "painted": 0.8,
    "stripes": 0.7,
    "dots": 0.7,
    "hatch": 0.3,
}
_SKIRTS = {"pleated_skirt": 3, "skirt": 2, "miniskirt": 1, "long_skirt": 1.2, "high-waist_skirt": 0.8}
_NECKS = {"necktie": 1, "bowtie": 1, "neck_ribbon": 1}


def _shake(rng: np.random.Generator, c: Rgb, amount: float) -> Rgb:
    return hsv_shift(
        c,
        float(rng.normal(0, 0.012 * amount)),
        float(rng.uniform(1 - 0.12 * amount, 1 + 0.1 * amount)),
        float(rng.uniform(1 - 0.08 * amount, 1 + 0.05 * amount)),
    )


def _hair(rng: np.random.Generator) -> Rgb:
    return list(HAIR_COLOURS.values())[int(rng.integers(len(HAIR_COLOURS)))]


def _random_skin(rng: np.random.Generator, wild: bool) -> Rgb:
    """Mostly fair, as in the drawings these stand for; `wild` adds elves, ghosts and demons."""
    if wild and rng.random() < 0.06:
        return hsv_shift((255, 120, 120), float(rng.random()), float(rng.uniform(0.1, 0.6)), float(rng.uniform(0.6, 1)))
    shares = [0.25, 0.22, 0.2, 0.15, 0.08, 0.06, 0.04] if wild else [0.22, 0.26, 0.26, 0.16, 0.07, 0.03, 0]
    return _SKINS[int(rng.choice(len(_SKINS), p=shares))]


def random_character(rng: np.random.Generator, wild: bool = False) -> Character:
    """A person. Same generator state, same person."""
    u = rng.uniform
    boy = bool(rng.random() < (0.2 if wild else 0.12))
    hair = list(HAIR_COLOURS)[int(rng.integers(len(HAIR_COLOURS)))]
    eye = list(EYE_COLOURS)[int(rng.integers(len(EYE_COLOURS) - 2))]
    length = pick(rng, {"short": 6, "bob": 1} if boy else _GIRL_LENGTHS)
    tails = "none" if boy else pick(rng, _GIRL_TAILS)
    reach = float(u(*_LENGTHS[length]))
    if tails in ("twintails", "ponytail", "bun", "double_bun", "twin_braids", "low_twintails"):
        reach = float(u(0.7, 1.1)) if tails in ("bun", "double_bun") else float(u(2.0, 4.5))
    rgb = _shake(rng, HAIR_COLOURS[hair], 2.5 if wild else 1)
    if wild and rng.random() < 0.15:
        rgb = hsv_shift((255, 0, 0), float(rng.random()), float(u(0, 0.9)), float(u(0.15, 1)))
    k = 1.0 if not wild else 1.7
    return Character(
        gender="boy" if boy else "girl",
        hair_colour=hair,
        hair_rgb=rgb,
        hair_tip=mix(rgb, _hair(rng), 0.7) if rng.random() < (0.2 if wild else 0.08) else None,
        hair_length=reach,
        hair_back=pick(rng, _BOY_BACKS if boy else _GIRL_BACKS),
        hair_tails=tails,
        fringe=pick(rng, _BOY_FRINGES if boy else _GIRL_FRINGES),
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
        skin=_random_skin(rng, wild),
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
    kind = pick(rng, {**_KINDS, "swim": 0.5} if wild else _KINDS)
    main = _cloth(rng)
    makers = {
        "shirt": _smart,
        "blazer": _smart,
        "serafuku": _smart,
        "casual": _casual,
        "cardigan": _casual,
        "coat": _casual,
    }
    return Outfit(tuple(makers.get(kind, _one_piece)(rng, kind, main) + _extras(rng, kind, wild)))


def _smart(rng: np.random.Generator, kind: str, main: str) -> list[Garment]:
    """Shirts with something at the neck, and the two school uniforms."""
    bottom, accent = _cloth(rng, dark=True, avoid=(main,)), _cloth(rng, avoid=(main,))
    if kind == "serafuku":
        navy = _cloth(rng, dark=True, avoid=("white",))
        return [
            Garment("serafuku", "white" if rng.random() < 0.75 else main),
            Garment("pleated_skirt", navy),
            Garment("sailor_collar", navy),
            Garment("neckerchief", _cloth(rng, avoid=(navy, "white"))),
        ]
    if kind == "blazer":
        return [
            Garment("shirt", "white"),
            Garment(pick(rng, {"pleated_skirt": 4, "pants": 1}), bottom),
            Garment("blazer", _cloth(rng, dark=True, avoid=("white",))),
            Garment(pick(rng, _NECKS), accent),
        ]
    top = Garment(pick(rng, {"shirt": 2, "blouse": 1}), _cloth(rng, light=True, avoid=(bottom,)))
    parts = [top, Garment(pick(rng, {pick(rng, _SKIRTS): 3, "pants": 1, "shorts": 0.6}), bottom)]
    if rng.random() < 0.6:
        parts.append(Garment(pick(rng, _NECKS), accent))
    if rng.random() < 0.25:
        parts.append(Garment("vest", _cloth(rng, dark=True, avoid=(top.colour,))))
    return parts


def _casual(rng: np.random.Generator, kind: str, main: str) -> list[Garment]:
    """T-shirts and knitwear, with or without something over them."""
    bottom, accent = _cloth(rng, dark=True, avoid=(main,)), _cloth(rng, avoid=(main,))
    skirt = pick(rng, _SKIRTS)
    if kind == "cardigan":
        return [
            Garment(pick(rng, {"shirt": 1, "tank_top": 1, "t-shirt": 1}), _cloth(rng, light=True, avoid=(main,))),
            Garment(skirt, bottom),
            Garment(pick(rng, {"cardigan": 2, "jacket": 1.4}), main),
        ]
    if kind == "coat":
        inner = Garment("sweater", _cloth(rng, avoid=(main,)))
        parts = [inner, Garment(pick(rng, {"pants": 1, skirt: 1}), bottom), Garment("coat", main)]
        return [*parts, Garment("scarf", accent)] if rng.random() < 0.5 else parts
    top = Garment(pick(rng, {"t-shirt": 1, "sweater": 1.3, "hoodie": 1, "tank_top": 0.6}), main)
    parts = [top, Garment(pick(rng, {skirt: 2, "pants": 1, "jeans": 0.7, "shorts": 1}), bottom)]
    return [*parts, Garment(pick(rng, {"scarf": 1, "choker": 1}), accent)] if rng.random() < 0.3 else parts


def _one_piece(rng: np.random.Generator, kind: str, main: str) -> list[Garment]:
    """Dresses, the maid's uniform, kimono, swimsuit."""
    accent = _cloth(rng, avoid=(main,))
    if kind == "maid":
        dress = Garment("maid_dress", _cloth(rng, dark=True, avoid=("white",)))
        return [dress, Garment("apron", "white"), Garment("maid_headdress", "white"), Garment("bowtie", accent)]
    if kind == "kimono":
        return [Garment("kimono", main), Garment("sash", accent)]
    if kind == "swim":
        return [Garment("one-piece_swimsuit", main)]
    parts = [Garment(pick(rng, {"dress": 3, "sundress": 2, "long_dress": 1.2}), main)]
    if rng.random() < 0.4:
        parts.append(Garment("belt", accent))
    if rng.random() < 0.5:
        parts.append(Garment(pick(rng, {"neck_ribbon": 1, "choker": 1, "bowtie": 0.6}), accent))
    return parts


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
    if kind != "maid" and rng.random() < 0.6:
        tag = pick(rng, _ORNAMENTS)
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
    crops = {"full_body": 2.5, "cowboy_shot": 3, "upper_body": 3, "portrait": 0.8}
    framing = pick(rng, {**crops, "portrait": 1.5, "lower_body": 0.12} if wild else crops)
    w, h = (
        (int(rng.choice([320, 384, 448])), int(rng.choice([448, 512])))
        if framing != "portrait"
        else (384, int(rng.choice([384, 448])))
    )
    if wild and rng.random() < 0.3:
        w, h = int(rng.integers(256, 520)), int(rng.integers(288, 560))
    places = dict(_PLACES)
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
