"""Metadata of the sample mirror: records in both of the board's styles, and lines that are none."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from builders.sources import sample_names
from builders.sources.sample_plan import LAST_ID, Figure, generator

_NEVER = "1970-01-01 00:00:00 UTC"
_CATEGORIES = {"general": "0", "artist": "1", "copyright": "3", "character": "4", "meta": "5"}
_STATES = {"deleted": "is_deleted", "banned": "is_banned", "pending": "is_pending", "flagged": "is_flagged"}
_META = ("highres", "absurdres", "commentary_request", "traditional_media", "bad_id")
_PLAIN_TAGS = frozenset({"1girl", "1boy", "solo", "smile", "looking_at_viewer", "simple_background"})

FLAT = "posts000000000000.json"
FILES = (FLAT, "2017/2017000000000000", "2018/2018000000000000.json.gz", "2019/2019000000000000.json",
         "2019/2019000000000001.json.xz")
"""Files below metadata/: the first in the later style, the others in the 2017-2020 style."""

JUNK = (
    b"", b"   ", b"null", b"[]", b"42", b'"id"', b"{}", b"{", b"<!DOCTYPE html>", b"\xff\xfe\x00{\x00",
    b'{"id":"', b'{"id":"2154","tags":', b'{"id":"1402"}', b'{"tags":[{"id":"1","name":"1girl","category":"0"}]}',
    b'{"id":"abc","rating":"s","tags":[]}', b'{"id":"-5","rating":"s","tags":[]}', b'{"id":"12.5","tags":[]}',
    b'{"id":null,"tags":[]}', b'{"id":"1403","rating":"s","tags":"1girl solo"}',
    b'{"id":"1404","rating":"s","tags":[{"name":7}]}', b'{"id":' + b"9" * 400 + b',"tags":[]}', b"[" * 2000,
)
"""Lines that are no usable record of a post with a figure: not JSON, keys missing, ids or values of another kind."""


@dataclass(frozen=True)
class Described:
    """A post in words: general tags and what is odd about its record."""

    post_id: int
    general: tuple[str, ...]
    artists: tuple[str, ...]
    characters: tuple[str, ...]
    copyright: str
    defect: str = ""
    parent_id: int = 0
    has_children: bool = False


def described(figure: Figure, tags: Sequence[str], others: Sequence[str], has_children: bool, seed: int) -> Described:
    """The post of a figure. `tags` are what the drawing shows; `others` are characters that can join it."""
    rng = generator(seed, 20, figure.index)
    look, defect = figure.look, figure.defect
    garments = {garment.tag for garment in look.outfit.garments}
    artists = [look.artist] if defect != "no_artist" else []
    characters = [look.character] if defect != "no_character" else []
    general = list(_forgotten(tags, garments, rng))
    if defect == "two_artists":
        artists.append("visiting_hand")
    if defect == "two_characters":
        characters.append(next(name for name in others if name != look.character))
    if defect == "banned_artist":
        artists.append("banned_artist")
    if defect == "no_garment":
        general = [tag for tag in tags if tag in _PLAIN_TAGS or tag.endswith(("_hair", "_eyes"))]
    if defect == "odd_unicode":
        general += [str(tag) for tag in rng.choice(sample_names.ODD_TAGS, 4, replace=False)]
    if defect == "two_figures":
        general += ["multiple_views"]
    child = figure.near_of if figure.near_kind.startswith("child_") else 0
    return Described(figure.post_id, tuple(general), tuple(artists), tuple(characters), look.copyright, defect, child,
                     has_children)


def bystanders(count: int, seed: int) -> list[Described]:
    """Posts without a figure file: `count` ordinary ones and a few past the mirror's last image."""
    rng = generator(seed, 21)
    ids = [*rng.integers(1, 60_000, count).tolist(), *(LAST_ID + rng.integers(1, 400_000, 5)).tolist()]
    return [Described(int(post), ("1girl", "solo", "hat"), (f"passer_by_{i}",), ("someone_(elsewhere)",), "elsewhere")
            for i, post in enumerate(dict.fromkeys(ids))]


def nested(post: Described, seed: int) -> bytes:
    """A line in the 2017-2020 style: numbers as strings, tags as objects."""
    rng = generator(seed, 22, post.post_id)
    size = [str(v) for v in rng.integers(600, 4000, 2)]
    up = int(rng.integers(0, 90))
    made = _date(post.post_id)
    record: dict[str, object] = {
        "id": str(post.post_id), "created_at": made, "uploader_id": str(rng.integers(1, 600_000)), "score": str(up),
        "source": "", "md5": rng.bytes(16).hex(), "last_commented_at": _NEVER, "rating": _rating(post.defect),
        "image_width": size[0], "image_height": size[1], "is_note_locked": False,
        "file_ext": str(rng.choice(["jpg", "png"])), "last_noted_at": _NEVER, "is_rating_locked": False,
        "parent_id": str(post.parent_id), "has_children": post.has_children, "approver_id": "0",
        "file_size": str(rng.integers(90_000, 4_000_000)), "is_status_locked": False, "up_score": str(up),
        "down_score": "0", **_flags(post.defect), "updated_at": made, "pixiv_id": "0",
        "tags": _tag_objects(post, rng), "favs": [str(v) for v in rng.integers(1, 600_000, min(up, 12))], "pools": [],
    }
    return _line(record)


def flat(post: Described, seed: int) -> bytes:
    """A line in the later style: true numbers, one string for each kind of tag, ratings g/s/q/e."""
    rng = generator(seed, 22, post.post_id)
    tags = _by_kind(post, rng)
    letter = _rating(post.defect)
    up = int(rng.integers(0, 90))
    record: dict[str, object] = {
        "id": post.post_id, "created_at": _date(post.post_id).replace(" UTC", "+00:00").replace(" ", "T"),
        "uploader_id": int(rng.integers(1, 600_000)), "score": up, "source": "", "md5": rng.bytes(16).hex(),
        "rating": str(rng.choice(["g", "s"])) if letter == "s" else letter,
        "image_width": int(rng.integers(600, 4000)), "image_height": int(rng.integers(600, 4000)),
        "tag_string": " ".join(tag for group in tags.values() for tag in group), "fav_count": up // 2,
        "file_ext": "jpg", "parent_id": post.parent_id or None, "has_children": post.has_children,
        "file_size": int(rng.integers(90_000, 4_000_000)), "up_score": up, "down_score": 0, **_flags(post.defect),
        **{f"tag_string_{kind}": " ".join(group) for kind, group in tags.items()}, "pixiv_id": None,
    }
    return _line(record)


def files(posts: Sequence[Described], seed: int) -> Iterator[tuple[str, bytes]]:
    """(file name below metadata/, bytes) for the posts' records, in order of id, with junk between them."""
    lines: dict[str, list[bytes]] = {name: [] for name in FILES}
    twice: list[bytes] = []
    for post in sorted(posts, key=lambda post: post.post_id):
        if post.defect == "no_record":
            continue
        name = _home(post, seed)
        line = (flat if name == FLAT else nested)(post, seed)
        lines[name].append(_spoilt(line, post.defect))
        if not twice and not post.defect and name != FILES[-1] and "solo" in post.general and post.post_id >= 60_000:
            twice = [line.replace(b"solo", b"second_record")]
    # A second record of a post, at the end of the last file: the first one wins.
    lines[FILES[-1]] += twice
    for turn, junk in enumerate(JUNK):
        home = lines[FILES[turn % len(FILES)]]
        home.insert(len(home) * turn // len(JUNK), junk)
    for name, body in lines.items():
        yield name, _packed(name, b"\n".join(body) + b"\n")


def _forgotten(tags: Sequence[str], garments: set[str], rng: np.random.Generator) -> Iterator[str]:
    """Tags without those that the taggers forgot, one in twenty; one garment is always named."""
    worn = [tag for tag in tags if tag in garments]
    sure = {"1girl", "1boy", "solo", *worn[:2]}
    for tag in tags:
        lost = rng.random() < 0.05
        if tag in sure or not lost:
            yield tag


def _by_kind(post: Described, rng: np.random.Generator) -> dict[str, list[str]]:
    meta = [str(tag) for tag in rng.choice(_META, int(rng.integers(0, 3)), replace=False)]
    return {"general": sorted(post.general), "artist": list(post.artists), "copyright": [post.copyright],
            "character": list(post.characters), "meta": meta}


def _tag_objects(post: Described, rng: np.random.Generator) -> list[dict[str, str]]:
    tags = [{"id": str(sample_names.tag_id(tag)), "name": tag, "category": _CATEGORIES[kind]}
            for kind, group in _by_kind(post, rng).items() for tag in group]
    if post.defect == "duplicate_tags":
        tags += tags[:3]
    return tags


def _rating(defect: str) -> str:
    return {"questionable": "q", "explicit": "e"}.get(defect, "s")


def _flags(defect: str) -> dict[str, bool]:
    return {key: defect == state for state, key in _STATES.items()}


def _home(post: Described, seed: int) -> str:
    if post.defect != "duplicate_tags" and generator(seed, 23, post.post_id).random() < 0.15:
        return FLAT
    later = sum(post.post_id >= first for first in (2_000_000, 2_900_000, 3_400_000))
    return FILES[1 + later]


def _spoilt(line: bytes, defect: str) -> bytes:
    if defect == "cut_record":
        return line[: len(line) // 2]
    return line.replace(b'"tags":', b'"gats":').replace(b'"tag_string_general":', b'"general":') \
        if defect == "keyless_record" else line


def _date(post_id: int) -> str:
    """When a post was made: ids spread evenly over 2005-05-24 .. 2019-12-31."""
    moment = np.datetime64("2005-05-24T00:00:00.000") + np.timedelta64(int(post_id / LAST_ID * 461_000_000), "s")
    return str(moment).replace("T", " ") + " UTC"


def _line(record: dict[str, object]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def _packed(name: str, data: bytes) -> bytes:
    if name.endswith(".gz"):
        return gzip.compress(data, 6, mtime=0)
    return lzma.compress(data, preset=1) if name.endswith(".xz") else data
