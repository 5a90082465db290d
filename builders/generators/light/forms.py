"""Shape and body words: how they bend a silhouette."""

from __future__ import annotations

from builders.generators.light.geometry import Form
from builders.generators.light.words import Table, traits

SHAPES: dict[str, Form] = {
    **{name: Form(outline=name) for name in ("heart", "star", "cross", "snowflake", "arrow", "horseshoe", "crescent")},
    "ring": Form(round=0.9, hole=1, wide=1.1),
    "diamond": Form(diamond=0.75, tall=1.1),
    "octagon": Form(round=0.5, facets=8),
    "hexagon": Form(round=0.5, facets=6),
    "pentagon": Form(facets=5, round=0.5),
    "facets": Form(facets=9, round=-0.2),
    "triangle": Form(taper=0.75),
    "wedge": Form(lean=0.7, taper=0.2),
    "trapezoid": Form(taper=0.4),
    "funnel": Form(taper=-0.5),
    "taper": Form(taper=-0.35, wide=0.85, tall=1.1),
    "hourglass": Form(bulge=-0.5, wide=1.1),
    "cube": Form(round=-0.85, wide=1.02),
    "rectangle": Form(round=-0.8, wide=1.25, tall=0.85),
    "cylinder": Form(round=-0.5, wide=0.72, tall=1.12),
    "dome": Form(round=0.5, taper=0.3, tall=0.75, wide=1.15),
    "pear": Form(round=0.4, taper=0.4, bulge=0.15),
    "sphere": Form(round=1, bulge=0.22, wide=1.08),
    "bulge": Form(bulge=0.4, round=0.4, tall=0.92),
    "oval": Form(round=0.8, wide=0.84, tall=1.14),
    "disc": Form(round=0.9, wide=1.25, tall=0.6),
    "lobes": Form(star=0.1, rays=9),
    "wave": Form(wave=0.22),
    "zigzag": Form(wave=0.3, facets=11),
    "spiral": Form(wave=0.34, tall=1.1, round=0.2),
    "curved": Form(bend=0.4),
    "lopsided": Form(lean=0.5, bulge=0.2, wave=0.1),
    "flat": Form(tall=0.6, wide=1.25),
    "wide": Form(wide=1.35, tall=0.88),
    "tall": Form(tall=1.3, wide=0.74),
    "slender": Form(tall=1.16, wide=0.6),
    "tiers": Form(wave=0.06, star=0.05, rays=12),
    "small": Form(scale=0.72),
    "large": Form(scale=1.25),
    "contour": Form(round=0.35, bulge=0.12, bend=0.12),
}
BODIES: dict[str, Form] = {
    "round": Form(wide=1.34, bulge=0.22, round=0.2),
    "stocky": Form(wide=1.28, tall=0.84),
    "muscular": Form(wide=1.14, taper=-0.2),
    "tall": Form(tall=1.26, wide=0.8),
    "slender": Form(wide=0.7, tall=1.1),
    "small": Form(scale=0.7),
    "large": Form(scale=1.25, wide=1.06),
    "low": Form(tall=0.74, wide=1.16),
    "hunched": Form(bend=0.25, tall=0.9, lean=0.14),
    "curvy": Form(bulge=-0.16, wide=1.14),
    "fluffy": Form(wide=1.1, round=0.2),
}
_SHAPE = Table.read("shapes")
_BODY = Table.read("bodies")


def form(word: str, living: bool) -> Form:
    """What a shape word, or a living thing's body word, does; an unknown word has a small variation of its own."""
    if not word.strip():
        return Form()
    table, entries = (_BODY, BODIES) if living else (_SHAPE, SHAPES)
    a, b, c, d = traits(word, 4)
    own = Form(wide=0.95 + 0.1 * a, tall=0.96 + 0.08 * b)
    if name := table.first(word):
        return entries[name].plus(own)
    return own.plus(Form(wide=0.84 + 0.32 * c, tall=0.86 + 0.28 * d, taper=0.3 * (a - 0.5), bulge=0.3 * (b - 0.5),
                         round=0.6 * (c - 0.5)))
