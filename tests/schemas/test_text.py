"""Text from strangers: it reads the same and does nothing."""

from __future__ import annotations

import warnings

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from schemas.text import Raw, code, label, link, markdown, visible


def rendered(text: str) -> str:
    """One table cell as a GitHub-like renderer shows it."""
    page = MarkdownIt("gfm-like", {"linkify": False}).render(f"| head |\n|---|\n| {text} |\n")
    return page.split("<td>")[1].split("</td>")[0]


def test_markdown_escapes_what_acts() -> None:
    assert markdown("a|b") == "a\\|b"
    assert markdown("hakurei_reimu") == "hakurei\\_reimu"
    assert markdown("k-on!, (x) 1.5") == "k-on!, (x) 1.5"
    assert markdown("www.example.org") == "www\\.example.org"
    assert markdown("https://x") == "https\\://x"


def test_markdown_leaves_raw_and_takes_numbers() -> None:
    assert markdown(Raw("**x**")) == "**x**"
    assert markdown(12) == "12"


def test_a_link_leads_to_plain_addresses_only() -> None:
    assert rendered(link("1_crop_2", "https://danbooru.donmai.us/posts/1")) == (
        '<a href="https://danbooru.donmai.us/posts/1">1_crop_2</a>')
    assert rendered(link("a", "http://x.org:80/a_b_c,d+e.jpg")) == '<a href="http://x.org:80/a_b_c,d+e.jpg">a</a>'
    for address in ("", "javascript:alert(1)", "https://x/) ![y](http://evil/z.png", "https://x/a b", "https://x|y"):
        assert rendered(link("*1*", address)) == "*1*"


def test_hostile_text_is_shown_as_text() -> None:
    assert rendered(markdown("<script>alert(1)</script>")) == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert rendered(markdown("*a* _b_ `c` [d](e) | f")) == "*a* _b_ `c` [d](e) | f"


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=30))
def test_any_text_reads_as_it_was_written(text: str) -> None:
    shown = rendered(markdown(f"x{text}x"))
    plain = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert plain == visible(f"x{text}x")


@settings(deadline=None)  # the first call reads the font
@given(st.text(max_size=40))
def test_every_form_is_one_line(text: str) -> None:
    for made in (visible(text), markdown(text), code(text), label(text)):
        assert len(made.splitlines()) <= 1


def test_hidden_characters_are_named() -> None:
    assert visible("a\u202eb\nc\x00") == "a\\u202eb\\u000ac\\u0000"


def test_code_spans_hold_backticks_and_pipes() -> None:
    assert code("plain") == "`plain`"
    assert code("a`b") == "``a`b``"
    assert code("`a") == "`` `a ``"
    assert code("a|b") == "`a\\|b`"
    assert code("") == ""


def test_labels_have_glyphs_and_a_length() -> None:
    assert label("école") == "école"
    assert label("霊夢") == "\\u970a\\u5922"
    assert label("x" * 30, 10) == "x" * 9 + "…"
    assert len(label("霊" * 30)) == 26


def test_labels_draw_without_a_warning() -> None:
    from matplotlib.figure import Figure

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = Figure()
        figure.text(0, 0, label("東方 \U0001f600 \ud83d $x^$ ₩", 60), parse_math=False)
        figure.canvas.draw()
