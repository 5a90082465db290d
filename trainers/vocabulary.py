"""The words of the tiny bases: a CLIP tokenizer of ours, in which common caption words are single tokens.

Any other text splits into shorter pieces, down to single letters, as CLIP's does: "backpack" is one token and
"backpackx" two or more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from transformers import CLIPTokenizer

_END = "</w>"
"""Ends a piece that ends a word."""

_WORDS = """
    olis sks ohwx ktn pll ucd

    a an the of on in at with and to from by for under over near around behind beside top front background floating
    standing sitting lying wearing painted depicted rendering drawing painting sketch watercolor cartoon illustration
    photo photograph picture image portrait close up cropped bright dark good nice cool clean dirty weird small large
    big little tall round square shaped far away very zoomed view shot studio style wall art paper

    backpack bear plushie berry bowl can drink candle cat clock alarm sneaker shoe dog boot duck toy stuffed animal
    glasses monster poop emoji racing car robot teapot vase wolf sloth devil person man woman girl boy bag book bottle
    cup mug chair table lamp hat bird horse flower tree plush thing object creature barn fox rabbit

    red orange yellow green blue purple pink brown black white grey gray silver gold golden shiny wet wooden metal glass
    leather fluffy striped spotted cube soft smooth rough rusty happy sad angry sleepy running jumping

    jungle snow beach cobblestone street fabric floor city mountain house rug forest wheat field autumn leaves eiffel
    tower water ocean milk grass sunflowers mirror sidewalk crowded dirt road santa rainbow scarf monocle chef outfit
    firefighter police shirt wizard rock desert park kitchen garden river lake sky night sunset shelf desk bench stage
"""
"""Single tokens, each."""


def tokenizer(pad: str = "<|endoftext|>", more: Sequence[str] = ()) -> CLIPTokenizer:
    """A tokenizer of 77 places that fills texts up with `pad`: SD 1 and SDXL's first with their end, SD 2 and SDXL's
    second with "!". `more` are other words, of small ASCII letters, that are single tokens, too."""
    letters = [chr(code) for code in range(33, 127)]
    merges = _merges([*_WORDS.split(), *more])
    tokens = [*letters, *(letter + _END for letter in letters), *(left + right for left, right in merges),
              "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: at for at, token in enumerate(tokens)}, merges=merges, pad_token=pad,
                         model_max_length=77)


def _merges(known: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of pieces to join, in order, until each word is one: byte pair encoding learned of the words, the pair met
    most often first. (The trainer of `tokenizers` orders its letters otherwise each time.)"""
    words = [[*word[:-1], word[-1] + _END] for word in known]
    merges = []
    while pairs := Counter(pair for word in words for pair in pairwise(word)):
        pair = min(pairs, key=lambda one: (-pairs[one], one))
        merges.append(pair)
        for word in words:
            for at in range(len(word) - 2, -1, -1):
                if (word[at], word[at + 1]) == pair:
                    word[at:at + 2] = ["".join(pair)]
    return merges
