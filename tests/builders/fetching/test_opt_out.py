from pathlib import Path

import pytest

from builders.fetching.opt_out import read_opt_out
from schemas.errors import UsageError


def test_domains_hold_for_all_below_them(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# asked not to\nExample.org\n*.art.example  # all of it\nbücher.example.\n\n"
                                   f"{'AB' * 16}\n{'0' * 64}\n", encoding="utf-8")
    said = read_opt_out(tmp_path / "list")
    assert {host: said.domain(host) for host in ("example.org", "img.cdn.example.org", "notexample.org", "org",
                                                 "www.art.example", "xn--bcher-kva.example", "example.org.uk")} == {
        "example.org": "example.org", "img.cdn.example.org": "example.org", "notexample.org": "", "org": "",
        "www.art.example": "art.example", "xn--bcher-kva.example": "xn--bcher-kva.example", "example.org.uk": ""}
    assert said.file("1" * 64, "ab" * 16) == "ab" * 16 and said.file("", "1" * 32) == ""


@pytest.mark.parametrize("line", ["https://example.org/", "example.org/path", "two words", "a" * 33 + "/", "-", "..",
                                  "exa$mple.org"])
def test_other_lines_are_told(tmp_path: Path, line: str) -> None:
    (tmp_path / "list").write_text(f"example.org\n{line}\n")
    with pytest.raises(UsageError, match="line 2 of the --opt-out list is neither"):
        read_opt_out(tmp_path / "list")


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "list", tmp_path / "gone", tmp_path):
        with pytest.raises(UsageError, match="--opt-out cannot be read"):
            read_opt_out(path)
