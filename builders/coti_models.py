"""The annotators of a pool, one for each role."""

from __future__ import annotations

from dataclasses import dataclass

from annotators.aesthetics import Aesthetics, open_aesthetics
from annotators.base import Annotator
from annotators.embeddings import Embeddings, open_embeddings
from annotators.hashes import Hashes
from annotators.model_embeddings import ModelEmbeddings
from builders.coti_options import Coti
from builders.engines import Engine
from builders.visits import Link
from schemas.errors import UsageError
from schemas.manifest import Model

LATENT = "latent"
"""Column of what the VAE of a text-to-image model gives."""


@dataclass(frozen=True)
class Models:
    """What looks at a pool's pictures. `latents` only with --concept-rule paper."""

    embeddings: Embeddings
    aesthetics: Aesthetics
    hashes: Hashes
    latents: Embeddings | None

    def roles(self) -> dict[str, Annotator]:
        """Annotators by role, in the order in which they look."""
        also = self.aesthetics.embeddings
        found: dict[str, Annotator | None] = {
            "hashes": self.hashes, "embeddings": self.embeddings, "aesthetics_embeddings": also,
            "aesthetics": self.aesthetics, "latents": self.latents}
        return {role: one for role, one in found.items() if one is not None}

    def named(self) -> list[Model]:
        """As the manifest names them."""
        return [Model(role, one.identity, one.provenance) for role, one in self.roles().items()]

    def chains(self) -> list[list[Link]]:
        """Chains of annotators, one for each time that a picture is visited. What computes without weights costs no
        more than decoding does, and joins the visit before, as does what reads only another's column."""
        chains: list[list[Link]] = []
        for one in (one for one in self.roles().values() if one is not self.hashes):
            if not chains or ("image" in one.needs and one.provenance.get("weights") != "none"):
                chains.append([])
            chains[-1].append(Link(one, "near"))
        return chains


def open_models(options: Coti) -> Models:
    """The annotators that the options name; weights of the Hub are fetched. Raises UsageError when some are missing."""
    embeddings = open_embeddings(options.weights("embeddings"))
    latents = _latents(options.vae) if options.concept_rule == "paper" else None
    return Models(embeddings, open_aesthetics(options.weights("aesthetics"), embeddings), Hashes(), latents)


def _latents(wanted: str) -> ModelEmbeddings:
    """The VAE of --vae. Raises UsageError for another kind of model: light embeddings would be no Eq. 8 either."""
    found = ModelEmbeddings(wanted, LATENT, "--vae")
    if found.kind != "VAE":
        raise UsageError("--vae is no VAE", seen=f"{wanted}, a {found.kind}",
                         allowed="an AutoencoderKL of diffusers, or a pipeline's folder or OWNER/NAME[@REVISION]")
    return found


def open_models_for(engine: Engine, options: Coti) -> Models:
    """The same, opened where they will run: the device class, which is in their identity, may differ there."""
    if options.engine == "local":
        return open_models(options)
    models: Models
    [models] = engine.run(open_models, [options])
    return models
