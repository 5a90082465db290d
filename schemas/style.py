"""The font, the colours and the settings of every plot: the same input gives the same bytes, whatever the reader's own.

matplotlib loads when somebody draws: that takes most of a second.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import ImageFont

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MATPLOTLIB = find_spec("matplotlib")
FONT = Path(str(_MATPLOTLIB and _MATPLOTLIB.origin)).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
"""The font that matplotlib ships: the same glyphs on every machine."""

INK, MUTED, RULE, ACCENT, WARM = "#1f2430", "#6b7280", "#e5e7eb", "#4f6bed", "#e8833a"

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": 8.5, "text.color": INK, "text.parse_math": False,
    "text.usetex": False, "axes.edgecolor": MUTED, "axes.labelcolor": MUTED, "axes.linewidth": 0.6,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left", "axes.titlesize": 10,
    "axes.titleweight": "bold", "axes.titlepad": 10, "axes.labelsize": 8.5, "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False, "xtick.color": MUTED, "ytick.color": MUTED, "xtick.major.size": 0,
    "ytick.major.size": 0, "xtick.labelsize": 8, "ytick.labelsize": 8, "ytick.labelcolor": INK,
    "grid.color": RULE, "grid.linewidth": 0.8, "figure.facecolor": "white", "savefig.facecolor": "white",
    "figure.dpi": 200, "savefig.dpi": 200,
}


def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib ships it, laid out glyph by glyph (no shaping library, which machines differ in)."""
    path = FONT.with_name("DejaVuSans-Bold.ttf") if bold else FONT
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@contextmanager
def pinned() -> Iterator[None]:
    """Our settings over the library's own defaults: a reader's matplotlibrc changes nothing."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def png(figure: Figure) -> bytes:
    """The figure as a file, without the date and the library's name."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
