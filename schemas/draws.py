"""Chance that repeats: a number that follows from words alone."""

from __future__ import annotations

import hashlib


def draw(*words: str) -> int:
    """A number 0 .. 2^64-1 that depends on the words alone: sampling by the lowest needs no order and, where a seed is
    among the words, differs from seed to seed."""
    whole = hashlib.blake2b("\0".join(words).encode(), digest_size=8)
    return int.from_bytes(whole.digest(), "big")
