"""The models that a published pool was seen through, opened again: scores of others could not be compared with its."""

from __future__ import annotations

from annotators.aesthetics import Aesthetics, open_aesthetics
from annotators.base import Annotator
from annotators.embeddings import Embeddings, open_embeddings
from annotators.weights import LIGHT
from schemas.errors import UsageError
from schemas.manifest import Manifest, Model


def embeddings_of(manifest: Manifest, wanted: str = "", width: int = 0) -> Embeddings:
    """What embedded the pool, as vectors of `width` numbers where that is known. `wanted` says where its weights lie,
    "" where the manifest does. Raises UsageError when they are elsewhere, or others than the manifest says."""
    there = _role(manifest, "embeddings")
    mine = open_embeddings(wanted or named(there, manifest))
    if width and mine.width != width:
        raise _others(mine, there)
    _check(mine, there)
    return mine


def aesthetics_of(manifest: Manifest, embeddings: Embeddings, wanted: str = "") -> Aesthetics:
    """What judged the pool's looks; `embeddings` are the pool's. Raises UsageError as `embeddings_of` does."""
    there = _role(manifest, "aesthetics")
    mine = open_aesthetics(wanted or named(there, manifest), embeddings)
    _check(mine, there)
    return mine


def named(there: Model, manifest: Manifest) -> str:
    """How to ask for the weights that a manifest names."""
    if manifest.options.get(there.role) == LIGHT:
        return LIGHT
    name, revision = there.provenance.get("weights", ""), there.provenance.get("revision")
    if not revision:
        was = {"embeddings": "embedded with weights of a folder", "aesthetics": "judged by weights in a file"}
        raise UsageError(f"the pool was {was[there.role]}, which the manifest does not know", seen=name,
                         next_command=f"--{there.role} {'FOLDER' if there.role == 'embeddings' else 'FILE'}")
    repo, colon, file = name.partition(":")
    return f"{repo}@{revision}{colon}{file}"


def _role(manifest: Manifest, role: str) -> Model:
    there = next((model for model in manifest.models if model.role == role), None)
    if there is None:
        raise UsageError(f"the manifest names no {role}", seen=manifest.recipe, next_command="build verify DIR")
    return there


def _check(mine: Annotator, there: Model) -> None:
    sha256 = there.provenance.get("sha256")
    # On another device an identity is another, and the weights are the same.
    if not (mine.identity == there.identity or (sha256 and mine.provenance.get("sha256") == sha256)):
        raise _others(mine, there)


def _others(mine: Annotator, there: Model) -> UsageError:
    did = {"embeddings": "embedded the pool", "aesthetics": "judged the pool"}[there.role]
    return UsageError(f"these are not the weights that {did}",
                      seen=f"{mine.provenance.get('weights')}, sha256 {mine.provenance.get('sha256', '')[:16]}",
                      allowed=f"{there.provenance.get('weights')}, sha256 {there.provenance.get('sha256', '')[:16]}",
                      next_command=f"--{there.role} with the weights of the build")
