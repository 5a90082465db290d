"""The card's YAML: what the Hub shows, filters by and what `load_dataset` reads."""

from __future__ import annotations

from typing import Any

from huggingface_hub import DatasetCardData

from cards import shards
from cards.survey import Survey
from schemas.features import RETRIBOORU, Column, listed
from schemas.manifest import Manifest

LICENCE_NAME = "artists-retain-their-rights"

_DRAWN = {"danbooru", "danbooru2019", "sample"}
"""Sources of anime pictures; a folder may hold any domain."""


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows ("1K<n<10K"); each bound belongs to the larger class."""
    bounds = (("1K", 10**3), ("10K", 10**4), ("100K", 10**5), ("1M", 10**6), ("10M", 10**7), ("100M", 10**8),
              ("1B", 10**9), ("10B", 10**10), ("100B", 10**11), ("1T", 10**12))
    below = "n"
    for name, bound in bounds:
        if rows < bound:
            return f"{below}<{name}" if below == "n" else f"{below}<n<{name}"
        below = name
    return "n>1T"


def front(manifest: Manifest, data: shards.Data, seen: Survey, name: str) -> str:
    """The YAML between the two rules of a RetriBooru card."""
    ours = manifest.source.get("name") == "sample"  # drawn by Likeness itself, under its own licence
    return written(
        manifest, data, RETRIBOORU,
        pretty_name=name,
        license="apache-2.0" if ours else "other",
        license_name=None if ours else LICENCE_NAME,
        license_link=None if ours else "LICENSE.md",
        task_categories=["text-to-image", "image-to-image"],
        annotations_creators=["machine-generated"],
        source_datasets=_origin(manifest),
        tags=tags(manifest, seen),
    )


def written(manifest: Manifest, data: shards.Data, columns: tuple[Column, ...], **words: Any) -> str:
    """The YAML between a card's two rules: `words` as `DatasetCardData` takes them; language, size, columns and files
    are added. A split without rows is left out: `load_dataset` would miss it."""
    card = DatasetCardData(language=["en"], size_categories=[size_category(sum(manifest.splits.values()))], **words)
    counts = {split: shards.sizes(data[split]) for split in shards.splits(data)}
    counts = {split: sizes for split, sizes in counts.items() if sizes[0]}
    if counts:
        card["dataset_info"] = {
            "features": listed(columns),
            "splits": [{"name": split, "num_bytes": decoded, "num_examples": rows}
                       for split, (rows, decoded, _) in counts.items()],
            "download_size": sum(stored for _, _, stored in counts.values()),
            "dataset_size": sum(decoded for _, decoded, _ in counts.values()),
        }
        files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in counts]
        card["configs"] = [{"config_name": "default", "data_files": files, "default": True}]
    return str(card.to_yaml())


def tags(manifest: Manifest, seen: Survey) -> list[str]:
    """Search tags; `not-for-all-audiences` wherever a rating above sensitive stands or one is missing."""
    found = ["identity-preserving-generation", "subject-driven-generation", "personalization", "retribooru",
             "likeness", "reference-images", "segmentation-mattes"]
    if manifest.source.get("name") in _DRAWN:
        found.insert(0, "anime")
    if not seen.for_all_audiences:
        found.append("not-for-all-audiences")
    return found


def _origin(manifest: Manifest) -> list[str]:
    name = manifest.source.get("name", "")
    return [f"extended|other-{name}"] if name.startswith("danbooru") else ["original"]
