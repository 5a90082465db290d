"""Filters: pure functions that keep a row (None) or say why it leaves (Drop). Thresholds are their arguments.

`select` looks at what the source says and runs before any model; the filters below it look at a value that a
model gave. None of them reads a file or a clock, so tightening a threshold never runs a model again.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from builders.garments import is_garment
from schemas.errors import UsageError
from schemas.records import Drop, Post, Rating, drop

UNKNOWN_ANSWERS = frozenset({"unknown"})
"""Answers that say nothing, trimmed and lower case."""


@dataclass(frozen=True)
class Exclude:
    """What must never be published: posts, files, artists, names. `digest` stands in the manifest."""

    posts: frozenset[str] = frozenset()
    """Post ids and row ids."""
    md5s: frozenset[str] = frozenset()
    """Of the post as its source gives it, or of the file's own bytes."""
    artists: frozenset[str] = frozenset()
    """Artist tags as `plain` writes them."""
    names: frozenset[str] = frozenset()
    """Artist tags, characters (in a folder: its people) or row ids, as `plain` writes them."""

    @property
    def entries(self) -> frozenset[str]:
        """All of them, each with its kind: "post:12", "md5:...", "artist:zun", "name:mia"."""
        kinds = {"post": self.posts, "md5": self.md5s, "artist": self.artists, "name": self.names}
        return frozenset(f"{kind}:{one}" for kind, group in kinds.items() for one in group)

    @property
    def digest(self) -> str:
        """Hex sha256 over the entries in sorted order, "" when there are none: it names no one."""
        return hashlib.sha256("\n".join(sorted(self.entries)).encode()).hexdigest() if self.entries else ""


@dataclass(frozen=True)
class Selection:
    """Options of `select`.

    `ratings` keeps general and sensitive: Danbooru2019's "s" (safe) is general, a later record's "s" is sensitive.
    `tagged` is False for sources that carry neither artists nor ratings nor garment tags (folders): those three
    filters then pass everything, and identity rests on the character alone.
    """

    exclude: Exclude = field(default_factory=Exclude)
    ratings: frozenset[Rating] = frozenset({Rating.GENERAL, Rating.SENSITIVE})
    tagged: bool = True


def cloths(post: Post) -> tuple[str, ...]:
    """The post's garment tags with spaces for underscores, in the order of the source."""
    return tuple(filter(None, map(_cloth, post.general)))


def told(post: Post) -> str:
    """What annotators may read of a post, as JSON without a blank: {"cloths": [...]}. The keys of their answers are
    made of it, so no byte of it may change."""
    return f'{{"cloths":[{",".join(filter(None, map(_quoted, post.general)))}]}}'


@lru_cache(maxsize=65_536)
def _cloth(tag: str) -> str:
    return tag.replace("_", " ") if is_garment(tag) else ""


@lru_cache(maxsize=65_536)
def _quoted(tag: str) -> str:
    return json.dumps(_cloth(tag)) if is_garment(tag) else ""


def select(post: Post, options: Selection) -> Drop | None:
    """The first reason for which the source's own words rule a post out, or None.

    Order: excluded, status, banned_artist, rating, character_count, artist_count, no_garment, not_solo.
    """
    return (
        excluded(post, options.exclude)
        or status(post)
        or banned_artist(post)
        or (rating(post, options.ratings) if options.tagged else None)
        or one_character(post)
        or (one_artist(post) if options.tagged else None)
        or (wears_something(post) if options.tagged else None)
        or solo(post)
    )


def read_ratings(text: str) -> frozenset[Rating]:
    """Ratings of a comma-separated list. Raises UsageError for a name that is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in Rating.__members__.values()]
    if unknown or not names:
        raise UsageError("--ratings has an unknown name", seen=unknown[0] if unknown else text,
                         allowed=", ".join(Rating))
    return frozenset(Rating(name) for name in names)


def excluded(post: Post, exclude: Exclude) -> Drop | None:
    """Named by post id, md5, artist or name. The drop says which kind of entry, not which entry."""
    kinds = {entry.partition(":")[0] for entry in named(post, exclude)}
    kind = next((kind for kind in ("post", "md5", "artist", "name") if kind in kinds), "")
    return drop("excluded", value=kind) if kind else None


def excluded_file(md5: str, exclude: Exclude) -> Drop | None:
    """Named by the md5 (32 lower case hex digits) of the file's own bytes, which is known once it was read."""
    return Drop("excluded", "file", "md5") if md5 in exclude.md5s else None


def named(post: Post, exclude: Exclude, md5: str = "") -> frozenset[str]:
    """The entries, as in `Exclude.entries`, that name this post or, by `md5`, its file.

    What no row of a build was named by is what its --exclude file wanted in vain.
    """
    found = [f"post:{one}" for one in exclude.posts & {post.post_id, post.id}]
    found += [f"md5:{one}" for one in exclude.md5s & {post.md5, md5}]
    if exclude.artists or exclude.names:
        artists = {plain(artist) for artist in post.artists}
        found += [f"artist:{one}" for one in exclude.artists & artists]
        found += [f"name:{one}" for one in exclude.names & (artists | set(map(plain, (post.id, *post.characters))))]
    return frozenset(found)


def plain(name: str) -> str:
    """A name as names are compared: composed characters, case folded, underscores for spaces."""
    return re.sub(r"\s+", "_", unicodedata.normalize("NFC", name).strip().casefold())


def status(post: Post) -> Drop | None:
    """Deleted, banned or pending. A flagged post stands until somebody has decided on it, so it stays."""
    bad = [state for state in post.status if state != "flagged"]
    return drop("status", value=", ".join(bad), threshold="none") if bad else None


def banned_artist(post: Post) -> Drop | None:
    """Carries the tag by which Danbooru marks artists who asked for removal, in any category."""
    marked = any("banned_artist" in tags for tags in (post.artists, post.general, post.meta))
    return drop("banned_artist", value="banned_artist") if marked else None


def rating(post: Post, allowed: frozenset[Rating]) -> Drop | None:
    """Rating among those allowed."""
    if post.rating in allowed:
        return None
    return drop("rating", value=post.rating.value, threshold=", ".join(sorted(allowed)))


def one_character(post: Post) -> Drop | None:
    """Exactly one character tag."""
    count = len(post.characters)
    return None if count == 1 else drop("character_count", value=count, threshold=1)


def one_artist(post: Post) -> Drop | None:
    """Exactly one artist tag."""
    count = len(post.artists)
    return None if count == 1 else drop("artist_count", value=count, threshold=1)


def wears_something(post: Post) -> Drop | None:
    """At least one garment tag."""
    return None if any(map(is_garment, post.general)) else drop("no_garment", value=0, threshold=1)


def solo(post: Post) -> Drop | None:
    """A whole picture shows one figure only: it has the `solo` tag. Figure files are that already."""
    return drop("not_solo", threshold="solo") if post.needs_crop and "solo" not in post.general else None


def side_at_least(width: int, height: int, min_side: int) -> Drop | None:
    """Shorter side of `min_side` pixels or more."""
    if min(width, height) >= min_side:
        return None
    return drop("too_small", value=f"{width}x{height}", threshold=min_side)


def whole_picture(width: int, height: int, reason: str, detail: str, *, min_side: int, allowed: str) -> Drop | None:
    """The file decodes (`reason` is empty) and is large enough; `allowed` is told of what is too large."""
    if reason:
        return drop(reason, value=detail, threshold=allowed if reason == "too_large" else "")
    return side_at_least(width, height, min_side)


def one_face(scores: Sequence[float], threshold: float, model: str = "") -> Drop | None:
    """Exactly one face box with a score (0..1) of `threshold` or more; scores that are no numbers are none."""
    good = sum(score >= threshold for score in scores)
    if good == 1:
        return None
    if good > 1:
        return drop("many_faces", value=good, threshold=f"1 over {threshold:g}", model=model)
    best = max((score for score in scores if not math.isnan(score)), default=None)
    return drop("no_face", value="no box" if best is None else f"{best:.3f}", threshold=f"{threshold:g}", model=model)


def coverage_within(coverage: float, low: float, high: float, model: str = "") -> Drop | None:
    """Share of the picture under the matte (0..1) within low..high, both allowed."""
    if low <= coverage <= high:
        return None
    return drop("matte_coverage", value=f"{coverage:.4f}", threshold=f"{low:g}..{high:g}", model=model)


def answers_known(answers: Sequence[str], outfit_hint: str = "", model: str = "") -> Drop | None:
    """No question was left unknown. An empty answer is one: it says that there is nothing to see. Where the source
    names the outfit nothing hangs on the answers.
    """
    if outfit_hint:
        return None
    for index, answer in enumerate(answers):
        if answer.strip().lower() in UNKNOWN_ANSWERS:
            return drop("answer_unknown", value=f"question {index + 1}: {answer}", model=model)
    return None


_ENTRY = re.compile(r"(post|md5|artist|name):\s*(.*)", re.IGNORECASE)
_NUMBERS = re.compile(r"[0-9]+(?:[,;\s]+[0-9]*)+")
_POST_PAGE = re.compile(r"https?://\S+/posts/([0-9]{1,18})\b\S*")
_POST_ID = re.compile(r"[0-9]{1,18}")
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


def read_exclude(path: Path) -> Exclude:
    """Entries of an --exclude file: one a line; empty lines and everything after " #" or a leading "#" is a comment.

    A number or the address of a post's page is a post id and 32 hex digits an md5. Anything else is a name: it leaves
    out whoever bears it, an artist, a character (a folder's person) or a row with that id; case does not matter,
    spaces are underscores. `post:` (also for a row id), `md5:`, `artist:` and `name:` say which it is.
    Raises UsageError when the file cannot be read or an entry is malformed: a missed entry would publish what
    somebody asked to leave out.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--exclude cannot be read: {error}", seen=str(path),
                         allowed="a UTF-8 text file, one entry a line") from None
    found: dict[str, set[str]] = {"post": set(), "md5": set(), "artist": set(), "name": set()}
    for number, line in enumerate(text.splitlines(), 1):
        entry = re.sub(r"(^|\s)#.*", "", line).strip()
        if entry:
            kind, value = _entry(entry)
            if not value:
                raise UsageError(f"--exclude line {number} is malformed", seen=entry,
                                 allowed="post:123, md5:32 hex digits, artist:tag, name:someone, or one of them bare")
            found[kind].add(value)
    return Exclude(*(frozenset(found[kind]) for kind in ("post", "md5", "artist", "name")))


def check_exclude(exclude: Exclude, tagged: bool) -> None:
    """Raises UsageError for an entry that can name nothing in the source.

    Without tags (`tagged` False, as in `Selection`) there are neither artists nor post numbers.
    """
    numbers = {one for one in exclude.posts if _POST_ID.fullmatch(one)}
    vain = sorted([f"artist:{one}" for one in exclude.artists] + [f"post:{one}" for one in numbers])
    if vain and not tagged:
        raise UsageError("--exclude has an entry that this source cannot know", seen=vain[0],
                         allowed="md5:32 hex digits, post:row id, or name:someone, the name of a person's folder")


def _entry(entry: str) -> tuple[str, str]:
    """Kind and normalised value of an entry; "" for a value that its kind does not allow, and for several numbers."""
    if _NUMBERS.fullmatch(re.sub(r"(?i)^post:\s*|^https?://\S+/posts/", "", entry)):
        return "post", ""
    prefixed = _ENTRY.fullmatch(entry)
    if prefixed:
        kind, value = prefixed[1].lower(), prefixed[2].strip()
    elif page := _POST_PAGE.fullmatch(entry):
        kind, value = "post", page[1]
    elif _MD5.fullmatch(entry):
        kind, value = "md5", entry
    else:
        kind, value = ("post" if _POST_ID.fullmatch(entry) else "name"), entry
    if kind == "post":
        # A post id reads as in file names; anything else is the id of a row.
        return kind, str(int(value)) if _POST_ID.fullmatch(value) else value
    if kind == "md5":
        return kind, value.lower() if _MD5.fullmatch(value) else ""
    return kind, plain(value)
