"""Draws with a trained RetriNet, as diffusers' pipelines do."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from diffusers import AutoencoderKL, DiffusionPipeline, ImagePipelineOutput, StableDiffusionPipeline
from diffusers import UNet2DConditionModel as UNet
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from trainers.retrinet.retrieval import Retrieval, denoised, embedded
from trainers.views import letterbox


class RetriNetPipeline(DiffusionPipeline):
    """`from_pretrained(OUT)` of a run of `trainers retrinet`; the scheduler may be any of diffusers'."""

    model_cpu_offload_seq = "text_encoder->retrieval->unet->vae"
    encode_prompt = StableDiffusionPipeline.encode_prompt

    def __init__(self, vae: AutoencoderKL, text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, unet: UNet,
                 scheduler: Any, retrieval: Retrieval) -> None:
        super().__init__()
        self.register_modules(vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet, scheduler=scheduler,
                              retrieval=retrieval)
        self.vae_scale_factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.image_processor = VaeImageProcessor(vae_scale_factor=self.vae_scale_factor)

    @torch.no_grad()
    def __call__(self, prompt: str | Sequence[str], references: Sequence[Image.Image] | Tensor,
                 concepts: Sequence[str], *, num_inference_steps: int = 50, guidance_scale: float = 7.5,
                 generator: torch.Generator | list[torch.Generator] | None = None, latents: Tensor | None = None,
                 output_type: str = "pil") -> ImagePipelineOutput:
        """A picture of each prompt, all after the same references: N pictures, or a tensor N x 3 x side x side in
        -1..1, and of each what it shows: figure, face or clothes.

        Guidance over 1 goes away from what no prompt, with the same references, would give. Pictures are squares as in
        training, or as `latents`, the noise to begin with, have it. Raises ValueError for other than one concept a
        reference."""
        if not len(references) or len(references) != len(concepts):
            raise ValueError(f"{len(references)} references and {len(concepts)} concepts: there must be one of each")
        prompts, device = [prompt] if isinstance(prompt, str) else list(prompt), self._execution_device
        guided = guidance_scale > 1
        words = self.words([*([""] * len(prompts) if guided else []), *prompts])
        seen, told = self.latents(references)[None], self.words(concepts)[None]
        self.scheduler.set_timesteps(num_inference_steps, device=device)
        latents = self._noise(len(prompts), generator) if latents is None else latents.to(device)
        latents = latents * self.scheduler.init_noise_sigma
        takes = inspect.signature(self.scheduler.step).parameters
        more = {"generator": generator} if "generator" in takes else {}
        for timestep in self.progress_bar(self.scheduler.timesteps):
            noisy = self.scheduler.scale_model_input(torch.cat([latents] * 2) if guided else latents, timestep)
            memory = [tokens.expand(len(noisy), -1, -1) for tokens in self.retrieval.remember(
                seen, embedded(self.unet, seen[:, 0], timestep), told)]
            said = denoised(self.unet, self.retrieval, noisy, timestep, words, memory)
            if guided:
                without, said = said.chunk(2)
                said = without + guidance_scale * (said - without)
            latents = self.scheduler.step(said, timestep, latents, **more).prev_sample
        if output_type == "latent":
            return ImagePipelineOutput(images=latents)
        pixels = self.vae.decode(latents.to(self.vae.dtype) / self.vae.config.scaling_factor).sample
        self.maybe_free_model_hooks()
        return ImagePipelineOutput(images=self.image_processor.postprocess(pixels, output_type=output_type))

    def words(self, texts: Sequence[str]) -> Tensor:
        """Texts as the UNet is told them, B x tokens x width."""
        return self.encode_prompt(list(texts), self._execution_device, 1, False)[0]

    def latents(self, references: Sequence[Image.Image] | Tensor) -> Tensor:
        """What the retrieval encoder is shown, N x 4 x h x w: without noise, the posterior's mean."""
        if not isinstance(references, Tensor):
            side = self.retrieval.config.resolution
            references = torch.stack([letterbox.lay(one.size, self.vae_scale_factor, side).pixels(one.convert("RGB"))
                                      for one in references])
        pixels = references.to(self._execution_device, self.vae.dtype)
        with torch.autocast(pixels.device.type, enabled=False):
            mean = self.vae.encode(pixels).latent_dist.mean
        return mean.to(self.unet.dtype) * self.vae.config.scaling_factor

    def _noise(self, count: int, generator: torch.Generator | list[torch.Generator] | None) -> Tensor:
        side = self.retrieval.config.resolution // self.vae_scale_factor
        return randn_tensor((count, self.vae.config.latent_channels, side, side), generator=generator,
                            device=self._execution_device, dtype=self.unet.dtype)
