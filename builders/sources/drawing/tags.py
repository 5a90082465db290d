"""The Danbooru tags a drawing deserves."""

from __future__ import annotations

from builders.sources.drawing.backgrounds import BACKGROUNDS
from builders.sources.drawing.clothes import FOOTWEAR, LEGWEAR, SKIRTS, TROUSERS
from builders.sources.drawing.head import EXPRESSIONS
from builders.sources.drawing.model import Character, Garment, Outfit, Scene, Style
from builders.sources.drawing.ornaments import HEADWEAR

# What Danbooru's colour tag of a garment is called, where it is not the garment's own name.
NOUNS = {
    "blouse": "shirt",
    "t-shirt": "shirt",
    "serafuku": "shirt",
    "blazer": "jacket",
    "sundress": "dress",
    "long_dress": "dress",
    "maid_dress": "dress",
    "pleated_skirt": "skirt",
    "miniskirt": "skirt",
    "long_skirt": "skirt",
    "high-waist_skirt": "skirt",
    "jeans": "pants",
    "kneehighs": "socks",
    "shoes": "footwear",
    "boots": "footwear",
    "sneakers": "footwear",
    "loafers": "footwear",
    "neck_ribbon": "ribbon",
    "hair_ribbon": "ribbon",
    "hair_bow": "bow",
    "hairclip": "hairclip",
    "hair_flower": "flower",
    "beret": "headwear",
    "hat": "headwear",
    "witch_hat": "headwear",
    "baseball_cap": "headwear",
    "santa_hat": "headwear",
    "maid_headdress": "headwear",
}
_IMPLIED = {
    "serafuku": ("school_uniform", "sailor_collar"),
    "blazer": ("jacket",),
    "maid_dress": ("maid", "dress"),
    "sundress": ("dress",),
    "long_dress": ("dress",),
    "blouse": ("shirt",),
    "t-shirt": ("shirt",),
    "pleated_skirt": ("skirt",),
    "miniskirt": ("skirt",),
    "long_skirt": ("skirt",),
    "high-waist_skirt": ("skirt",),
    "jeans": ("pants",),
    "kneehighs": ("socks",),
    "kimono": ("japanese_clothes",),
    "one-piece_swimsuit": ("swimsuit",),
    "beret": ("hat",),
    "witch_hat": ("hat",),
    "baseball_cap": ("hat",),
    "santa_hat": ("hat",),
    "hair_ribbon": ("hair_ornament", "ribbon"),
    "hair_bow": ("hair_ornament", "bow"),
    "hairclip": ("hair_ornament",),
    "hair_flower": ("hair_ornament", "flower"),
    "neck_ribbon": ("ribbon",),
}
_MOODS = {
    "smile": ("smile", "closed_mouth"),
    "light_smile": ("light_smile", "closed_mouth"),
    "happy": ("smile", "open_mouth", "closed_eyes", "^_^"),
    "closed_smile": ("smile", "closed_eyes", "closed_mouth"),
    "grin": ("grin", "smile", "teeth"),
    "closed_grin": ("grin", "closed_eyes", "teeth"),
    "laughing": ("smile", "open_mouth"),
    "surprised": ("surprised", "open_mouth", "wide-eyed"),
    "sad": ("sad", "frown"),
    "angry": ("angry", "frown"),
    "shouting": ("angry", "open_mouth"),
    "embarrassed": ("embarrassed", "blush", "wavy_mouth"),
    "smug": ("smug", "smirk"),
    "wink": ("one_eye_closed", "open_mouth", "smile"),
    "sleepy": ("half-closed_eyes", "expressionless"),
    "closed_eyes": ("closed_eyes", "closed_mouth"),
    "pout": ("pout", "blush"),
    "cat": (":3", "smile"),
    "parted_lips": ("parted_lips",),
    "neutral": ("closed_mouth", "expressionless"),
}
_FRINGES = {
    "straight": ("blunt_bangs", "bangs"),
    "parted": ("parted_bangs", "bangs"),
    "swept": ("swept_bangs", "bangs"),
    "curtain": ("parted_bangs", "bangs"),
    "none": (),
}
_ARMS = {
    "arms_down": "arms_at_sides",
    "arms_apart": "spread_arms",
    "hands_clasped": "own_hands_clasped",
    "pointing": "pointing",
    "holding_book": "holding_book",
    "holding_bag": "holding_bag",
}


def visible(garment: Garment, scene: Scene) -> bool:
    """Whether the framing can show the garment at all."""
    if scene.framing in ("portrait", "upper_body") and garment.tag in (*FOOTWEAR, *LEGWEAR):
        return False
    if scene.framing == "cowboy_shot" and (garment.tag in FOOTWEAR or garment.tag in ("socks", "kneehighs")):
        return False
    if scene.framing == "portrait" and garment.tag in (*SKIRTS, *TROUSERS, "belt", "sash"):
        return False
    on_head = garment.tag in HEADWEAR or garment.tag.startswith(("hair", "maid_head", "glasses"))
    if scene.framing == "lower_body" and on_head:
        return False
    face_only = ("glasses", "necktie", "bowtie", "neck_ribbon", "neckerchief")
    return not (scene.from_behind and garment.tag in face_only)


def garment_tags(garment: Garment) -> list[str]:
    """The garment, what it implies, and its coloured tag."""
    if garment.tag == "glasses":
        return ["glasses", f"{garment.colour}-framed_eyewear"]
    noun = NOUNS.get(garment.tag, garment.tag)
    return [garment.tag, *_IMPLIED.get(garment.tag, ()), f"{garment.colour}_{noun}"]


def _hair_tags(c: Character) -> list[str]:
    length = "short_hair" if c.hair_length < 1.65 else "medium_hair" if c.hair_length < 2.8 else "long_hair"
    out = [f"{c.hair_colour}_hair" if c.hair_colour != "blonde" else "blonde_hair", length]
    out += ["very_long_hair"] if c.hair_length > 5.3 else []
    out += ["bob_cut"] if 1.1 < c.hair_length < 1.65 and c.hair_tails == "none" and c.gender == "girl" else []
    out += {"wavy": ["wavy_hair"], "curly": ["curly_hair"], "spiky": ["spiky_hair"]}.get(c.hair_back, [])
    out += [] if c.hair_tails == "none" else [{"bun": "hair_bun"}.get(c.hair_tails, c.hair_tails)]
    out += list(_FRINGES.get(c.fringe, ("bangs",)))
    out += ["sidelocks"] if c.side_locks > 1.2 else []
    out += ["ahoge"] if c.ahoge else []
    out += ["gradient_hair", "multicolored_hair"] if c.hair_tip else []
    return out


def tags_of(character: Character, outfit: Outfit, style: Style, scene: Scene) -> tuple[str, ...]:
    """General tags, without repeats, in a fixed order."""
    c = character
    out = ["1girl" if c.gender == "girl" else "1boy", "solo"]
    if scene.framing != "lower_body":
        out += _hair_tags(c)
        out += {"human": [], "elf": ["pointy_ears"]}.get(c.ears, ["animal_ears", f"{c.ears}_ears"])
        if scene.from_behind:
            out.append("from_behind")
        else:
            mood = _MOODS[scene.expression]
            closed = EXPRESSIONS[scene.expression][0] in ("happy", "shut")
            out += [] if closed else [f"{c.eye_colour}_eyes"]
            out += list(mood)
            out += ["looking_at_viewer"] if abs(scene.gaze) < 0.3 and abs(scene.turn) < 40 and not closed else []
            out += ["profile"] if abs(scene.turn) > 58 else []
            out += ["hair_over_one_eye"] if scene.eye_cover else []
            out += ["mole_on_cheek"] if c.mole else []
            out += ["head_tilt"] if abs(scene.tilt) > 12 else []
    else:
        out.append("head_out_of_frame")
    for garment in outfit.garments:
        if visible(garment, scene):
            out += garment_tags(garment)
    if scene.framing != "portrait":
        out.append(_ARMS.get(scene.arms, scene.arms))
    out += [scene.framing, *BACKGROUNDS[scene.background][1]]
    out += ["greyscale", "monochrome"] if style.greyscale else []
    out += ["sketch"] if style.shading == "sketch" else []
    out += ["chibi"] if style.heads < 3.8 else []
    return tuple(dict.fromkeys(out))
