"""The YAML, as the libraries of the Hub read it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from cards.front import front, size_category, tags
from cards.survey import Survey, survey


@pytest.mark.parametrize(("rows", "name"), [
    (0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (9_999, "1K<n<10K"), (116_729, "100K<n<1M"),
    (10**12, "n>1T"),
])
def test_size_categories(rows: int, name: str) -> None:
    assert size_category(rows) == name


def test_front_names_splits_with_rows_only(trio: dict[str, Any], write: Any, manifest: Any) -> None:
    data = write(trio)
    said = yaml.safe_load(front(manifest(), data, survey(data), "A name"))
    assert said["configs"] == [{"config_name": "default", "default": True, "data_files": [
        {"split": "train", "path": "data/train-*.parquet"},
        {"split": "test_unseen", "path": "data/test_unseen-*.parquet"}]}]
    assert [(split["name"], split["num_examples"]) for split in said["dataset_info"]["splits"]] == [
        ("train", 3), ("test_unseen", 2)]
    stored = sum(path.stat().st_size for paths in data.values() for path in paths)
    assert said["dataset_info"]["download_size"] == stored
    assert said["license"] == "other"
    assert said["license_link"] == "LICENSE.md"
    assert said["size_categories"] == ["n<1K"]
    assert said["task_categories"] == ["text-to-image", "image-to-image"]
    assert said["source_datasets"] == ["extended|other-danbooru2019"]
    assert said["pretty_name"] == "A name"


def test_the_sample_is_under_the_licence_of_the_program_that_drew_it(trio: dict[str, Any], write: Any,
                                                                     manifest: Any) -> None:
    data = write(trio)
    said = yaml.safe_load(front(manifest(source={"name": "sample"}), data, survey(data), "A name"))
    assert said["license"] == "apache-2.0"
    assert "license_name" not in said and "license_link" not in said
    assert said["source_datasets"] == ["original"]
    assert "anime" in said["tags"]


def test_a_later_copy_is_named_as_the_origin(trio: dict[str, Any], write: Any, manifest: Any) -> None:
    data = write(trio)
    said = yaml.safe_load(front(manifest(source={"name": "danbooru"}), data, survey(data), "A name"))
    assert said["source_datasets"] == ["extended|other-danbooru"] and "anime" in said["tags"]
    assert said["license"] == "other"


def test_front_of_nothing_names_no_file(manifest: Any) -> None:
    said = yaml.safe_load(front(manifest(splits={}), {"train": []}, Survey(), "A name"))
    assert "configs" not in said
    assert "dataset_info" not in said


def test_tags_tell_the_audience_and_the_domain(manifest: Any) -> None:
    seen = Survey()
    seen.ratings.update({"general": 3})
    assert "anime" in tags(manifest(), seen)
    assert "not-for-all-audiences" not in tags(manifest(), seen)
    seen.ratings.update({"questionable": 1})
    assert "not-for-all-audiences" in tags(manifest(), seen)
    assert "anime" not in tags(manifest(source={"name": "folder"}), seen)


@pytest.mark.parametrize("source", ["danbooru2019", "sample", "folder"])
def test_the_hub_knows_every_value(trio: dict[str, Any], write: Any, manifest: Any, source: str) -> None:
    """What the Hub's page on dataset cards allows; it refuses a commit with anything else."""
    data = write(trio)
    said = yaml.safe_load(front(manifest(source={"name": source}), data, survey(data), "A name"))
    assert {"license", "language", "pretty_name", "tags", "task_categories"} <= said.keys()
    assert said["license"] in ("apache-2.0", "other")
    if said["license"] == "other":  # then it must be named, by an id, and a file beside the card must hold it
        assert re.fullmatch(r"[a-z0-9-.]+", said["license_name"])
        assert said["license_link"] in ("LICENSE", "LICENSE.md")
    assert said["language"] == ["en"]
    assert set(said["annotations_creators"]) <= {"crowdsourced", "found", "expert-generated", "machine-generated",
                                                 "no-annotation", "other"}
    assert set(said["task_categories"]) <= {"text-to-image", "image-to-image", "image-segmentation"}
    assert all(re.fullmatch(r"original|extended(\|[\w-]+)?", one) for one in said["source_datasets"])
    assert all(re.fullmatch(r"(n|\d+[KMBT])<(n<)?\d+[KMBT]|n>1T", one) for one in said["size_categories"])
    assert all(isinstance(tag, str) and len(tag) < 64 for tag in said["tags"])
