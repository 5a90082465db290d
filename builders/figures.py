"""Stage "figure": whole pictures are cut to the figure, by the bounds of its matte and a margin.

Danbooru2019 Figures are crops already and pass untouched; pictures of the other trees are not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from annotators.masks import Masks
from builders.annotate import Look
from builders.ledger import Row
from schemas.records import Drop, drop


def cut_figures(look: Look, masks: Masks, margin: float, min_side: int) -> None:
    """Sets the crop box and the pixel key of every row that needs it; drops those without a figure.

    The mattes of the whole pictures have been made.
    """
    if not any(row.post.needs_crop for rows in look.ledger.rows() for row in rows):
        return
    rows_in = len(look.ledger)
    for rows in look.ledger.rows():
        whole = [row for row in rows if row.post.needs_crop]
        bounds = look.columns(whole, ["bounds"])["bounds"]
        cut, drops = [], []
        for row, found in zip(whole, bounds, strict=True):
            verdict = cut_figure(row, found, margin, min_side, masks)
            if isinstance(verdict, Drop):
                drops.append((row.post.id, verdict))
            else:
                cut.append(verdict)
        look.ledger.fill(cut)
        look.ledger.drop(drops)
    look.ledger.drop_singletons("figure")
    look.progress.step(look.ledger.close_stage("figure", rows_in))


def cut_figure(row: Row, bounds: Sequence[float], margin: float, min_side: int, masks: Masks) -> Row | Drop:
    """The row, whose width and height are those of the whole picture, as that of the figure within `bounds`; or why
    there is none.
    """
    if not bounds:
        return drop("no_figure", value="empty matte", model=f"masks:{masks.identity[:16]}")
    x0, y0, x1, y1 = crop_box(bounds, row.width, row.height, margin)
    if min(x1 - x0, y1 - y0) < min_side:
        return Drop("too_small", "figure", f"{x1 - x0}x{y1 - y0}", f"shorter side {min_side}")
    key = hashlib.sha256(f"{row.sha256}:{x0},{y0},{x1},{y1}".encode()).hexdigest()
    return row._replace(box=(x0, y0, x1, y1), key=key, width=x1 - x0, height=y1 - y0)


def crop_box(bounds: Sequence[float], width: int, height: int, margin: float) -> tuple[int, int, int, int]:
    """Pixels x0, y0, x1, y1 of normalised `bounds`, widened by `margin` times their longer side, within the picture."""
    x0, y0, x1, y1 = bounds[0] * width, bounds[1] * height, bounds[2] * width, bounds[3] * height
    room = margin * max(x1 - x0, y1 - y0)
    return (max(0, round(x0 - room)), max(0, round(y0 - room)),
            min(width, round(x1 + room)), min(height, round(y1 + room)))
