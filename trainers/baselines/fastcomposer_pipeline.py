"""Draws with a trained FastComposer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DiffusionPipeline, StableDiffusionPipeline
from diffusers import UNet2DConditionModel as UNet
from diffusers.image_processor import VaeImageProcessor
from PIL import Image
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

from trainers.baselines.fusion import Fusion, anchored
from trainers.baselines.image_encoders import seen
from trainers.baselines.objects import squared


class FastComposerPipeline(StableDiffusionPipeline):
    """`from_pretrained(OUT)` of a run of `trainers fastcomposer`; all else is as with Stable Diffusion."""

    model_cpu_offload_seq = "text_encoder->image_encoder->fusion->unet->vae"

    def __init__(self, vae: AutoencoderKL, text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, unet: UNet,
                 scheduler: Any, image_encoder: CLIPVisionModelWithProjection, fusion: Fusion) -> None:
        DiffusionPipeline.__init__(self)  # the one between wants a safety checker
        self.register_modules(vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet, scheduler=scheduler,
                              image_encoder=image_encoder, fusion=fusion)
        self.safety_checker = None
        self.vae_scale_factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.image_processor = VaeImageProcessor(vae_scale_factor=self.vae_scale_factor)

    @torch.no_grad()
    def __call__(self, prompt: str | Sequence[str], image: Image.Image | None = None, *,
                 num_inference_steps: int = 50, start_merge_step: int | None = None, **more: Any) -> Any:
        """Pictures of prompts in which <|image|> stands behind the word that the picture tells of: "a girl<|image|>,
        long sleeves". A prompt without the mark is drawn by its words alone.

        Up to `start_merge_step`, a fifth of the steps, so is every prompt: that step, counted from 0, is the last one
        without the picture. `more` is what StableDiffusionPipeline takes. Raises ValueError for a mark and no picture.
        """
        texts, places = anchored(self.tokenizer, [prompt] if isinstance(prompt, str) else prompt)
        if image is None and places.any():
            raise ValueError("a prompt has <|image|>, but there is no image")
        start = num_inference_steps // 5 if start_merge_step is None else start_merge_step
        words = self.encode_prompt(texts, self._execution_device, 1, False)[0]
        told = words if image is None else self.fusion(words, places.to(words.device),
                                                       self._seen(image).expand(len(words), -1))
        told = told.repeat_interleave(more.get("num_images_per_prompt", 1), 0)

        def merge(_: Any, step: int, __: Any, given: dict[str, Tensor]) -> dict[str, Tensor]:
            embeds = given["prompt_embeds"]
            return given if step < start else {"prompt_embeds": torch.cat([embeds[: -len(told)], told])}

        return super().__call__(prompt_embeds=words, num_inference_steps=num_inference_steps,
                                callback_on_step_end=merge, callback_on_step_end_tensor_inputs=["prompt_embeds"],
                                **more)

    def _seen(self, image: Image.Image) -> Tensor:
        """1 x width: what the image encoder says of a picture, laid on a black square."""
        levels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1) / 127.5 - 1
        square = squared(levels)[None].to(self._execution_device)
        said: Tensor = self.image_encoder(seen(self.image_encoder, square)).image_embeds
        return said
