"""One line of Danbooru metadata to a Post: both record styles, told apart record by record.

The 2017-2020 style writes numbers as strings and tags as a list of {id, name, category}; the later style has
`tag_string_general`, `tag_string_character` ... with spaces between tags. The rating letter "s" means
*safe* in the former and *sensitive* in the latter (older exports of which meant *safe* too: the stricter
reading is taken).
"""

from __future__ import annotations

import re

import msgspec

from schemas.records import Post, Rating

MAX_TAG = 1000
"""Longest tag that is kept, characters. Danbooru allows 170; a caption in a folder can be a sentence."""

CATEGORIES = {0: "general", 1: "artists", 3: "copyrights", 4: "characters", 5: "meta"}
"""Tag categories by their number; 2 is unused and, like any other number, is counted and left out."""

SAFE_STYLE = {"s": Rating.GENERAL, "q": Rating.QUESTIONABLE, "e": Rating.EXPLICIT}
SENSITIVE_STYLE = {"g": Rating.GENERAL, "s": Rating.SENSITIVE, "q": Rating.QUESTIONABLE, "e": Rating.EXPLICIT}

# Control characters, spaces, bidirectional overrides and lone surrogates never stand in a real tag, and would
# break captions, tables or terminals further on.
_BAD_TAG = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MD5 = re.compile(r"[0-9a-f]{32}")
_PARENT = re.compile(r"0*[1-9][0-9]{0,17}")
_STATES = ("deleted", "banned", "pending", "flagged")


class Tag(msgspec.Struct):
    """A tag of the 2017-2020 style."""

    name: str
    id: str | int | None = None
    category: int = -1


class Record(msgspec.Struct):
    """The keys that are read, of both styles; all others are skipped without being built."""

    id: int | None = None
    tags: list[Tag] | None = None
    tag_string_general: str | None = None
    tag_string_artist: str | None = None
    tag_string_copyright: str | None = None
    tag_string_character: str | None = None
    tag_string_meta: str | None = None
    rating: str | None = None
    md5: str | None = None
    parent_id: str | int | None = None
    is_deleted: bool | None = None
    is_banned: bool | None = None
    is_pending: bool | None = None
    is_flagged: bool | None = None


# Not strict: "1" is 1 and "true" is true, as the older style writes them.
_DECODER = msgspec.json.Decoder(Record, strict=False)


def parse(line: bytes) -> Record | str:
    """The record of a line, with a number for `id` and one style's tags; else what the line counts as.

    That is bad_lines (no JSON), bad_values (a key holds another kind of value) or missing_keys.
    """
    try:
        record = _DECODER.decode(line)
    except msgspec.ValidationError:
        return "bad_values"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "bad_lines"
    if record.id is None or (record.tags is None and record.tag_string_general is None):
        return "missing_keys"
    return record


def post_of(record: Record, counts: dict[str, int]) -> Post:
    """The Post that a parsed record describes, without id and path of a file.

    Adds to `counts`: duplicate_tags, unknown_category_tags, bad_tags. Bad tags are left out, but for those of
    characters and artists, which come escaped.
    """
    # An empty list beside filled strings is an artefact of an export, not a post of the older style without tags.
    older = bool(record.tags) or record.tag_string_general is None
    groups = _nested(record.tags or [], counts) if older else _flat(record)
    # Who is in the picture and who drew it must stay countable: a name that cannot travel does so escaped.
    for kind in ("characters", "artists"):
        groups[kind] = [name if clean_tag(name) else _escaped(name, counts) for name in groups[kind] if name]
    tags = {name: _clean(group, counts) for name, group in groups.items()}
    letters = SAFE_STYLE if older else SENSITIVE_STYLE
    raw = record.rating or ""
    md5 = (record.md5 or "").lower()
    return Post(
        id="", path="", post_id=str(record.id),
        characters=tags["characters"], artists=tags["artists"], copyrights=tags["copyrights"],
        general=tags["general"], meta=tags["meta"],
        rating=letters.get(raw, Rating.UNKNOWN), rating_raw=raw if raw.isprintable() else ascii(raw),
        md5=md5 if _MD5.fullmatch(md5) else "",
        parent_id=_parent(record.parent_id),
        status=tuple(state for state in _STATES if getattr(record, f"is_{state}")),
        post_url=f"https://danbooru.donmai.us/posts/{record.id}",
    )


def clean_tag(tag: str) -> bool:
    """Whether a tag may travel: 1 to MAX_TAG characters; no space, control, direction override, surrogate."""
    return 0 < len(tag) <= MAX_TAG and _BAD_TAG.search(tag) is None


def _escaped(tag: str, counts: dict[str, int]) -> str:
    counts["bad_tags"] += 1
    return _BAD_TAG.sub(lambda bad: f"\\u{ord(bad[0]):04x}", tag)[:MAX_TAG]


def _nested(tags: list[Tag], counts: dict[str, int]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {name: [] for name in CATEGORIES.values()}
    seen: set[str | int | None] = set()
    for tag in tags:
        name = CATEGORIES.get(tag.category)
        if name is None:
            counts["unknown_category_tags"] += 1
        elif tag.id is not None and tag.id in seen:
            counts["duplicate_tags"] += 1
        else:
            seen.add(tag.id)
            groups[name].append(tag.name)
    return groups


def _flat(record: Record) -> dict[str, list[str]]:
    return {
        "general": (record.tag_string_general or "").split(),
        "artists": (record.tag_string_artist or "").split(),
        "copyrights": (record.tag_string_copyright or "").split(),
        "characters": (record.tag_string_character or "").split(),
        "meta": (record.tag_string_meta or "").split(),
    }


def _clean(tags: list[str], counts: dict[str, int]) -> tuple[str, ...]:
    """Without bad and repeated tags, order kept."""
    # One look at all of them together: hardly a record holds a bad tag, and there are a hundred million tags.
    sizes = set(map(len, tags)) or {1}
    fine = min(sizes) > 0 and max(sizes) <= MAX_TAG and _BAD_TAG.search("".join(tags)) is None
    good = tags if fine else [tag for tag in tags if clean_tag(tag)]
    unique = tuple(dict.fromkeys(good))
    counts["bad_tags"] += len(tags) - len(good)
    counts["duplicate_tags"] += len(good) - len(unique)
    return unique


def _parent(value: str | int | None) -> str:
    """The parent's id without leading zeros; "0", null, and what is no number of at most 18 digits mean none."""
    text = str(value)
    return text.lstrip("0") if _PARENT.fullmatch(text) else ""
