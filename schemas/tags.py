"""Danbooru tags as text encoders know them."""

from __future__ import annotations


def tags(prompts: str) -> list[str]:
    """The tags of a RetriBooru row's `prompts` in words."""
    return [words(tag) for tag in prompts.split(", ") if tag]


def words(tag: str) -> str:
    """A tag in words, spaces for underscores. Up to three letters it is a face ("^_^") and stays."""
    return tag.replace("_", " ") if len(tag) > 3 else tag


def prompt(prompts: str, character: str) -> str:
    """A RetriBooru row's prompt: its tags in words, or the identity's name where the picture has none."""
    return ", ".join(tags(prompts)) or words(character)
