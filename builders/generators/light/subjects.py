"""The subject of a prompt: its silhouette, pigment, surface and pose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from builders.generators.light import animals, people, things, toys
from builders.generators.light.faces import mood
from builders.generators.light.forms import form
from builders.generators.light.geometry import Form, Part, bent, oval
from builders.generators.light.outlines import filling
from builders.generators.light.patterns import Finish, finish
from builders.generators.light.pigments import Rgb, mixed, named, partner, pigment
from builders.generators.light.words import Table, traits
from builders.generators.light.worn import worn

_TOYS = Table.read("toys")
_PLUSH = Table.read("plush")
_THINGS = Table.read("things")
_POSES = Table.read("poses")
_SKIN = Table.read("skins")
_SKINS: dict[str, Rgb] = {"pale": (250, 224, 206), "dark": (104, 68, 48), "tan": (204, 150, 108),
                          "ruddy": (232, 164, 142)}
_USUAL: tuple[Rgb, ...] = ((246, 214, 188), (228, 178, 144), (190, 136, 100), (132, 88, 64), (96, 64, 48))
_CLOTHES: tuple[Rgb, ...] = ((196, 60, 60), (52, 100, 168), (64, 140, 96), (230, 180, 60), (120, 84, 150),
                             (240, 236, 226), (60, 64, 76), (214, 120, 70))
_HAIR: tuple[Rgb, ...] = ((48, 34, 28), (96, 62, 38), (196, 150, 84), (30, 28, 32), (150, 70, 40), (160, 158, 156))
# Where the class says so and no colour word does.
_OWN = {"duck toy": "yellow", "devil": "red", "poop": "sienna", "bear plushie": "golden brown",
        "sloth plushie": "grey brown", "wolf plushie": "grey",
        "monster toy": "blue", "robot toy": "silver", "car": "red", "candle": "ivory", "boot": "brown",
        "glasses": "black"}
# Words that colour a part of an animal, and the ink of that part: "white-muzzled".
_MARKS = {**dict.fromkeys(("muzzled", "faced", "chested", "bellied", "pawed", "footed", "socked"), "pale"),
          **dict.fromkeys(("eared", "tailed", "tipped", "backed"), "dark")}
_MARK = re.compile(rf"([^\W_]+)[- ]({'|'.join(_MARKS)})\b")


class Subject(NamedTuple):
    """What stands in the scene, before it is painted."""

    parts: list[Part]
    pigment: Rgb
    second: Rgb
    finish: Finish
    pose: str
    scale: float
    """Height of the silhouette's box of 2 over the picture's side, before the pose."""
    marks: Mapping[str, Rgb]
    """Inks of their own ("pale", "dark"), where a word colours a part alone."""
    rainbow: bool
    """Whether the pigment runs through all hues."""


def subject(parts: Mapping[str, str], class_name: str, text: str, r: Random) -> Subject:
    """The subject that the parts and the class name speak of."""
    said = {name: parts.get(name) or "" for name in ("shape", "color", "texture", "body", "skin", "emotion", "motion",
                                                     "background")}
    living = any(said[name] for name in ("body", "skin", "emotion", "motion"))
    name = " ".join(class_name.lower().split())
    toy = _toy(name)
    thing = "" if toy else _THINGS.first(name.split()[-1]) if name else ""
    word = said["body"] or said["shape"]
    how = form(word, living=bool(said["body"]))
    scene = said["motion"] or said["background"]
    if toy or thing:
        built = toys.TOYS[toy]() if toy else things.THINGS[thing]()
        return _painted(built, how, said, pigment(said["color"]) if said["color"] else _own_colour(toy or thing, name),
                        "", r)
    kind = animals.kind(name)
    who = "" if kind else people.WHO.first(name)
    if not (kind or who or living):
        return _painted(things.generic(traits(name)), how, said, pigment(said["color"] or name), "", r)
    face, extra = mood(said["emotion"]), worn(scene)
    if who:
        pose = {"still": "stand", "": "stand"}.get(pose := _POSES.first(scene), pose)
        hair = named(said["skin"]) if "hair" in said["skin"] else None
        own = named(said["skin"]) if "skinned" in said["skin"] else None
        ink = _SKINS.get(_SKIN.first(said["skin"])) or own or _pick(_USUAL, r)
        clothes = (_hex(_pick(_CLOTHES, r)), _hex(_pick(_CLOTHES, r)), _hex(hair or _pick(_HAIR, r)))
        if not extra and who == "person":
            extra = worn(f"wearing {name}")
        return _painted(people.person(who, face, pose, clothes, extra), how, said, ink, pose, r, plain=True)
    pose = _POSES.first(scene) or ("sit", "stand", "sit")[int(r.random() * 3)]
    pose = "sit" if pose == "still" else pose
    animal = kind or animals.invented(name)
    chance = traits(said["skin"], 1)[0] if said["skin"] else r.random()
    marks = {_MARKS[part]: one for word, part in _MARK.findall(said["skin"].lower()) if (one := named(word))}
    said["skin"] = _MARK.sub("", said["skin"].lower())
    furs = [fur for fur in animal.fur if pigment(fur) not in marks.values()] or animal.fur
    own = named(said["skin"]) or named(said["color"]) or pigment(furs[int(chance * len(furs))])
    return _painted(animals.animal(animal, face, pose, extra), how, said, own, pose, r)._replace(marks=marks)


def _painted(built: list[Part], how: Form, said: Mapping[str, str], ink: Rgb, pose: str, r: Random,
             plain: bool = False) -> Subject:
    surface = finish(said["skin"] or said["texture"], living=bool(pose))
    if plain and surface.fuzz:
        surface = finish("bare", living=True)
    drawn = filling(built, how.outline) if how.outline else built
    done = bent(drawn, how._replace(scale=1))
    if how.hole and not pose:
        done = [*done, Part(oval(0, 0.1, 0.24, 0.24), "#3a3330", 0.0)]
    second = partner(ink)
    if "two tone" in said["color"].replace("-", " "):
        second = mixed(pigment(said["color"] + "2"), (255, 255, 255), 0.1)
    return Subject(done, ink, second, surface, pose, 0.7 * how.scale, {}, "rainbow" in said["color"] + said["skin"])


def _toy(name: str) -> str:
    """The toy that a class name means, or ""."""
    found = _TOYS.first(name)
    if _PLUSH.first(name):
        return found if found.endswith("plushie") else "bear plushie"
    if found.endswith("plushie"):  # a living wolf or sloth
        return ""
    return found or ("duck toy" if "toy" in name.split() else "")


def _own_colour(kind: str, name: str) -> Rgb:
    return named(name) or pigment(_OWN.get(kind, name))


def _pick(choices: tuple[Rgb, ...], r: Random) -> Rgb:
    return choices[int(r.random() * len(choices))]


def _hex(rgb: Rgb) -> str:
    return "#" + bytes(rgb).hex()
