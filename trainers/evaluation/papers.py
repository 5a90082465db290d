"""The papers' own tables as data: figures as they are printed, and what each paper says of how it came by them.

Only what stands in the tables is here; sentences about them ("9.61 %") contradict them in places. Works in the core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import NamedTuple

from trainers.evaluation.plans import CLIP_I, CLIP_T, CLIP_T_OBJECT, DINO, FID, R_PRECISION, REAL, VQA, swd
from trainers.evaluation.tables import Cell, Row

UNSTATED = "not stated"


class Line(NamedTuple):
    """A row of a published table."""

    row: Row
    told: Mapping[str, str]
    """the protocol that the paper states, under the names of `tables.protocol`"""


class Published(NamedTuple):
    """A published table."""

    name: str
    benchmark: str
    lines: Sequence[Line]
    notes: Sequence[str]
    """what a reader must know before comparing"""


PERCENT = (R_PRECISION,)
"""Printed as shares of a hundred; ours are of 1."""
_SOME_SD = f"Stable Diffusion, version {UNSTATED}"
_ALIASES = {_SOME_SD: ("stable-diffusion-v1-4", "stable-diffusion-v1-5", "stable-diffusion-2", "stable-diffusion-2-1"),
            "Stable Diffusion 1.5": ("stable-diffusion-v1-5",),
            "Stable Diffusion 2.0": ("stable-diffusion-2", "stable-diffusion-2-base"),
            "SDXL": ("stable-diffusion-xl-base-1.0",)}
"""Names of the papers' bases on the Hub."""


def alike(ours: str, theirs: str) -> bool:
    """Whether a value of a protocol, as an evaluation and as a paper tell it, is the same."""
    return ours == theirs or ours.partition(" @ ")[0].split("/")[-1] in _ALIASES.get(theirs, ())


def _line(columns: Sequence[str], name: str, values: Sequence[float], told: Mapping[str, str], *, group: str = "",
          subject: str = "", spread: Sequence[float] = ()) -> Line:
    scale = [100 if column in PERCENT else 1 for column in columns]
    stds = [one / by for one, by in zip(spread, scale, strict=True)] if spread else [nan] * len(columns)
    cells = {column: Cell(value / by, std=std)
             for column, value, by, std in zip(columns, values, scale, stds, strict=True) if value == value}
    return Line(Row(name, group, subject, 0, cells), told)


_DREAMBENCH = {"protocol": "paper", "subjects": "30", "prompts": "25", "pictures": "3,000"}
_SD = {**_DREAMBENCH, "base": _SOME_SD, "sampler": "ddim", "steps": "200"}
_SDXL = {**_DREAMBENCH, "base": "SDXL", "sampler": "ddim", "steps": "50"}
_CITED = {"base": _SOME_SD}
_UNSAID = {**_DREAMBENCH, **_CITED}
_TABLE_1: tuple[tuple[str, str, tuple[float, ...], Mapping[str, str]], ...] = (
    ("Real Image (on training set)", REAL, (0.774, 0.885, 0.298, 0.311), {"subjects": "30"}),
    ("Textual Inversion, as Gal et al. report", "", (0.569, 0.780, 0.255, nan), _CITED),
    ("Textual Inversion (their implementation)", "", (0.611, 0.772, 0.267, 0.289), _UNSAID),
    ("DreamBooth, as Ruiz et al. report", "", (0.668, 0.803, 0.305, nan), _CITED),
    ("DreamBooth (their implementation)", "", (0.682, 0.808, 0.301, 0.306), _SD),
    ("A Data Perspective, SD", "", (0.704, 0.824, 0.293, 0.309), _SD),
    ("A Data Perspective, SDXL", "", (0.744, 0.842, 0.297, 0.312), _SDXL),
)
DATA_PERSPECTIVE = Published(
    "A Data Perspective on Enhanced Identity Preservation, Table 1", "dreambench",
    [_line((DINO, CLIP_I, CLIP_T, CLIP_T_OBJECT), name, values, told, group=group)
     for name, group, values, told in _TABLE_1],
    ("The paper states neither the CLIP nor the DINO it scores with, nor guidance, size and version of SD.",
     "Its own rows were trained with the test prompts in the regularization set, its DreamBooth with 2,000 pictures of "
     "SDXL and 1,500 steps.",
     "Its column CLIP-T (vague class) is CLIP-T here."))

_CHARACTERS = {"protocol": "paper", "side": "384", "subjects": "50", "prompts": "5", "pictures": "5,000"}
_ON_SD15 = {**_CHARACTERS, "base": "Stable Diffusion 1.5"}
_TABLE_2 = (
    ("FastComposer-0.5-a", 0.6406, 0.2616, 0.1677), ("FastComposer-0.5-b", 0.6416, 0.2637, 0.1693),
    ("ControlNet-a", 0.7476, 0.1787, 0.1339), ("ControlNet-b", 0.6384, 0.2594, 0.1658),
    ("Kandinsky-0.2-a", 0.6652, 0.2259, 0.1503), ("Kandinsky-0.2-b", 0.7272, 0.2093, 0.1523),
    ("Kandinsky-0.1-a", 0.7400, 0.2028, 0.1502), ("Kandinsky-0.1-b", 0.8019, 0.1941, 0.1557),
    ("IP-Adapter-0.5-a", 0.7692, 0.2064, 0.1586), ("IP-Adapter-0.5-b", 0.7283, 0.2382, 0.1731),
)
_RETRIBOORU = ("The paper states neither CLIP, sampler, steps nor guidance, and does not tell its 40 characters of the "
               "domain and its 10 others apart.",)
RETRIBOORU_2 = Published(
    "RetriBooru, Table 2", "retribooru",
    [_line((CLIP_I, CLIP_T, swd(CLIP_I, CLIP_T)), name, values,
           _CHARACTERS if name.startswith("Kandinsky") else _ON_SD15) for name, *values in _TABLE_2],
    (*_RETRIBOORU, "It has all methods begin as SD 1.5, as Kandinsky cannot. What the numbers in the names set is not "
     "said; of IP-Adapter it is the reference's scale. Training was at 256 pixels."))
_TABLE_3 = (
    ("R9kLockD", 0.4276, 0.7022, 0.2120, 0.2985, 0.0909, 0.1487),
    ("R9kLockB", 0.4383, 0.6856, 0.2077, 0.2992, 0.0912, 0.1422),
    ("R9kP025", 0.4234, 0.7139, 0.2306, 0.2998, 0.0988, 0.1636),
    ("R9kP075", 0.4012, 0.7384, 0.2037, 0.2943, 0.0823, 0.1500),
    ("R9k", 0.4372, 0.7008, 0.2331, 0.3044, 0.1027, 0.1628), ("R45k", 0.4161, 0.7328, 0.2311, 0.3029, 0.0970, 0.1687),
    ("C9kLockD", 0.4276, 0.7002, 0.2138, 0.2979, 0.0917, 0.1495),
    ("C9kLockB", 0.4297, 0.6979, 0.2113, 0.2984, 0.0910, 0.1473),
    ("C9kP025", 0.4390, 0.6941, 0.2377, 0.3031, 0.1050, 0.1645),
    ("C9kP075", 0.4280, 0.7007, 0.2230, 0.2980, 0.0963, 0.1557),
    ("C9k", 0.4348, 0.6976, 0.2318, 0.3016, 0.1017, 0.1612), ("C45k", 0.4251, 0.7111, 0.2315, 0.3004, 0.0994, 0.1640),
    ("M9k", 0.4377, 0.6963, 0.2334, 0.3031, 0.1029, 0.1621), ("M45k", 0.4142, 0.7221, 0.2259, 0.2973, 0.0945, 0.1625),
)
RETRIBOORU_3 = Published(
    "RetriBooru, Table 3 (RetriNet)", "retribooru",
    [_line((VQA, CLIP_I, CLIP_T, swd(VQA, CLIP_I), swd(VQA, CLIP_T), swd(CLIP_I, CLIP_T)), name, values, _ON_SD15)
     for name, *values in _TABLE_3],
    (*_RETRIBOORU, "The VQA score's questions, its embedding of answers and its sign are not published; ours is 1 - "
     "cos of the reference's answers against the drawn picture's.",
     "R reconstructs, C composes, M does both; then thousands of steps, P the share of prompts dropped, LockD and "
     "LockB what stays frozen."))

_CONCEPTS = ("axolotl", "frilled lizard", "crampfish", "garfish", "emperor penguin chick", "king penguin chick",
             "Indian cobra", "sidewinder")
_STRATEGIES = (("TI (RAND)", "random"), ("TI (FULL)", "full"), ("COTI", "coti"))
_COTI_1 = (
    (64.60, 55.47, 37.75, 69.56, 72.57, 92.36), (61.43, 44.72, 32.77, 62.33, 68.39, 91.39),
    (97.34, 86.39, 72.28, 72.35, 76.56, 94.23), (136.95, 117.82, 104.09, 75.62, 75.23, 90.26),
    (144.84, 120.37, 94.32, 68.94, 70.03, 88.06), (128.97, 110.32, 90.45, 65.65, 64.14, 86.23),
    (120.78, 108.23, 92.67, 70.26, 72.35, 87.56), (137.56, 121.89, 108.33, 68.39, 69.12, 85.24),
)
_ON_SD2 = {"protocol": "paper", "base": "Stable Diffusion 2.0"}
_COTI = ("The paper states neither how many pictures are scored, by which prompt and sampler, nor the real ones that "
         "FID compares with; the released code takes the hand-picked pictures. FID of few pictures is large.",
         "Its R-precision may be no AttnGAN's: one version of the released code averages a classifier's probability, "
         "the other looks for the caption among the first 200 of 1,001.")
COTI_1 = Published(
    "COTI, Table 1", "coti",
    [_line((FID, R_PRECISION), name, (values[at], values[3 + at]), {**_ON_SD2, "subjects": "8"}, group=group,
           subject=concept)
     for concept, values in zip(_CONCEPTS, _COTI_1, strict=True) for at, (name, group) in enumerate(_STRATEGIES)],
    _COTI)
_COTI_2 = (
    ("Random", "random", 144.84, 12.45, 68.94, 2.33), ("IS", "is", 139.83, 9.87, 67.31, 2.34),
    ("LPIPS", "lpips", 130.16, 10.23, 70.89, 2.46), ("ReLIC", "ReLIC", 122.25, 7.04, 75.67, 3.06),
    ("TANet", "TANet", 114.67, 8.93, 74.23, 2.93), ("SD-Chad", "SD-Chad", 108.93, 9.56, 77.65, 1.86),
    ("VLAD", "vlad", 127.25, 8.84, 76.28, 2.24), ("COTI", "coti", 94.32, 2.56, 88.06, 0.99),
)
COTI_2 = Published(
    "COTI, Table 2", "coti",
    [_line((FID, R_PRECISION), name, (fid, precision), {**_ON_SD2, "subjects": "1"}, group=group,
           subject="emperor penguin chick", spread=(fid_std, precision_std))
     for name, group, fid, fid_std, precision, precision_std in _COTI_2],
    (*_COTI, "What it deviates over is not stated."))

PUBLISHED = (DATA_PERSPECTIVE, RETRIBOORU_2, RETRIBOORU_3, COTI_1, COTI_2)
