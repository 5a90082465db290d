"""One line of Danbooru metadata to a Post: both record styles, told apart record by record.

The 2017-2020 style writes numbers as strings and tags as a list of {id, name, category}; the later style writes
numbers and has `tag_string_general`, `tag_string_character` ... with spaces between tags. A later export can have
nested tags, too. The rating letter "s" means *safe* in 2017-2020 and *sensitive* later (in older exports of the later
style it meant *safe*, too: the stricter reading is taken).
"""

from __future__ import annotations

import re
from itertools import chain, compress

import msgspec

from schemas.records import Post, Rating

COUNTS = ("duplicate_tags", "unknown_category_tags", "bad_tags")
"""What `post_of` counts."""

MAX_TAG = 1000
"""Longest tag that is kept, characters. Danbooru allows 170; a caption in a folder can be a sentence."""

CATEGORIES = {0: "general", 1: "artists", 3: "copyrights", 4: "characters", 5: "meta"}
"""Tag categories by their number; 2 is unused and, like any other number, is counted and left out."""

SENSITIVE_STYLE = {"g": Rating.GENERAL, "s": Rating.SENSITIVE, "q": Rating.QUESTIONABLE, "e": Rating.EXPLICIT}
SAFE_STYLE = SENSITIVE_STYLE | {"s": Rating.GENERAL}

# Control characters, spaces, bidirectional overrides and lone surrogates never stand in a real tag, and would
# break captions, tables or terminals further on.
_BAD_TAG = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MD5 = re.compile(r"[0-9a-f]{32}")
_PARENT = re.compile(r"0*[1-9][0-9]{0,17}")
# A date that no export of 2017-2020 can hold: 2021 and later.
_LATER = re.compile(rb'"(202[1-9]|20[3-9][0-9]|2[1-9][0-9]{2})-')
_STATES = ("deleted", "banned", "pending", "flagged")


class Tag(msgspec.Struct, gc=False):
    """A nested tag. Its id says no more than its name."""

    name: str
    category: int = -1


class Record(msgspec.Struct, gc=False):
    """The keys that are read, of both styles; all others are skipped without being built."""

    id: msgspec.Raw = msgspec.Raw(b"null")
    """As it is written, which tells the style; `number` is what it says."""
    tags: list[Tag] | None = None
    tag_string_general: str | None = None
    tag_string_artist: str | None = None
    tag_string_copyright: str | None = None
    tag_string_character: str | None = None
    tag_string_meta: str | None = None
    rating: str | None = None
    created_at: msgspec.Raw = msgspec.Raw()
    updated_at: msgspec.Raw = msgspec.Raw()
    md5: str | None = None
    parent_id: str | int | None = None
    is_deleted: bool | None = None
    is_banned: bool | None = None
    is_pending: bool | None = None
    is_flagged: bool | None = None

    @property
    def number(self) -> int | None:
        """The id. Raises what `parse` catches when it is no number."""
        return _NUMBER.decode(self.id)


# Not strict: "1" is 1 and "true" is true, as the older style writes them.
_DECODER = msgspec.json.Decoder(Record, strict=False)
_NUMBER: msgspec.json.Decoder[int | None] = msgspec.json.Decoder(int | None, strict=False)


def parse(line: bytes) -> Record | str:
    """The record of a line, with a number for `id` and one style's tags; else what the line counts as.

    That is bad_lines (no JSON), bad_values (a key holds another kind of value) or missing_keys.
    """
    try:
        record = _DECODER.decode(line)
        number = record.number
    except msgspec.ValidationError:
        return "bad_values"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "bad_lines"
    if number is None or (record.tags is None and record.tag_string_general is None):
        return "missing_keys"
    return record


def post_of(record: Record, counts: dict[str, int]) -> Post:
    """The Post that a parsed record describes, without id and path of a file.

    Adds to `counts` what COUNTS names. Bad tags are left out, but for those of characters and artists, which come
    escaped.
    """
    # An empty list beside filled strings is an artefact of an export, not a post without tags.
    nested = bool(record.tags) or record.tag_string_general is None
    groups = _nested(record.tags or [], counts) if nested else _flat(record)
    names = list(chain(*groups.values()))
    if len(set(names)) < len(names) or not _all_clean(names):
        groups = {kind: _cleaned(kind, tags, counts) for kind, tags in groups.items()}
    letters = SAFE_STYLE if nested and _of_2017_2020(record) else SENSITIVE_STYLE
    number = record.number
    raw = record.rating or ""
    md5 = (record.md5 or "").lower()
    states = (record.is_deleted, record.is_banned, record.is_pending, record.is_flagged)
    return Post(
        id="", path="", post_id=str(number),
        characters=tuple(groups["characters"]), artists=tuple(groups["artists"]),
        copyrights=tuple(groups["copyrights"]), general=tuple(groups["general"]), meta=tuple(groups["meta"]),
        rating=letters.get(raw, Rating.UNKNOWN), rating_raw=raw if raw.isprintable() else ascii(raw),
        md5=md5 if _MD5.fullmatch(md5) else "",
        parent_id=_parent(record.parent_id),
        status=tuple(compress(_STATES, states)),
        post_url=f"https://danbooru.donmai.us/posts/{number}",
    )


def clean_tag(tag: str) -> bool:
    """Whether a tag may travel: 1 to MAX_TAG characters; no space, control, direction override, surrogate."""
    return 0 < len(tag) <= MAX_TAG and _BAD_TAG.search(tag) is None


def _escaped(tag: str, counts: dict[str, int]) -> str:
    counts["bad_tags"] += 1
    return _BAD_TAG.sub(lambda bad: f"\\u{ord(bad[0]):04x}", tag)[:MAX_TAG]


def _of_2017_2020(record: Record) -> bool:
    """Whether a record with nested tags is surely one of the 2017-2020 style: its id is a string, it has no flat tags,
    and its dates, where it has any, do not say otherwise."""
    return (bytes(record.id).startswith(b'"') and record.tag_string_general is None
            and not _LATER.match(record.created_at) and not _LATER.match(record.updated_at))


def _nested(tags: list[Tag], counts: dict[str, int]) -> dict[str, list[str]]:
    groups: dict[int, list[str]] = {number: [] for number in CATEGORIES}
    for tag in tags:
        try:
            groups[tag.category].append(tag.name)
        except KeyError:
            counts["unknown_category_tags"] += 1
    return {CATEGORIES[number]: group for number, group in groups.items()}


def _flat(record: Record) -> dict[str, list[str]]:
    return {
        "general": (record.tag_string_general or "").split(),
        "artists": (record.tag_string_artist or "").split(),
        "copyrights": (record.tag_string_copyright or "").split(),
        "characters": (record.tag_string_character or "").split(),
        "meta": (record.tag_string_meta or "").split(),
    }


def _all_clean(tags: list[str]) -> bool:
    """Whether every tag is surely clean. Hardly a record holds one that is not, so all are looked at together: what
    is printable (`str.isprintable`) is no control character, no space but " ", no override and no surrogate."""
    text = "".join(tags)
    return (text.isprintable() and " " not in text and "" not in tags
            and (len(text) <= MAX_TAG or max(map(len, tags)) <= MAX_TAG))


def _cleaned(kind: str, tags: list[str], counts: dict[str, int]) -> list[str]:
    """Without bad and repeated tags, order kept."""
    if kind in ("characters", "artists"):
        # Who is in the picture and who drew it must stay countable: a name that cannot travel does so escaped.
        tags = [tag if clean_tag(tag) else _escaped(tag, counts) for tag in tags if tag]
    good = [tag for tag in tags if clean_tag(tag)]
    unique = list(dict.fromkeys(good))
    counts["bad_tags"] += len(tags) - len(good)
    counts["duplicate_tags"] += len(good) - len(unique)
    return unique


def _parent(value: str | int | None) -> str:
    """The parent's id without leading zeros; "0", null, and what is no number of at most 18 digits mean none."""
    text = str(value)
    return text.lstrip("0") if _PARENT.fullmatch(text) else ""
