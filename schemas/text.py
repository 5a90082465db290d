"""Text that strangers wrote, made safe for Markdown, code spans and plots.

Tags come from the world: they hold pipes, backticks, angle brackets, right-to-left marks and scripts that the
plots' font cannot draw. Each function takes any string and returns one line.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from schemas.style import FONT

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# ":" and "www." would start links and emoji, "@" a mention, "$" a formula.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~&:@$^]|(?<=www)\.", re.IGNORECASE)

_ADDRESS = re.compile(r"https?://[A-Za-z0-9./?&=%~_+,:-]+")


class Raw(str):
    """Text that is Markdown already and is not escaped again."""


def visible(text: str) -> str:
    """One line: control, format and unassigned characters appear as `\\uXXXX`, so that nothing acts unseen."""
    return "".join(_escape(c) if unicodedata.category(c) in _HIDDEN else c for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def markdown(text: object) -> str:
    """The text as it reads, in a paragraph or a table cell of GitHub's Markdown; `Raw` passes through."""
    if isinstance(text, Raw):
        return text
    return _MARKDOWN.sub(lambda found: "\\" + found[0], visible(str(text)))


def code(text: object) -> Raw:
    """The text as a code span that also holds in a table cell; an empty text gives nothing."""
    line = visible(str(text)).replace("|", "\\|").strip()
    if not line:
        return Raw("")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return Raw(f"{fence}{pad}{line}{pad}{fence}")


def link(text: object, address: str) -> Raw:
    """The text as a link; without one where the address is empty or no plain one, so that none is smuggled in."""
    words = markdown(text)
    return Raw(f"[{words}]({address})" if _ADDRESS.fullmatch(address) else words)


@functools.cache
def _glyphs() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font  # here, because only who draws has to wait for matplotlib

    return frozenset(FT2Font(str(FONT)).get_charmap())


def label(text: str, limit: int = 26) -> str:
    """The text for a plot: characters without a glyph as escapes, at most `limit` characters."""
    line = "".join(c if ord(c) in _glyphs() else _escape(c) for c in visible(text))
    return line if len(line) <= limit else line[: limit - 1] + "…"
