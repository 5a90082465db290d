"""What `build explain` tells of a row that is kept, by recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.manifest import Manifest
from schemas.prompts import PARTS


class Teller(NamedTuple):
    """How a recipe's rows are told."""

    story: Callable[[Mapping[str, Any], Manifest], list[str]]
    """The lines below the first, of a row's columns but for the pixels."""
    nullable: frozenset[str]
    """Columns that may be null."""
    before: str = ""
    """Pattern of what may be left out before an id or a path."""


def _figure(row: Mapping[str, Any], manifest: Manifest) -> list[str]:
    options = manifest.options
    models = {model.role: f"{model.role}:{model.identity[:12]}" for model in manifest.models}
    face = "no single face" if row["face_score"] is None else f"score {row['face_score']:.3f}"
    answers = "; ".join(f"{one['question']} {one['answer']}" for one in row["answers"])
    return [
        f"  character  {row['character']}   artist {row['artists'] or '(none)'}   {row['post_url']}",
        f"  rating     {row['rating']} (raw {row['rating_raw']!r}), allowed {options.get('ratings')}",
        f"  file       {row['width']}x{row['height']}, shorter side at least {options.get('min_side')}, "
        f"sha256 {row['sha256'][:16]}",
        f"  face       {face}, at least {options.get('face_score')} ({models.get('faces')})",
        f"  matte      covers {row['coverage']:.3f}, within {options.get('matte_min')}..{options.get('matte_max')} "
        f"({models.get('masks')})",
        f"  answers    {answers} ({models.get('answers')})",
        f"  cloths     {', '.join(row['cloths'])}",
        f"  outfit     {row['outfit']}: {len(row['similar'])} references: {', '.join(row['similar'][:12])}"
        + (" ..." if len(row["similar"]) > 12 else ""),
    ]


def _subject(row: Mapping[str, Any], manifest: Manifest) -> list[str]:
    who = next((f"captions:{model.identity[:12]}" for model in manifest.models if model.role == "captions"), "by hand")
    return [
        f"  subject    {row['subject']}: {row['class_name']} ({row['kind']}), token {row['token']}",
        f"  text       {row['text']}",
        f"  caption    {row['caption']} ({who})",
        f"  scene      {row['scene'] or '(none)'}",
        f"  file       {row['width']}x{row['height']}, sha256 {row['sha256'][:16]}",
    ]


def _drawn(row: Mapping[str, Any], manifest: Manifest) -> list[str]:
    names = next(names for names in PARTS.values() if row.keys() >= set(names))
    parts = ", ".join(f"{name} {row[name]!r}" for name in names if row[name])
    least = manifest.options.get("min_clip_t")
    score = "not asked for" if row["clip_t"] is None else f"{row['clip_t']:.3f}, at least {least}"
    return [
        f"  text       {row['text']}",
        f"  prompt     family {row['family']}: {row['class_name']}" + (f"; {parts}" if parts else ""),
        f"  drawn by   {row['generator']}, seed {row['seed']}, {row['steps']} steps, guidance {row['guidance']:g}, "
        f"attempt {row['attempts']}",
        f"  CLIP-T     {score}",
        f"  file       {row['width']}x{row['height']}, sha256 {row['sha256'][:16]}",
    ]


def _pooled(row: Mapping[str, Any], manifest: Manifest) -> list[str]:
    options, models = manifest.options, {model.role: f"{model.role}:{model.identity[:12]}" for model in manifest.models}
    weights = ", ".join(f"{name} {1 - float(str(options.get(f'gamma_{name}') or 0)) / 10:g}"
                        for name in ("aesthetic", "concept"))
    return [
        f"  url        {row['url'] or '(a file)'}",
        f"  text       {row['text'] or '(none)'}",
        f"  licence    {row['license'] or '(not said)'}" + (f", {row['attribution']}" if row["attribution"] else ""),
        f"  file       {row['width']}x{row['height']}, shorter side at least {options.get('min_side')}, "
        f"sha256 {row['sha256'][:16]}",
        f"  aesthetic  {row['aesthetic_score']:.3f} of 10 ({models.get('aesthetics')})",
        f"  concept    {row['concept_score']:.3f} of 10, rule {options.get('concept_rule')}: "
        f"{options.get('concept')} ({models.get('embeddings')})",
        f"  integrated {row['integrated_score']:.3f}, weights {weights}",
        f"  status     {row['status']}: --select {options.get('select')}, --budget {options.get('budget')}",
    ]


TELLERS: dict[str, Teller] = {
    "retribooru": Teller(_figure, frozenset({"bbox", "face_score"})),
    "subject": Teller(_subject, frozenset(), "([^/]+/)?"),
    "regularization": Teller(_drawn, frozenset({"clip_t"}), "0*"),
    "coti": Teller(_pooled, frozenset(), "(seed:)?"),
}
