"""The models that embed pictures, opened once a process: CLIP, DINO, BLIP, and the autoencoder of a diffusion model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from annotators import pretrained
from annotators.base import Picture

Vectors = npt.NDArray[np.float32]
"""N x width, each of unit length."""

LONGEST = 16
"""Longer side over the shorter, of what a CLIP or DINO is shown."""
BLIP_TOKENS = 35
"""That BLIP's own retrieval reads of a text."""
TEXTS = 16
"""In a forward pass, always. The last ones are filled up."""


class Tower:
    """A model on its device, in float32. `kind` is "CLIP", "DINO", "BLIP" or "VAE"; `side` that of the pictures that a
    VAE is shown. Raises UsageError when the files are no such model."""

    def __init__(self, kind: str, folder: str, side: int, device: str, flag: str) -> None:
        import torch

        pretrained.settle(device, flag)
        pretrained.hush()
        self._torch, self._device, self._side, self._kind, self._folder = torch, device, side, kind, folder
        looks = {"CLIP": self._clip, "DINO": self._dino, "BLIP": self._blip, "VAE": self._vae}
        self._look: Callable[[Sequence[Picture]], Any] = looks[kind]
        self._processor: Any = None
        try:
            opened, loaded = self._opened(kind, folder)
        except Exception as error:
            raise pretrained.unreadable(kind, folder, error) from None
        # What the file lacks is drawn at random; a DINO's pooler may be, for nothing reads it.
        lacking = sorted(name for name in loaded["missing_keys"] if not name.startswith("pooler."))
        if lacking:
            told = f"{len(lacking)} of its tensors are missing: {lacking[0]}"
            raise pretrained.unreadable(kind, folder, ValueError(told))
        self._model = opened.to(device).eval()

    def _opened(self, kind: str, folder: str) -> Any:
        """The model, and what was said of its loading."""
        how: dict[str, Any] = {"use_safetensors": True, "output_loading_info": True}
        if kind == "VAE":
            from diffusers import AutoencoderKL

            return AutoencoderKL.from_pretrained(folder, **how)
        from transformers import AutoImageProcessor, AutoModel

        if kind == "CLIP":
            from transformers import CLIPModel, CLIPProcessor

            self._processor = CLIPProcessor.from_pretrained(folder)
            return CLIPModel.from_pretrained(folder, **how)
        if kind == "BLIP":
            from transformers import BlipForImageTextRetrieval, BlipProcessor

            self._processor = BlipProcessor.from_pretrained(folder)
            return BlipForImageTextRetrieval.from_pretrained(folder, **how)
        self._processor = AutoImageProcessor.from_pretrained(folder)
        return AutoModel.from_pretrained(folder, **how)

    def pictures(self, shown: Sequence[Picture]) -> Vectors:
        """Embeddings of a whole batch."""
        with self._torch.inference_mode():
            return self._units(self._look(shown))

    def texts(self, said: Sequence[str]) -> Vectors:
        """Embeddings of texts by a CLIP, of which words beyond its 77 tokens are not seen, or a BLIP, beyond 35; by one
        without its picture, as ITC has it."""
        made = [self._texts([*some, *[some[-1]] * (TEXTS - len(some))])[:len(some)]
                for some in (list(said[start:start + TEXTS]) for start in range(0, len(said), TEXTS))]
        return np.concatenate(made)

    def _texts(self, said: Sequence[str]) -> Vectors:
        longest = BLIP_TOKENS if self._kind == "BLIP" else None
        try:
            given = self._processor.tokenizer(list(said), padding="max_length", truncation=True, max_length=longest,
                                              return_tensors="pt").to(self._device)
        except ValueError as error:  # a folder without its vocabulary makes a tokenizer that knows no word
            raise pretrained.unreadable(f"{self._kind}'s tokenizer", self._folder, error) from None
        with self._torch.inference_mode():
            if longest is None:
                return self._units(self._model.get_text_features(**given).pooler_output)
            words = self._model.text_encoder(input_ids=given["input_ids"], attention_mask=given["attention_mask"])
            return self._units(self._model.text_proj(words.last_hidden_state[:, 0]))

    def _units(self, made: Any) -> Vectors:
        made = self._torch.nn.functional.normalize(made.float(), dim=-1)
        return np.asarray(made.cpu().numpy(), dtype=np.float32)

    def _clip(self, shown: Sequence[Picture]) -> Any:
        """The projected embedding, which texts share."""
        return self._model.get_image_features(pixel_values=self._pixels(self._processor.image_processor, shown)
                                              ).pooler_output

    def _blip(self, shown: Sequence[Picture]) -> Any:
        """The class token, projected: what BLIP compares with texts before it looks closer (ITC)."""
        made = self._model.vision_model(pixel_values=self._pixels(self._processor.image_processor, shown))
        return self._model.vision_proj(made.last_hidden_state[:, 0])

    def _dino(self, shown: Sequence[Picture]) -> Any:
        """The class token after the last norm."""
        return self._model(pixel_values=self._pixels(self._processor, shown)).last_hidden_state[:, 0]

    def _pixels(self, processor: Any, shown: Sequence[Picture]) -> Any:
        middles = [_middle(one) for one in shown]
        return processor(pretrained.shown(middles), return_tensors="pt")["pixel_values"].to(self._device)

    def _vae(self, shown: Sequence[Picture]) -> Any:
        """The posterior's mean, flat; the factor that scales it for the diffusion model does not change a unit vector,
        the shift of newer ones does."""
        square = (self._side, self._side)
        fitted = np.stack([np.asarray(ImageOps.fit(Image.fromarray(one), square, Image.Resampling.BICUBIC))
                           for one in shown])
        pixels = self._torch.from_numpy(fitted).to(self._device).permute(0, 3, 1, 2).float() / 127.5 - 1
        mean = self._model.encode(pixels).latent_dist.mean - (self._model.config.shift_factor or 0)
        return mean.flatten(1)


def _middle(picture: Picture) -> Picture:
    """The middle of a picture that is longer than LONGEST times its shorter side. Processors scale by the shorter side
    and then cut out a square: of a line of pixels they would first make gigabytes."""
    height, width = picture.shape[:2]
    most = LONGEST * min(height, width)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    return picture[top:top + most, left:left + most]


@lru_cache(maxsize=3)
def tower(kind: str, folder: str, side: int, device: str, flag: str) -> Tower:
    """The model in `folder`, one for all who ask in this process; a pool may have up to three."""
    return Tower(kind, folder, side, device, flag)
