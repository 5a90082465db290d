"""The published columns, each with its meaning, unit, range and source.

The RetriBooru record keeps the names that the paper's Figure 2 prints (id, image, bbox, character, artists,
cloths, prompts, similar) and adds ours; `SOURCE_PAPER` marks the former. Subjects and regularization sets keep every
part of a prompt in a column of its own (`SOURCE_DATA`), so that a trainer can drop words and compose the rest anew. A
pool's rows carry what COTI's selection reads (`SOURCE_COTI`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pyarrow as pa

SOURCE_PAPER = "RetriBooru, Fig. 2"
SOURCE_DATA = "A Data Perspective, section 3"
SOURCE_COTI = "COTI, section 3.2"
SOURCE_OURS = "Likeness"


class Column(NamedTuple):
    """One published column: name, kind (a key of `_KINDS`, or vectorN for N numbers), meaning with unit and range,
    where it comes from."""

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

SUBJECT: tuple[Column, ...] = (
    Column("id", "string", "row id: SUBJECT/NN, the folder's name and the file's without its extension", SOURCE_OURS),
    Column("image", "image", "the picture, RGB, upright; original bytes untouched", SOURCE_DATA),
    Column("text", "string", "training caption with the identifier token before the class words: \"a olis backpack "
           "on a rock\"", SOURCE_DATA),
    Column("caption", "string", "the same without the token: \"a backpack on a rock\"", SOURCE_DATA),
    Column("token", "string", "identifier token", SOURCE_DATA),
    Column("class_name", "string", "class words as they stand in the caption", SOURCE_DATA),
    Column("kind", "string", "object, animal or person", SOURCE_OURS),
    Column("scene", "string", "the caption without its noun phrase: a phrase that follows it (\"on a rock\"), or a "
           "sentence with $concept in its place", SOURCE_OURS),
    Column("subject", "string", "name of the subject, its folder's", SOURCE_OURS),
    Column("sha256", "string", "hex digest of the file's bytes", SOURCE_OURS),
    Column("width", "int32", "image width in pixels, upright", SOURCE_OURS),
    Column("height", "int32", "image height in pixels, upright", SOURCE_OURS),
)


def _regularization(first: tuple[str, str, str], scene: str) -> tuple[Column, ...]:
    words = [Column(name, "string", f"the prompt's word of {name}, empty where it has none", SOURCE_DATA)
             for name in first]
    place = Column(scene, "string", f"the prompt's {scene}: a phrase that follows the noun phrase, or a sentence with "
                   "$concept in its place", SOURCE_DATA)
    return (
        Column("id", "string", "row id: the number in the plan, five digits or more", SOURCE_OURS),
        Column("image", "image", "the generated picture, RGB, PNG", SOURCE_DATA),
        Column("text", "string", "the whole prompt", SOURCE_DATA),
        Column("style", "string", "the prompt's beginning (\"a photo of\"), empty where it has none", SOURCE_DATA),
        *words,
        Column("class_name", "string", "class words", SOURCE_DATA),
        place,
        Column("family", "string", "training, photographic, styled, test or class: how the prompt came about",
               SOURCE_DATA),
        Column("seed", "int64", "seed of the picture's noise", SOURCE_OURS),
        Column("generator", "string", "name of the generator that drew the picture", SOURCE_OURS),
        Column("guidance", "float32", "guidance scale; 0 where the generator has none", SOURCE_OURS),
        Column("steps", "int32", "sampling steps; 0 where the generator has none", SOURCE_OURS),
        Column("attempts", "int32", "pictures drawn for this prompt until one was good enough", SOURCE_OURS),
        Column("clip_t", "float32", "cosine of the picture's and the prompt's CLIP embeddings, -1..1; null where it "
               "was not asked for", SOURCE_OURS),
        Column("sha256", "string", "hex digest of the picture's bytes", SOURCE_OURS),
        Column("width", "int32", "image width in pixels", SOURCE_OURS),
        Column("height", "int32", "image height in pixels", SOURCE_OURS),
    )


REGULARIZATION: dict[str, tuple[Column, ...]] = {
    "static": _regularization(("shape", "color", "texture"), "background"),
    "living": _regularization(("body", "skin", "emotion"), "motion"),
}
"""By the form of the prompts, see `schemas.prompts`."""


def pool(width: int) -> tuple[Column, ...]:
    """The columns of a pool whose embeddings have `width` numbers."""
    return (
        Column("id", "string", "row id: the file's path without its extension, a digest of the web address, or the "
               "name that the source gives; seed:NAME for a seed of a folder", SOURCE_OURS),
        Column("image", "image", "the picture, RGB; the bytes that were found or fetched, or with --resize the JPEG "
               "made of them", SOURCE_OURS),
        Column("url", "string", "web address that the picture was fetched from, empty for a file", SOURCE_OURS),
        Column("text", "string", "what the source says of the picture: caption, title, alternative text", SOURCE_OURS),
        Column("license", "string", "licence as the source names it, empty where nobody says", SOURCE_OURS),
        Column("attribution", "string", "whom the licence asks to name", SOURCE_OURS),
        Column("sha256", "string", "hex digest of the image's bytes", SOURCE_OURS),
        Column("phash", "string", "64-bit perceptual hash of the image, 16 hex digits", SOURCE_OURS),
        Column("width", "int32", "image width in pixels, upright", SOURCE_OURS),
        Column("height", "int32", "image height in pixels, upright", SOURCE_OURS),
        Column("embedding", f"vector{width}", "embedding of the image, of unit length", SOURCE_OURS),
        Column("aesthetic_score", "float32", "S_aes (Eq. 7), 0..10", SOURCE_COTI),
        Column("concept_score", "float32", "S_con (Eq. 8) by the rule that the manifest names, 0..10", SOURCE_COTI),
        Column("integrated_score", "float32", "S_int (Eq. 11), 0..20", SOURCE_COTI),
        Column("status", "string", "seed; selected, among the --budget best by the strategy that the manifest names; "
               "or pool", SOURCE_OURS),
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


class Kind(NamedTuple):
    """A kind of column: in Parquet, as `datasets` names it in the file's metadata, and as a card's YAML does."""

    arrow: pa.DataType
    stored: Mapping[str, Any]
    listed: Mapping[str, Any]


def _value(name: str, arrow: pa.DataType) -> Kind:
    return Kind(arrow, {"dtype": name, "_type": "Value"}, {"dtype": name})


def _picture(mode: str) -> Kind:
    return Kind(pa.struct({"bytes": pa.binary(), "path": pa.string()}), {"mode": mode, "_type": "Image"},
                {"dtype": {"image": {"mode": mode}}})


def _numbers(length: int) -> Kind:
    return Kind(pa.list_(pa.float32(), length), {"feature": _FLOAT.stored, "length": length, "_type": "List"},
                {"list": "float32", "length": length})


_STRING, _FLOAT = _value("string", pa.string()), _value("float32", pa.float32())
_SAID = ("question", "answer")
_KINDS = {
    "string": _STRING,
    "strings": Kind(pa.list_(pa.string()), {"feature": _STRING.stored, "_type": "List"}, {"list": "string"}),
    "float32": _FLOAT,
    "int32": _value("int32", pa.int32()),
    "int64": _value("int64", pa.int64()),
    "box": _numbers(4),
    "image": _picture("RGB"),
    "matte": _picture("L"),
    "answers": Kind(pa.list_(pa.struct(dict.fromkeys(_SAID, pa.string()))),
                    {"feature": dict.fromkeys(_SAID, _STRING.stored), "_type": "List"},
                    {"list": [{"name": name, **_STRING.listed} for name in _SAID]}),
}


def _kind(column: Column) -> Kind:
    if column.kind.startswith("vector"):
        return _numbers(int(column.kind.removeprefix("vector")))
    return _KINDS[column.kind]


def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The columns as `datasets` itself would write them, with its features in the metadata; `datasets` stays out of a
    build, because it takes a second and 100 MB in every process."""
    said = {"info": {"features": {column.name: _kind(column).stored for column in columns}}}
    return pa.schema([(column.name, _kind(column).arrow) for column in columns],
                     {"huggingface": json.dumps(said)})


def listed(columns: tuple[Column, ...]) -> list[dict[str, Any]]:
    """The columns as they stand in a card's YAML, under `dataset_info`."""
    return [{"name": column.name, **_kind(column).listed} for column in columns]
