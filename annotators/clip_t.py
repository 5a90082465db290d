"""CLIP-T: how well a picture fits its prompt, as the cosine of their CLIP embeddings (DreamBooth, section 4.1).

The least score of a picture that may stay is the user's: the paper keeps all of them. 0.3 is where LAION-400M cuts
pairs of ViT-B/32, the backbone that is ours unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from annotators import pretrained
from annotators.base import Batch, Picture, identity

BATCH = 8
"""Pairs in a forward pass, always: torch gives other bits at other batch sizes. The last ones are filled up."""
_VERSION = 1


class ClipT:
    """Annotator `clip_t`: cosine of image and text embedding, -1..1, float32.

    `weights` is a folder as `save_pretrained` writes it, or `OWNER/NAME[@REVISION]` on the Hub. It computes in float32,
    on a CPU with one thread. Words beyond the 77 tokens of CLIP are not seen. Raises UsageError when torch and
    transformers are not installed or there are no such weights.
    """

    name = "clip_t"
    needs: tuple[str, ...] = ("image", "text")
    features = pa.schema([("clip_t", pa.float32())])

    def __init__(self, weights: str) -> None:
        self._device = pretrained.device("CLIP", "--clip", "leave out --min-clip-t")
        found = pretrained.find(weights)
        self._folder = str(found.folder)
        sha256 = found.sha256()
        self.identity = identity(self.name, _VERSION, pretrained.fixed(self._device, BATCH), sha256)
        self.provenance = found.provenance(f"CLIP, transformers, float32 on {self._device}", sha256)

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """A score for each pair."""
        pictures, texts = list(batch["image"]), list(batch["text"])
        scores: list[float] = []
        for start in range(0, len(pictures), BATCH):
            mine, said = pictures[start:start + BATCH], texts[start:start + BATCH]
            room = BATCH - len(mine)
            found = _clip(self._folder, self._device).scores([*mine, *[mine[-1]] * room], [*said, *[said[-1]] * room])
            scores += found[:len(mine)].tolist()
        return {"clip_t": scores}


class _Clip:
    """Model and processor, opened once a process."""

    def __init__(self, folder: str, device: str) -> None:
        import torch
        from transformers import CLIPModel, CLIPProcessor

        pretrained.settle(device, "--clip")
        pretrained.hush()
        self._torch, self._device = torch, device
        try:
            self._processor: Any = CLIPProcessor.from_pretrained(folder)
            self._model: Any = CLIPModel.from_pretrained(folder, use_safetensors=True).to(device).eval()
        except Exception as error:
            raise pretrained.unreadable("CLIP", folder, error) from None

    def scores(self, pictures: Sequence[Picture], texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Cosines of a whole batch."""
        given = self._processor(images=pretrained.shown(pictures), text=list(texts), return_tensors="pt",
                                padding="max_length", truncation=True)
        with self._torch.inference_mode():
            made = self._model(**{name: values.to(self._device) for name, values in given.items()})
            images, words = (self._torch.nn.functional.normalize(one, dim=-1)
                             for one in (made.image_embeds, made.text_embeds))
            found = (images * words).sum(-1)
        return np.asarray(found.cpu().numpy(), dtype=np.float32)


@lru_cache(maxsize=1)
def _clip(folder: str, device: str) -> _Clip:
    return _Clip(folder, device)
