"""VQA score of RetriBooru (section 4): whether pictures of one figure differ in what a model says of them.

    VQA_i = 1/Q Σ_q 1/M_i Σ_j ( 1 - cos(a_q(r_ij), a_q(g_i)) )

a_q are embeddings of the answers to question q about a reference r and a generated picture g. 0 where all answers are
the same, up to 2; higher is more diverse. The paper neither prints its questions nor says which sign and which pair:
it compares "two generated images", while Eq. 1 has div(r, g). Over its Table 3 the score falls where CLIP-I rises
(r = -.94), so it is a diversity: 1 - cos, of a reference against a generated picture unless asked otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.errors import UsageError
from trainers.metrics.checks import Floats, directions, same_length, same_width

QUESTIONS = {
    "orientation": "which way does the head of the character face",
    "expression": "what is the facial expression of the character",
    "gesture": "what is the gesture or pose of the body of the character",
    "activity": "what is the character doing",
}
"""Ours, after the four things that the paper names; without a question mark, as `schemas.answers.QUESTIONS`."""


def vqa(references: Sequence[npt.ArrayLike], generated: npt.ArrayLike) -> Floats:
    """A score for each picture, N, 0 .. 2, of answers to Q questions: of generated pictures N x Q x d and, for each,
    of its references M_i x Q x d. UsageError where they do not pair up, are empty, all zeros or not finite."""
    same_length(references=references, **{"generated pictures": np.asarray(generated)})
    said = _answers("answers about generated pictures", generated)
    scores = []
    for at, one in enumerate(references):
        known = _answers(f"answers about references of picture {at}", one)
        _same_questions(known, said)
        scores.append(1 - (known * said[at]).sum(2).mean())
    return np.asarray(np.clip(scores, 0, 2), np.float64)


def vqa_among(generated: npt.ArrayLike) -> Floats:
    """The other pairing: each of N pictures of one figure and prompt against the others, N, 0 .. 2, of answers
    N x Q x d. UsageError as `vqa`, and for less than 2 pictures."""
    said = _answers("answers about generated pictures", generated)
    n = len(said)
    if n < 2:
        raise UsageError(f"VQA among generated pictures: {n} is too few", allowed="2 or more")
    # Σ over others of cos = direction · (sum of directions - own direction).
    cosines = ((said * (said.sum(0) - said)).sum(2) / (n - 1)).mean(1)
    return np.asarray(np.clip(1 - cosines, 0, 2), np.float64)


def _answers(what: str, given: npt.ArrayLike) -> Floats:
    """N x Q x d, each of length 1."""
    found = np.asarray(given, np.float64)
    if found.ndim != 3 or not found.size:
        raise UsageError(what, seen=found.shape, allowed="pictures x questions x numbers")
    return directions(what, found.reshape(-1, found.shape[2])).reshape(found.shape)


def _same_questions(known: Floats, said: Floats) -> None:
    same_width("VQA: answers (questions)", known[:, :, 0], said[:, :, 0])
    same_width("VQA: answers", known[:, 0], said[:, 0])
