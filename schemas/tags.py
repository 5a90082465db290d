"""Danbooru tags as text encoders know them."""

from __future__ import annotations

_NOUNS = {"1girl": "a girl", "1boy": "a boy"}


def tags(prompts: str) -> list[str]:
    """The tags of a RetriBooru row's `prompts` in words."""
    return [words(tag) for tag in prompts.split(", ") if tag]


def words(tag: str) -> str:
    """A tag in words, spaces for underscores. Up to three letters it is a face ("^_^") and stays."""
    return tag.replace("_", " ") if len(tag) > 3 else tag


def prompt(prompts: str, character: str) -> str:
    """A RetriBooru row's prompt: its tags in words, or the identity's name where the picture has none."""
    return ", ".join(tags(prompts)) or words(character)


def described(prompts: str, character: str) -> tuple[str, str]:
    """A RetriBooru row's prompt as a caption: the noun phrase that it begins with, and what follows.

    The phrase stands for the tag that counts the figure, "a character" where there is none; a picture without tags has
    its identity's name, whole. It stands first because text encoders cut off what is long.
    """
    given = prompts.split(", ")
    if not any(given):
        return " ".join(words(character).split()), ""
    tag = next((tag for tag in _NOUNS if tag in given), "")
    return _NOUNS.get(tag, "a character"), "".join(f", {one}" for one in tags(prompts) if one != words(tag))
