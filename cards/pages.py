"""What the pages of all recipes have in common: templates, and the tables of stages and models."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import jinja2

from schemas.manifest import Manifest
from schemas.records import REASONS
from schemas.text import Raw, code, link, markdown, visible

README, LICENCE = "README.md", "LICENSE.md"


def render(template: str, **words: Any) -> bytes:
    """Every value is escaped for Markdown on its way out, unless it is `Raw`."""
    house = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), undefined=jinja2.StrictUndefined,
        finalize=lambda value: markdown(value), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        autoescape=False,
    )
    house.filters.update(code=code, raw=Raw, link=link, verbatim=lambda value: Raw(visible(value)),
                         count="{:,}".format, share="{:.1%}".format,
                         number=lambda value: "-" if value is None else f"{value:.3g}")
    return house.get_template(template).render(words).encode()


def models(manifest: Manifest) -> list[dict[str, str]]:
    """Each annotator with its backend, weights, revision, weight sha256 and licence; "-" where it has none."""
    keys = ("backend", "weights", "revision", "sha256", "licence")
    return [{"role": model.role, "identity": model.identity, **{key: model.provenance.get(key, "") for key in keys}}
            for model in manifest.models]


def funnel(manifest: Manifest) -> list[dict[str, Any]]:
    """Stages with rows in and out, and for each drop reason its count and meaning, most frequent first."""
    return [{"stage": step.stage, "rows_in": step.rows_in, "rows_out": step.rows_out,
             "dropped": sum(step.drops.values()),
             "reasons": [(reason, count, REASONS[reason][1] if reason in REASONS else "")
                         for reason, count in sorted(step.drops.items(), key=lambda item: (-item[1], item[0]))]}
            for step in manifest.funnel]


def word(value: object) -> str:
    """A value as a shell reads it, on one line."""
    return shlex.quote(visible(str(value)))
