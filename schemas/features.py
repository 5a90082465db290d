"""The published columns, each with its meaning, unit, range and source.

The RetriBooru record keeps the names that the paper's Figure 2 prints (id, image, bbox, character, artists,
cloths, prompts, similar) and adds ours; `SOURCE_PAPER` marks the former.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import datasets

SOURCE_PAPER = "RetriBooru, Fig. 2"
SOURCE_OURS = "Likeness"


class Column(NamedTuple):
    """One published column: name, kind (a key of `_KINDS`), meaning with unit and range, where it comes from."""

    name: str
    kind: str
    meaning: str
    source: str


RETRIBOORU: tuple[Column, ...] = (
    Column("id", "string", "row id: the post id, or POSTID_crop_K for a further crop of one post", SOURCE_PAPER),
    Column("image", "image", "the figure, RGB, upright; original bytes untouched for figure files", SOURCE_PAPER),
    Column("mask", "matte", "soft matte of the figure, 8 bit, 0 background .. 255 figure, size of the image",
           SOURCE_PAPER),
    Column("bbox", "box", "face box cx, cy, w, h over image width and height, 0..1 (YOLO order); null where a "
           "build with --face any found not just one", SOURCE_PAPER),
    Column("character", "string", "the one character tag, raw", SOURCE_PAPER),
    Column("artists", "string", "the one artist tag, raw (the record's key is plural)", SOURCE_PAPER),
    Column("copyright", "strings", "copyright tags, raw", SOURCE_PAPER),
    Column("cloths", "strings", "garment tags, spaces for underscores", SOURCE_PAPER),
    Column("prompts", "string", "general tags, raw, alphabetical, joined by comma and space", SOURCE_PAPER),
    Column("similar", "strings", "ids of the rows that may serve as references: same identity and outfit, no near "
           "copy; may be non-transitive", SOURCE_PAPER),
    Column("outfit", "string", "disjoint outfit cluster: equal for rows that are connected through `similar`",
           SOURCE_OURS),
    Column("answers", "answers", "what was answered about the clothes, by question", SOURCE_OURS),
    Column("face_score", "float32", "score of the face box, 0..1; null without a box", SOURCE_OURS),
    Column("coverage", "float32", "share of the image that the matte covers, 0..1", SOURCE_OURS),
    Column("rating", "string", "general, sensitive, questionable, explicit or unknown", SOURCE_OURS),
    Column("rating_raw", "string", "the rating as the source writes it", SOURCE_OURS),
    Column("post_url", "string", "page of the post, empty where the source has none", SOURCE_OURS),
    Column("sha256", "string", "hex digest of the source file's bytes", SOURCE_OURS),
    Column("phash", "string", "64-bit perceptual hash of the image, 16 hex digits", SOURCE_OURS),
    Column("width", "int32", "image width in pixels, upright", SOURCE_OURS),
    Column("height", "int32", "image height in pixels, upright", SOURCE_OURS),
)

REJECTED: tuple[Column, ...] = (
    Column("id", "string", "row id, or the file's path below the root where it has none", SOURCE_OURS),
    Column("path", "string", "path below the source's root", SOURCE_OURS),
    Column("stage", "string", "stage the row left at", SOURCE_OURS),
    Column("reason", "string", "reason from the closed vocabulary `schemas.records.REASONS`", SOURCE_OURS),
    Column("value", "string", "what was seen", SOURCE_OURS),
    Column("threshold", "string", "what is allowed", SOURCE_OURS),
    Column("model", "string", "name and identity of the annotator that decided, empty when none did", SOURCE_OURS),
    Column("sha256", "string", "hex digest of the file's bytes where it was read", SOURCE_OURS),
)


def features(columns: tuple[Column, ...]) -> datasets.Features:
    """The columns as `datasets.Features`; `datasets` is imported here because it takes seconds."""
    from datasets import Features, Image, List, Value

    kinds = {
        "string": Value("string"),
        "strings": List(Value("string")),
        "float32": Value("float32"),
        "int32": Value("int32"),
        "box": List(Value("float32"), length=4),
        "image": Image(mode="RGB"),
        "matte": Image(mode="L"),
        "answers": List({"question": Value("string"), "answer": Value("string")}),
    }
    return Features({column.name: kinds[column.kind] for column in columns})
