"""The opt-out list: domains that are never asked, and files that are never kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import httpx2

from schemas.errors import UsageError

_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


class OptOut(NamedTuple):
    """`domains`, each with all below it, in lower case and IDNA; `hashes`, md5 or sha256 of files in hex."""

    domains: frozenset[str] = frozenset()
    hashes: frozenset[str] = frozenset()

    def domain(self, host: str) -> str:
        """The listed domain that a host, in lower case and IDNA, belongs to; "" when there is none."""
        labels = host.rstrip(".").split(".")
        return next((one for at in range(len(labels)) if (one := ".".join(labels[at:])) in self.domains), "")

    def file(self, *hashes: str) -> str:
        """The first of the hashes that is listed, "" when none is."""
        return next((one for one in hashes if one in self.hashes), "")


def read_opt_out(path: Path) -> OptOut:
    """The list in a text file: a domain or a file's md5 or sha256 a line; from a "#" on a line is a comment.

    Raises UsageError for another line or a file that cannot be read.
    """
    domains, hashes = set(), set()
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--opt-out cannot be read: {error}", seen=str(path), allowed="a text file in UTF-8") from None
    for number, line in enumerate(lines, start=1):
        said = line.partition("#")[0].strip().lower()
        if _HASH.fullmatch(said):
            hashes.add(said)
        elif said:
            domains.add(_domain(said, f"line {number} of the --opt-out list"))
    return OptOut(frozenset(domains), frozenset(hashes))


def _domain(said: str, where: str) -> str:
    try:
        host = httpx2.URL(scheme="http", host=said.removeprefix("*.").strip(".")).raw_host.decode("ascii")
    except (httpx2.InvalidURL, ValueError):
        host = ""
    if not host or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise UsageError(f"{where} is neither a domain nor a file's md5 or sha256", seen=said[:100],
                         allowed="lines such as example.org, or 32 or 64 hex digits")
    return host
