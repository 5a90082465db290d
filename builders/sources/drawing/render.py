"""Putting a person together: layers from back to front, then pixels and truth."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace

import numpy as np

from builders.sources.drawing import body, clothes, layers, legs
from builders.sources.drawing.backgrounds import paint_background
from builders.sources.drawing.clothes import Figure
from builders.sources.drawing.eyes import draw_eyes, draw_glasses
from builders.sources.drawing.hair import Hair
from builders.sources.drawing.head import Head, draw_ears, draw_face, draw_mouth
from builders.sources.drawing.model import Character, Drawing, Outfit, Scene, Style
from builders.sources.drawing.ornaments import draw_head_ornaments
from builders.sources.drawing.raster import finish, rasterise
from builders.sources.drawing.shapes import Ink, Place, Point, clamp
from builders.sources.drawing.skeleton import Arm, Skeleton, build
from builders.sources.drawing.tags import tags_of
from builders.sources.drawing.tails import draw_animal_ears

_NEAR_FACE = ("hand_to_own_mouth", "hands_on_own_cheeks", "v", "waving", "arm_up", "arms_up", "pointing")


class _Layout:
    """How body and head coordinates become figure coordinates, and those pixels."""

    def __init__(self, character: Character, sk: Skeleton, crest: float, scene: Scene) -> None:
        self.sk, self.scene = sk, scene
        self.bend = math.tan(math.radians(scene.lean)) * 0.28
        self.angle = math.radians(scene.tilt + 0.6 * scene.lean)
        self.neck = self.body((0.0, -0.3))
        self.drop = character.chin + 0.12  # from the eyes to the joint of the head on the neck
        top = -0.3 - self.drop - 1.68 - character.hair_volume - 0.12
        top -= crest
        if scene.framing in ("full_body", "cowboy_shot"):
            top = min(top, *(arm.wrist[1] - 0.9 for arm in sk.arms))
        leg = sk.foot_y - sk.crotch_y
        top, low = {
            "full_body": (top, sk.foot_y + 0.25),
            "cowboy_shot": (top, sk.crotch_y + leg * 0.36),
            "upper_body": (top, sk.waist_y + 0.35),
            "portrait": (top, 0.35 * sk.waist_y),
            "lower_body": (0.4, sk.foot_y + 0.25),
        }[scene.framing]
        w, h = scene.size
        self.scale = h * 0.96 / (low - top) * scene.zoom
        self.scale = min(self.scale, w / 3.5 * max(scene.zoom, 1.0))
        self.x = w * (0.5 + scene.shift[0])
        self.y = (
            h * (0.02 + max(scene.shift[1], -0.03 if scene.framing == "full_body" else scene.shift[1]))
            - top * self.scale
        )
        slack = h * 0.98 - (low * self.scale + self.y)
        if slack > 0 and scene.framing != "full_body":  # cut by the edge of the picture, never floating above it
            self.y += slack
        elif slack > 0:
            self.y += slack * 0.5

    def body(self, p: Point) -> Point:
        up = max(self.sk.hip_y - p[1], 0.0)
        return p[0] + self.bend * up**1.35, p[1]

    def head(self, p: Point) -> Point:
        c, s = math.cos(self.angle), math.sin(self.angle)
        x, y = p[0], p[1] - self.drop
        return self.neck[0] + x * c - y * s, self.neck[1] + x * s + y * c

    def hair(self, p: Point) -> Point:
        """Like the head, but what hangs below the chin falls straight."""
        if p[1] <= 0.8:
            return self.head(p)
        hang = self.head((p[0], 0.8))
        d = p[1] - 0.8
        a = self.angle * 0.35 / (1 + 0.4 * d)
        return hang[0] - d * math.sin(a), hang[1] + d * math.cos(a)

    def view(self) -> tuple[float, float, float, float]:
        """The picture's edges in figure units."""
        (w, h), k = self.scene.size, self.scale
        return -self.x / k, -self.y / k, (w - self.x) / k, (h - self.y) / k

    def pixel(self, p: Point) -> Point:
        return p[0] * self.scale + self.x, p[1] * self.scale + self.y


def _legs(fig: Figure) -> None:
    sk = fig.sk
    if fig.scene.framing in ("portrait", "upper_body"):
        return
    stocking = fig.worn(clothes.LEGWEAR)
    shoe = fig.worn(clothes.FOOTWEAR)
    for leg in sk.legs:
        body.draw_leg(fig.ink, sk, leg, fig.character.skin)
        rgb = fig.rgb(stocking) if stocking else None
        if stocking and rgb:
            legs.draw_legwear(fig, leg, rgb, clothes.LEGWEAR[stocking])
        rgb = fig.rgb(shoe) if shoe else None
        if shoe and rgb:
            legs.draw_shoe(fig, leg, shoe, rgb)


def _torso(fig: Figure) -> None:
    sk, ink, outfit = fig.sk, fig.ink, fig.outfit
    top, outer = fig.worn(clothes.TOPS), fig.worn(clothes.OUTERWEAR)
    skirt, trousers = fig.worn(clothes.SKIRTS), fig.worn(clothes.TROUSERS)
    body.draw_torso(ink, sk, fig.character)
    cut = clothes.TOPS[top] if top else None
    rgb = fig.rgb(top) if top else None
    if top and cut and rgb and cut.tucked:
        clothes.draw_top(fig, top, cut, rgb)
    if trousers:
        legs.draw_trousers(fig, fig.rgb(trousers) or (0, 0, 0), clothes.TROUSERS[trousers])
    if skirt:
        length, flare = clothes.SKIRTS[skirt]
        clothes.draw_skirt(fig, fig.rgb(skirt) or (0, 0, 0), length, flare, skirt in ("pleated_skirt", "miniskirt"))
    if top and cut and rgb and cut.skirt:
        clothes.draw_skirt(fig, rgb, cut.skirt, cut.flare, False)
    if top and cut and rgb and not cut.tucked:
        clothes.draw_top(fig, top, cut, rgb)
    for tag, height in (("belt", 0.16), ("sash", 0.5)):
        sash = fig.rgb(tag)
        if sash:
            layers.draw_sash(fig, sash, height)
    apron = fig.rgb("apron")
    if apron:
        layers.draw_apron(fig, apron)
    if outer:
        layers.draw_outer(fig, outer, clothes.OUTERWEAR[outer], fig.rgb(outer) or (0, 0, 0))
    sailor = fig.rgb("sailor_collar")
    if sailor:
        layers.draw_collar(fig, sailor, True)
    elif cut and cut.neck == "collar" and outfit.colour("shirt", "blouse", "maid_dress"):
        layers.draw_collar(fig, fig.rgb("shirt", "blouse") or (250, 250, 250), False)


def _arm(fig: Figure, arm: Arm) -> None:
    body.draw_arm(fig.ink, fig.sk, arm, fig.character.skin)
    glove = fig.rgb("gloves")
    if glove:
        spine, widths = body.arm_limb(fig.sk, arm)
        fig.ink.part(body.band(spine, widths, 0.78, 1, 0.03), glove, auto=0.05)
    sleeve = layers.sleeve_cut(fig)
    body.draw_hand(fig.ink, arm, glove or fig.character.skin, back=fig.scene.from_behind)
    if sleeve:
        clothes.draw_sleeve(fig, arm, *sleeve)


def _arms(fig: Figure, when: str) -> None:
    """Draw the arms whose turn it is: behind the torso, before it, or before the head."""
    late = fig.scene.arms in _NEAR_FACE
    for arm in fig.sk.arms:
        raised = late and arm.wrist[1] < 0.35
        turn = "behind" if not arm.front else "head" if raised else "front"
        if turn != when:
            continue
        if fig.scene.arms == "holding_bag" and arm.side > 0:
            body.draw_bag(fig.ink, arm, (112, 70, 48))
        _arm(fig, arm)
    if when == "front" and fig.scene.arms == "holding_book" and not fig.scene.from_behind:
        body.draw_book(fig.ink, fig.sk, (150, 70, 80))
        for arm in fig.sk.arms:
            body.draw_hand(fig.ink, arm, fig.rgb("gloves") or fig.character.skin)


def _draw_head(fig: Figure, head: Head, hair: Hair, place: Place, hair_place: Place) -> None:
    ink = fig.ink
    ink.place = place
    draw_ears(ink, head)
    draw_face(ink, head, fig.scene, hair.fringe_shape())
    draw_mouth(ink, head, fig.scene)
    draw_eyes(ink, head, fig.scene)
    rims = fig.rgb("glasses")
    if rims:
        draw_glasses(ink, head, rims, fig.variant % 2 == 0)
    ink.place = hair_place
    hair.front()
    draw_head_ornaments(fig, hair)


def _crest(character: Character, outfit: Outfit) -> float:
    """How far ears and hats reach above the hair."""
    ears = {"cat": 0.5, "fox": 0.7, "rabbit": 1.4}.get(character.ears, 0.0)
    hats = {"witch_hat": 1.3, "santa_hat": 0.8, "hat": 0.1, "beret": 0.2, "crown": 0.5}
    return max([ears, *(hats.get(garment.tag, 0.0) for garment in outfit.garments)])


def _stylised(c: Character, style: Style) -> Character:
    """The character with the proportions the style gives everybody."""
    return replace(
        c,
        hair_volume=clamp(c.hair_volume * style.volume, 0.05, 0.7),
        chin=clamp(c.chin + style.chin, 0.9, 1.42),
        jaw=clamp(c.jaw + style.jaw, -0.25, 1.2),
        eye_height=clamp(c.eye_height * style.eye_squash, 0.15, 0.44),
    )


def draw(character: Character, outfit: Outfit, style: Style, scene: Scene) -> Drawing:
    """Draw one picture. The same arguments give the same bytes."""
    character = _stylised(character, style)
    sk = build(character, style, scene)
    layout = _Layout(character, sk, _crest(character, outfit), scene)
    ink = Ink(style, scene.seed, 0.75 / layout.scale)
    ink.view = layout.view()
    character = replace(character, skin=ink.tone(character.skin))
    head = Head(character, math.radians(clamp(scene.turn, -90, 90)))
    variant = zlib.crc32(repr([(g.tag, g.colour) for g in outfit.garments]).encode())
    fig = Figure(ink, sk, character, outfit, scene, variant)
    hair = Hair(ink, head, scene)
    if not scene.from_behind:
        ink.place = layout.hair
        hair.back()
    ink.place = layout.body
    _arms(fig, "behind")
    _legs(fig)
    _torso(fig)
    body.draw_neck(
        ink, sk, character, (layout.head((0.0, character.chin * 0.8))[0], layout.head((0.0, character.chin * 0.7))[1])
    )
    layers.draw_neckwear(fig)
    _arms(fig, "front")
    if scene.from_behind:
        ink.place = layout.hair
        hair.back()
        draw_animal_ears(hair)
        draw_head_ornaments(fig, hair)
    else:
        _draw_head(fig, head, hair, layout.head, layout.hair)
    ink.place = layout.body
    _arms(fig, "head")
    return _finish(ink, layout, head, (character, outfit, style, scene))


def _finish(ink: Ink, layout: _Layout, head: Head, parts: tuple[Character, Outfit, Style, Scene]) -> Drawing:
    character, outfit, style, scene = parts
    w, h = scene.size
    figure = finish(rasterise(ink.svg(scene.size, (layout.scale, layout.x, layout.y))), style, scene.seed)
    back = paint_background(scene.background, scene.size, scene.seed, scene.busy)
    points = [layout.pixel(layout.head(p)) for p in head.box_points()]
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    y0, y1 = min(p[1] for p in points), max(p[1] for p in points)
    if scene.mirrored:
        figure, back = np.ascontiguousarray(figure[:, ::-1]), np.ascontiguousarray(back[:, ::-1])
        x0, x1 = w - x1, w - x0
    inside = max(min(x1, w) - max(x0, 0), 0) * max(min(y1, h) - max(y0, 0), 0) / ((x1 - x0) * (y1 - y0))
    return Drawing(
        figure, back, (x0, y0, x1, y1), 0.0 if scene.from_behind else inside, tags_of(character, outfit, style, scene)
    )
