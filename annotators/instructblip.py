"""The paper's answers: InstructBLIP, asked each question about each picture, or each picture's own questions.

The paper names InstructBLIP with Vicuna-7B and one question, not the prompt; ours is the one that its authors use for
short answers. A picture goes once through the vision tower, whose output serves all questions; one question is asked of
a whole batch, because questions of unequal length in a batch are padded on the left, where this model's Q-Former does
not expect it, and then get other answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from annotators import pretrained
from annotators.base import Batch, Picture, identity
from schemas.answers import QUESTIONS

PAPER = "Salesforce/instructblip-vicuna-7b"
PROMPT = "Question: {}? Short answer:"
BATCH = 8
"""Pictures in a forward pass, always: torch gives other bits at other batch sizes. The last ones are filled up."""
NEW_TOKENS = 12
_VERSION = 1


class InstructBlipAnswers:
    """Annotator `answers`: one string for each question, by greedy decoding.

    `weights` is "paper", `OWNER/NAME[@REVISION]` on the Hub or a folder as `save_pretrained` writes it. `questions` ()
    are those of each row's own, in the column `questions`. `flag` and `otherwise` are for messages: the option that
    gave the weights, and what to type without them. On a GPU it computes in bfloat16, else in float32 with one thread;
    which of them belongs to its identity. Raises UsageError when torch and transformers are not installed or there are
    no such weights.
    """

    name = "answers"
    needs: tuple[str, ...] = ("image",)
    features = pa.schema([("answers", pa.list_(pa.string()))])

    def __init__(self, weights: str = "paper", questions: tuple[str, ...] = QUESTIONS, flag: str = "--answers",
                 otherwise: str = "the same command with --models light") -> None:
        self._device = device = pretrained.device("InstructBLIP", flag, otherwise)
        self._questions = questions
        if not questions:
            self.needs = ("image", "questions")
        found = pretrained.find(PAPER if weights == "paper" else weights)
        self._folder = found.folder
        sha256 = found.sha256()
        options = {"questions": questions, "prompt": PROMPT, "tokens": NEW_TOKENS, **pretrained.fixed(device, BATCH)}
        self.identity = identity(self.name, _VERSION, options, sha256)
        self.provenance = found.provenance(
            f"InstructBLIP, transformers, {'bfloat16' if device == 'cuda' else 'float32'} on {device}", sha256)

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Answers for each picture. Those with the same questions go through the model together."""
        pictures = list(batch["image"])
        asked = [self._questions] * len(pictures) if self._questions else [tuple(one) for one in batch["questions"]]
        said: list[list[str]] = [[]] * len(pictures)
        for questions in dict.fromkeys(asked):
            rows = [row for row, other in enumerate(asked) if other == questions]
            for start in range(0, len(rows), BATCH):
                some = rows[start : start + BATCH]
                for row, answers in zip(some, self._ask([pictures[row] for row in some], questions), strict=True):
                    said[row] = answers
        return {"answers": said}

    def _ask(self, pictures: Sequence[Picture], questions: Sequence[str]) -> list[list[str]]:
        full = [*pictures, *[pictures[-1]] * (BATCH - len(pictures))]
        reader = _reader(str(self._folder), self._device)
        columns = reader.answers(full, [PROMPT.format(one.rstrip("?")) for one in questions])
        return [[column[at] for column in columns] for at in range(len(pictures))]


class _Reader:
    """Model and processor, opened once a process."""

    def __init__(self, folder: str, device: str) -> None:
        import torch
        from transformers import InstructBlipForConditionalGeneration, InstructBlipProcessor

        pretrained.settle(device, "--answers")
        self._torch, self._device = torch, device
        self._dtype = torch.bfloat16 if device == "cuda" else torch.float32
        try:
            self._processor: Any = InstructBlipProcessor.from_pretrained(folder)
            model = InstructBlipForConditionalGeneration.from_pretrained(folder, dtype=self._dtype,
                                                                         use_safetensors=True)
        except Exception as error:
            raise pretrained.unreadable("InstructBLIP", folder, error) from None
        self._model: Any = model.to(device).eval()
        # `generate` has no argument for what the vision tower saw, so it is given that in place of another look.
        self._look, self._seen = self._model.vision_model.forward, None
        self._model.vision_model.forward = lambda **_: self._seen
        self._words: dict[str, dict[str, Any]] = {}

    def answers(self, pictures: Sequence[Picture], prompts: Sequence[str]) -> list[list[str]]:
        """For each prompt the answers about all pictures."""
        with self._torch.inference_mode():
            pixels = self._processor.image_processor(pretrained.shown(pictures), return_tensors="pt")["pixel_values"]
            pixels = pixels.to(self._device, self._dtype)
            self._seen = self._look(pixel_values=pixels, return_dict=True)
            return [self._answer(pixels, pictures[0], prompt) for prompt in prompts]

    def _answer(self, pixels: Any, some: Picture, prompt: str) -> list[str]:
        if prompt not in self._words:  # the processor puts the places of the picture's tokens before the words
            said = self._processor(images=pretrained.shown([some]), text=prompt, return_tensors="pt")
            self._words[prompt] = {name: ids.to(self._device) for name, ids in said.items() if name != "pixel_values"}
        words = {name: ids.expand(len(pixels), -1) for name, ids in self._words[prompt].items()}
        made = self._model.generate(pixel_values=pixels, **words, do_sample=False, num_beams=1,
                                    max_new_tokens=NEW_TOKENS)
        if not self._model.language_model.config.is_encoder_decoder:  # these repeat what they were given
            made = made[:, words["input_ids"].shape[1]:]
        said = self._processor.tokenizer.batch_decode(made, skip_special_tokens=True)
        return ["".join(c for c in " ".join(text.split()) if c.isprintable()) for text in said]


@lru_cache(maxsize=1)
def _reader(folder: str, device: str) -> _Reader:
    return _Reader(folder, device)
