"""Captions of a subject's pictures: BLIP's, begun with "a CLASS" as the paper's appendix E does, or light ones.

"A Data Perspective on Enhanced Identity Preservation" writes captions by hand, and lets BLIP write them so that each
begins with the class: "a tortoise plushie on a desk". The light ones name the colour behind the subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from annotators import pretrained
from annotators.base import Annotator, Batch, Picture, identity
from annotators.colours import names_of, to_lab
from annotators.weights import LIGHT
from schemas.colours import NAMES
from schemas.prompts import article

PAPER = "Salesforce/blip-image-captioning-large"
BATCH = 8
"""Pictures in a forward pass, always: torch gives other bits at other batch sizes. The last ones are filled up."""
NEW_TOKENS = 20
_VERSION = 1
_BORDER = 0.06
"""Of the shorter side: how far in from the edges the light captions look."""


def captioner(wanted: str) -> Annotator:
    """The annotator `captions` that "light", "paper", a folder or `OWNER/NAME[@REVISION]` means. Raises UsageError."""
    return LightCaptions() if wanted == LIGHT else BlipCaptions(wanted)


class LightCaptions:
    """Annotator `captions`: "a CLASS on a COLOUR background", of the colour that most of the picture's border has."""

    name = "captions"
    needs: tuple[str, ...] = ("image", "class_name")
    features = pa.schema([("caption", pa.string())])

    def __init__(self) -> None:
        self.identity = identity(self.name, _VERSION, {"backend": LIGHT, "border": _BORDER, "colours": NAMES})
        self.provenance = {"backend": LIGHT, "weights": "none: the colour of the border, by rule",
                           "licence": "Apache-2.0"}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """A caption for each picture."""
        return {"caption": [f"{_begun(name)} on {article(colour)} {colour} background"
                            for picture, name in zip(batch["image"], batch["class_name"], strict=True)
                            for colour in [_behind(picture)]]}


def _begun(class_name: str) -> str:
    return f"{article(class_name)} {class_name}"


def _behind(picture: Picture) -> str:
    """The colour word of most pixels at the edges; of words with equally many, the first of NAMES."""
    edge = max(round(_BORDER * min(picture.shape[:2])), 1)
    inside = np.zeros(picture.shape[:2], dtype=bool)
    inside[edge:-edge, edge:-edge] = True
    return NAMES[int(np.bincount(names_of(to_lab(picture[~inside]))).argmax())]


class BlipCaptions:
    """Annotator `captions`: what BLIP says after "a CLASS", by greedy decoding.

    `weights` is "paper", `OWNER/NAME[@REVISION]` on the Hub or a folder as `save_pretrained` writes it. On a GPU it
    computes in float16, else in float32 with one thread; which of them belongs to its identity. Raises UsageError when
    torch and transformers are not installed or there are no such weights.
    """

    name = "captions"
    needs: tuple[str, ...] = ("image", "class_name")
    features = pa.schema([("caption", pa.string())])

    def __init__(self, weights: str = "paper") -> None:
        self._device = device = pretrained.device("BLIP", "--captioner", "the same command with --captioner light, or "
                                                  "with captions by hand")
        found = pretrained.find(PAPER if weights == "paper" else weights)
        self._folder = str(found.folder)
        sha256 = found.sha256()
        options = {"prompt": "a CLASS", "tokens": NEW_TOKENS, **pretrained.fixed(device, BATCH)}
        self.identity = identity(self.name, _VERSION, options, sha256)
        self.provenance = found.provenance(
            f"BLIP, transformers, {'float16' if device == 'cuda' else 'float32'} on {device}", sha256)

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """A caption for each picture. Those of one class go through the model together: prompts of unequal length
        would be padded, which changes what follows them."""
        pictures, names = list(batch["image"]), list(batch["class_name"])
        said = [""] * len(names)
        for name in dict.fromkeys(names):
            rows = [row for row, other in enumerate(names) if other == name]
            for start in range(0, len(rows), BATCH):
                some = rows[start:start + BATCH]
                full = [pictures[row] for row in [*some, *[some[-1]] * (BATCH - len(some))]]
                for row, caption in zip(some, _blip(self._folder, self._device).captions(full, _begun(name)),
                                        strict=False):
                    said[row] = caption
        return {"caption": said}


class _Blip:
    """Model and processor, opened once a process."""

    def __init__(self, folder: str, device: str) -> None:
        import torch
        from transformers import BlipForConditionalGeneration, BlipProcessor

        pretrained.settle(device, "--captioner")
        self._torch, self._device = torch, device
        self._dtype = torch.float16 if device == "cuda" else torch.float32
        try:
            self._processor: Any = BlipProcessor.from_pretrained(folder)
            model: Any = BlipForConditionalGeneration.from_pretrained(folder, dtype=self._dtype, use_safetensors=True)
        except Exception as error:
            raise pretrained.unreadable("BLIP", folder, error) from None
        self._model = model.to(device).eval()

    def captions(self, pictures: Sequence[Picture], prompt: str) -> list[str]:
        """What the model makes of the prompt for each picture, the prompt spelt as it was given."""
        pixels = self._processor.image_processor(pretrained.shown(pictures), return_tensors="pt")["pixel_values"]
        words = self._processor.tokenizer(prompt, return_tensors="pt")
        ids, seen = (words[name].expand(len(pictures), -1).to(self._device).clone()
                     for name in ("input_ids", "attention_mask"))
        with self._torch.inference_mode():
            made = self._model.generate(pixel_values=pixels.to(self._device, self._dtype), input_ids=ids,
                                        attention_mask=seen, do_sample=False, num_beams=1, max_new_tokens=NEW_TOKENS)
        # The vocabulary knows no capitals and sets blanks around hyphens: "a t - shirt".
        spelt = self._read(words["input_ids"][0])
        said = [self._read(row) for row in made]
        return [prompt + text.removeprefix(spelt) if text.startswith(spelt) else text for text in said]

    def _read(self, ids: Any) -> str:
        text = self._processor.tokenizer.decode(ids, skip_special_tokens=True)
        return "".join(c for c in " ".join(text.split()) if c.isprintable())


@lru_cache(maxsize=1)
def _blip(folder: str, device: str) -> _Blip:
    return _Blip(folder, device)
