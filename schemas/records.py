"""The records that travel: Post, one source image before any model has looked at it; Drop, why a row left."""

from __future__ import annotations

import enum
from typing import Literal

import msgspec


class Rating(enum.StrEnum):
    """Normalised rating. The letter "s" means *safe* in 2017-2020 records and *sensitive* in later ones,
    so a raw letter is never compared; facts about both styles stand in `builders.sources.records`."""

    GENERAL = "general"
    SENSITIVE = "sensitive"
    QUESTIONABLE = "questionable"
    EXPLICIT = "explicit"
    UNKNOWN = "unknown"


class Post(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure file with what its source says of it.

    `id` is unique in a build: the post id, or `POSTID_crop_K` for a further crop of the same post, or the
    path below the root for folders. Tag tuples are de-duplicated, in the order of the source, raw (underscores).
    """

    id: str
    path: str
    """Path as `builders.files` reads it, of a file or of a tar's member; never published. "" for a picture that is
    only known by its `url` yet."""
    url: str = ""
    """Web address of the picture, "" where it has none."""
    text: str = ""
    """What is said beside the picture: caption, title, alternative text."""
    license: str = ""
    """Licence as its source names it ("cc-by"), "" where nobody says."""
    attribution: str = ""
    """Whom the licence asks to name."""
    post_id: str = ""
    """The post's own id where the source has one ("2895557"); several crops can share it."""
    characters: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    copyrights: tuple[str, ...] = ()
    general: tuple[str, ...] = ()
    """General tags (category 0), which become `prompts` and, through the garment list, `cloths`."""
    meta: tuple[str, ...] = ()
    rating: Rating = Rating.UNKNOWN
    rating_raw: str = ""
    md5: str = ""
    parent_id: str = ""
    """Post id of the parent, "" for none."""
    status: tuple[str, ...] = ()
    """Those of "deleted", "banned", "pending", "flagged" that are set."""
    post_url: str = ""
    outfit_hint: str = ""
    """Outfit named by the source itself (the folder source's second level), "" when answers decide."""
    needs_crop: bool = False
    """True when the file is a whole picture from which the figure must be cut out."""


Stage = Literal["source", "select", "file", "figure", "faces", "masks", "answers", "group", "plan", "generate",
                "fetch", "near"]
"""Where a row can leave."""

STAGES: dict[str, tuple[Stage, ...]] = {
    "retribooru": ("source", "select", "file", "figure", "faces", "masks", "answers", "group"),
    "subject": ("source", "file"),
    "regularization": ("plan", "generate"),
    "coti": ("source", "fetch", "file", "near"),
}
"""The stages of each recipe's builds, in their order."""

REASONS: dict[str, tuple[Stage, str]] = {
    # reason: (stage, what it means)
    "no_metadata": ("source", "a figure file whose post id stands in no metadata record"),
    "bad_metadata": ("source", "the post's metadata record cannot be read or lacks its tags"),
    "bad_name": ("source", "a file whose name or place gives no post id or identity"),
    "not_a_file": ("source", "a directory, socket or other non-file with a picture's name"),
    "bad_archive": ("source", "a tar, or a member of it, that cannot be read: damaged, cut off, packed, sparse"),
    "outside_root": ("source", "a symbolic link that leads out of the root"),
    "duplicate_file": ("source", "a second file for the same figure (another tree or extension), or with the same "
                       "bytes as another picture of the subject"),
    "bad_url": ("source", "a line of the list without a web address that can be asked: none, malformed, too long, not "
                "http or https"),
    "duplicate_url": ("source", "a web address that stands in the list before"),
    "excluded": ("select", "named in the --exclude file (post id, artist, name, md5; a file's own md5 at stage file)"),
    "status": ("select", "deleted, banned or pending post"),
    "banned_artist": ("select", "carries the banned_artist tag"),
    "rating": ("select", "rating not among --ratings"),
    "character_count": ("select", "not exactly one character tag"),
    "artist_count": ("select", "not exactly one artist tag"),
    "no_garment": ("select", "no tag from the garment list"),
    "not_solo": ("select", "whole picture without the solo tag"),
    "singleton": ("select", "fewer than two rows left of this identity: it can never have a reference"),
    "opted_out": ("fetch", "the address's domain is named in the --opt-out list; a file's own hash at stage file"),
    "robots_tag": ("fetch", "the server's X-Robots-Tag says noai, noimageai, noindex or noimageindex"),
    "private_address": ("fetch", "the host is at a private, loopback, link-local or otherwise reserved address"),
    "redirects": ("fetch", "too many redirects, a circle of them, or one that leads nowhere"),
    "http_status": ("fetch", "the server answered with a status other than 200"),
    "unreachable": ("fetch", "no such host, no connection, or it broke off: another run asks again"),
    "timeout": ("fetch", "the server was too slow, or never stopped sending: another run asks again"),
    "cut_short": ("fetch", "fewer bytes came than the server had promised: another run asks again"),
    "missing_file": ("file", "the file vanished after it was listed"),
    "unreadable": ("file", "the file could not be read (permission, I/O error)"),
    "empty": ("file", "zero bytes"),
    "not_an_image": ("file", "the bytes are no picture (HTML, text, unknown format)"),
    "truncated": ("file", "the picture ends too early"),
    "corrupt": ("file", "the picture's data cannot be decoded"),
    "animated": ("file", "more than one frame"),
    "too_large": ("file", "more pixels or bytes than allowed (decompression bomb)"),
    "too_small": ("file", "shorter side under --min-side"),
    "no_figure": ("figure", "no figure found to cut out of the whole picture"),
    "no_face": ("faces", "no face box over --face-score"),
    "many_faces": ("faces", "more than one face box over --face-score"),
    "matte_coverage": ("masks", "matte covers too little or too much of the picture"),
    "answer_unknown": ("answers", "a question about the clothes has no known answer"),
    "near_copy": ("near", "an edit of a seed, or of another picture of the pool, which stays"),
    "low_clip_t": ("generate", "in every attempt the picture fits its prompt less than --min-clip-t"),
    "refused": ("generate", "in every attempt the generator's own safety filter blanked the picture"),
    "no_reference": ("group", "no other picture of this identity wears the same outfit"),
}
"""The closed vocabulary of drop reasons. A build that meets another one stops."""


class Drop(msgspec.Struct, frozen=True):
    """Why a row left: `reason` from REASONS, the stage it left at, and what was seen against what is allowed.

    `singleton` can happen after any stage, so the stage is given, not looked up.
    """

    reason: str
    stage: Stage
    value: str = ""
    threshold: str = ""
    model: str = ""
    """`name:identity` of the annotator whose answer decided, "" when none did."""


def drop(reason: str, *, value: object = "", threshold: object = "", model: str = "") -> Drop:
    """A Drop at the reason's own stage."""
    return Drop(reason, REASONS[reason][0], str(value), str(threshold), model)


class Rejected(msgspec.Struct, frozen=True):
    """A file that is no Post: its source says why. `id` is the path where the file has no id of its own."""

    id: str
    path: str
    """Path below the source's root, characters that cannot be printed escaped."""
    drop: Drop
    sha256: str = ""
