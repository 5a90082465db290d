"""What a run of COTI looks like: its previews by cycle (the paper's Fig. 4), its scores by cycle and by pictures in
X_T (Figs. 5 and 6). The same input gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw, ImageFont, ImageOps

from trainers.coti.cycles import Compared, Record

TILE, GAP, HEAD = 128, 6, 34
"""Pixels: a preview's side, what lies between two, what a column's name takes."""
INK, MUTED, RULE = "#1f2430", "#6b7280", "#e5e7eb"
LINES = (("gamma_aesthetic", "aesthetic", "#c2703d"), ("gamma_concept", "concept", "#3b6ea5"),
         ("indicator", "indicator", INK))
"""Of a cycle: field, name, colour."""


def cycles_png(previews: Sequence[Sequence[Image.Image]]) -> bytes:
    """The same previews of each cycle, a column a cycle."""
    rows = max(len(some) for some in previews)
    page = Image.new("RGB", (GAP + len(previews) * (TILE + GAP), HEAD + rows * (TILE + GAP)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for column, some in enumerate(previews):
        left = GAP + column * (TILE + GAP)
        pen.text((left + TILE / 2, HEAD / 2), f"cycle {column}", INK, font, anchor="mm")
        for row, picture in enumerate(some):
            page.paste(ImageOps.fit(picture.convert("RGB"), (TILE, TILE), Image.Resampling.LANCZOS),
                       (left, HEAD + row * (TILE + GAP)))
    out = io.BytesIO()
    page.save(out, "PNG")
    return out.getvalue()


def curves_png(records: Sequence[Record]) -> bytes:
    """The scores of each cycle's best previews, by the scores of the last cycle: by cycle, and by pictures in X_T; and
    the indicator block by block, by the scores of its own cycle, which follow X_T; lines part the cycles."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(12, 3.4))
        by_cycle, by_size, by_block = figure.subplots(1, 3)
        compared = records[-1].compared
        _lines(by_cycle, "Scores by cycle", "cycle", [record.cycle for record in records], compared)
        _lines(by_size, "Scores by pictures chosen", "pictures in $X_T$", [record.pool for record in records], compared)
        _blocks(by_block, records)
        figure.tight_layout()
        FigureCanvasAgg(figure)
        out = io.BytesIO()
        figure.savefig(out, format="png", metadata={"Software": None})
        return out.getvalue()


def _lines(axes: Axes, title: str, below: str, places: Sequence[int], compared: Sequence[Compared]) -> None:
    for field, name, colour in LINES:
        axes.plot(places, [getattr(one, field) for one in compared], color=colour, label=name, marker="o",
                  markersize=3.5, linewidth=1.6)
    _dress(axes, title, below)
    axes.legend(frameon=False)


def _blocks(axes: Axes, records: Sequence[Record]) -> None:
    blocks = [block for record in records for block in record.blocks]
    axes.plot([block.step for block in blocks], [block.indicator for block in blocks], color=INK, linewidth=1.2)
    best = [block for block in blocks if block.better]
    axes.plot([block.step for block in best], [block.indicator for block in best], "o", color=LINES[0][2], markersize=3,
              label="better than before in its cycle")
    for record in records[1:]:
        axes.axvline(record.blocks[0].step, color=RULE, linewidth=1, zorder=0)
    _dress(axes, "Indicator by step, in the scores of its cycle", "optimizer steps")
    axes.legend(frameon=False)


def _dress(axes: Axes, title: str, below: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(below)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")


_STYLE = {"font.family": "DejaVu Sans", "font.size": 8.5, "text.color": INK, "axes.edgecolor": MUTED,
          "axes.labelcolor": MUTED, "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
          "axes.titleweight": "bold", "axes.titlesize": 10, "axes.axisbelow": True, "xtick.color": MUTED,
          "ytick.color": MUTED, "grid.color": RULE, "figure.dpi": 150, "savefig.dpi": 150}
