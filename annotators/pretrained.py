"""Models of transformers as annotators find them: a folder or a repository of the Hub, on the device that is there."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from annotators import hub
from annotators.base import Picture
from annotators.weights import files_digest
from schemas.errors import UsageError

FILES = ("*.json", "*.safetensors", "*.model", "*.txt")
"""What is fetched of a repository: weights that run no code when opened, configurations and vocabularies."""


class Found(NamedTuple):
    """Where a model lies, and what a manifest says of it."""

    folder: Path
    weights: str
    revision: str
    licence: str

    def sha256(self) -> str:
        """Digest of what of the folder a model is made of; others may have fetched more of the same repository."""
        return files_digest(self.folder, [path for pattern in FILES for path in self.folder.glob(pattern)])

    def provenance(self, backend: str, sha256: str) -> dict[str, str]:
        """As `Annotator.provenance` has it."""
        said = {"backend": backend, "weights": self.weights, "sha256": sha256, "licence": self.licence}
        return said | ({"revision": self.revision} if self.revision else {})


def find(wanted: str) -> Found:
    """A folder that holds config.json, or the files of `OWNER/NAME[@REVISION]`. Raises UsageError."""
    if (Path(wanted) / "config.json").is_file():
        return Found(Path(wanted), Path(wanted).name, "", "unknown: a folder of yours")
    folder, commit = hub.fetch_all(wanted, FILES)
    name = wanted.partition("@")[0]
    return Found(folder, name, commit, hub.licence(hub.HubFile(name, commit, ""), commit))


def device(model: str, flag: str, otherwise: str, also: str = "transformers") -> str:
    """"cuda" or "cpu". Raises UsageError when torch, transformers or the package `also` is not installed; `otherwise`
    says how to do without."""
    try:
        import torch
        import transformers  # noqa: F401

        hush()
        importlib.import_module(also)
    except ImportError as error:
        raise UsageError(f"{model} needs a package that is not installed: {error.name}", seen=flag,
                         next_command=f"pip install 'likeness[models]', or {otherwise}") from None
    return "cuda" if torch.cuda.is_available() else "cpu"


def fixed(device: str, batch: int) -> dict[str, object]:
    """What changes a torch model's bits beside its weights and options, for its identity: one thread, always the same
    batch, and whether torchvision is there, with which transformers resizes to other levels than Pillow's."""
    return {"device": device, "batch": batch, "threads": 1, "torchvision": find_spec("torchvision") is not None}


def shown(pictures: Sequence[Picture]) -> list[Image.Image]:
    """Pictures as processors should get them: of arrays three pixels high they take the rows for channels."""
    return [Image.fromarray(picture) for picture in pictures]


def settle(there: str, flag: str) -> None:
    """Makes this worker compute as the model's identity says. Raises UsageError when it has no GPU but must."""
    import torch

    if there == "cpu":
        torch.set_num_threads(1)
    elif not torch.cuda.is_available():
        raise UsageError("a worker has no GPU, but this build began on one", seen=flag, allowed="machines alike",
                         next_command="with --engine ray ask for one: --gpus 1")


def unreadable(model: str, folder: str, error: Exception) -> UsageError:
    """What transformers, diffusers or safetensors raised for files that are no such model, in one line."""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return UsageError(f"cannot read the {model}: {first}", seen=Path(folder).name,
                      allowed="a folder as save_pretrained writes it, with safetensors")


def hush() -> None:
    """Ends what transformers says of packages that are not there, of weights while they load, of words cut off."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
