"""Which models score: options that every evaluation has."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import UsageError
from schemas.terminal.fields import option

NONE, LIGHT, PAPER = "none", "light", "paper"
NAMES = {"clip": "openai/clip-vit-base-patch32", "dino": "facebook/dino-vits16",
         "blip": "Salesforce/blip-itm-large-coco", "vqa": "Salesforce/instructblip-vicuna-7b"}
"""What "paper" stands for, by option."""
_MODEL = "a folder, OWNER/NAME[@REVISION] on the Hub, or none"


@dataclass(frozen=True, kw_only=True)
class Models:
    """The models that look at pictures. A metric whose model is "none" is left out of the table."""

    clip: str = option(PAPER, "the CLIP of CLIP-I, CLIP-T, R-precision and the answers' embeddings: paper "
                       f"({NAMES['clip']}), {_MODEL}; light: colour and edge histograms, which read no text and give "
                       "Light-I alone", group="scoring", metavar="MODEL")
    dino: str = option(PAPER, f"the model of DINO: paper ({NAMES['dino']}), {_MODEL}", group="scoring",
                       metavar="MODEL")
    blip: str = option(NONE, f"the model of BLIP-ITC: paper ({NAMES['blip']}), {_MODEL}", group="scoring",
                       metavar="MODEL")
    vqa: str = option(NONE, f"who answers questions about pictures: paper ({NAMES['vqa']}), "
                      "http://HOST:PORT/v1[#NAME], an OpenAI-compatible vision endpoint, another InstructBLIP in "
                      f"{_MODEL}", group="scoring", metavar="MODEL")
    inception: str = option(NONE, "an ONNX file that gives features and logits of pictures, for FID, KID and IS; "
                            "without one FID and KID compare embeddings of CLIP or DINO, and say so", group="scoring",
                            metavar="FILE.onnx")
    lpips: str = option(NONE, "an ONNX file that gives the maps of some layers, for LPIPS", group="scoring",
                        metavar="FILE.onnx")

    def check_models(self) -> None:
        """Raises UsageError, before anything is drawn."""
        for name in ("dino", "blip", "vqa", "inception", "lpips"):
            if getattr(self, name) == LIGHT:
                raise UsageError(f"there is no light model for --{name}", seen=LIGHT,
                                 next_command=f"--{name} none")
        for name in ("inception", "lpips"):
            if getattr(self, name) == PAPER:
                raise UsageError(f"--{name} is no ONNX file", seen=PAPER, allowed="FILE.onnx, or "
                                 "OWNER/NAME[@REVISION]:FILE.onnx on the Hub", next_command="docs/metrics.md tells "
                                 "how to export one")
        if self.vqa != NONE and self.clip in (NONE, LIGHT):
            raise UsageError("--vqa needs a CLIP that embeds the answers", seen=f"--clip {self.clip}",
                             next_command="--clip paper, or --vqa none")
        if all(getattr(self, name) == NONE for name in ("clip", "dino", "blip", "vqa", "inception", "lpips")):
            raise UsageError("no model is left to score with", next_command="leave out --clip none")
