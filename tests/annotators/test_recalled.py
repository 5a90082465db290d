"""Models that a manifest names, opened again: the same ones or none."""

from __future__ import annotations

import pytest

from annotators.embeddings import open_embeddings
from annotators.light_aesthetics import LightAesthetics
from annotators.recalled import aesthetics_of, embeddings_of, named
from schemas.errors import UsageError
from schemas.manifest import Manifest, Model


def manifest(*models: Model, **options: object) -> Manifest:
    return Manifest(recipe="coti", version="1.0.0", content_digest="", rows_digest="", source={}, counts={},
                    options=options, models=list(models), funnel=[], splits={}, near_copies=0, built_with={}, files={})


def light(role: str, identity: str = "") -> Model:
    one = open_embeddings("light") if role == "embeddings" else LightAesthetics()
    return Model(role, identity or one.identity, one.provenance)


def test_light_models_are_opened_as_they_were() -> None:
    said = manifest(light("embeddings"), light("aesthetics"), embeddings="light", aesthetics="light")
    embeddings = embeddings_of(said, width=228)
    assert embeddings.width == 228 and aesthetics_of(said, embeddings).name == "aesthetics"


def test_other_models_are_refused() -> None:
    said = manifest(light("embeddings", "0" * 64), light("aesthetics", "0" * 64), embeddings="light",
                    aesthetics="light")
    with pytest.raises(UsageError, match="not the weights that embedded the pool"):
        embeddings_of(said)
    with pytest.raises(UsageError, match="not the weights that judged the pool"):
        aesthetics_of(said, open_embeddings("light"))
    with pytest.raises(UsageError, match="not the weights that embedded the pool"):
        embeddings_of(manifest(light("embeddings"), embeddings="light"), width=768)
    with pytest.raises(UsageError, match="names no aesthetics"):
        aesthetics_of(manifest(), open_embeddings("light"))


def test_files_of_the_hub_are_asked_for_at_their_commit() -> None:
    there = Model("aesthetics", "", {"weights": "someone/head:folder/head.safetensors", "revision": "0123abcd"})
    assert named(there, manifest(aesthetics="paper")) == "someone/head@0123abcd:folder/head.safetensors"
    mine = Model("aesthetics", "", {"weights": "head.safetensors"})
    with pytest.raises(UsageError, match="--aesthetics FILE"):
        named(mine, manifest(aesthetics="head.safetensors"))
