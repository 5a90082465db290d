"""The font and the colours of every picture of a card."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

_MATPLOTLIB = find_spec("matplotlib")  # not imported: that takes most of a second
FONT = Path(str(_MATPLOTLIB and _MATPLOTLIB.origin)).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
"""The font that matplotlib ships: the same glyphs on every machine."""

INK, MUTED, RULE, ACCENT, WARM = "#1f2430", "#6b7280", "#e5e7eb", "#4f6bed", "#e8833a"
