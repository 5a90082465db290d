import pytest

from builders.prompting.phrases import Gathering, clean, items
from builders.prompting.pools import STYLES, WORDS, pool_files
from schemas.prompts import FORM

THREE = ["round", "ball-shaped", "oval"]


@pytest.mark.parametrize("said", [
    "1. Round\n2. Ball-shaped\n3. Oval",
    "Sure! Here are 3 adjectives:\n\n1) **Round** - like a ball\n2) **Ball-shaped**: as a ball\n3) Oval (an egg).\n\n"
    "Let me know if you need more!",
    "- Round\n- Ball-shaped\n- Oval\n",
    "* *Round*\n* `ball-shaped`\n* Oval — an egg",
    "• “Round”\n• ‘Ball-shaped’\n• Oval.",
    "Round\nBall-shaped\nOval",
    "Here you go:\n\nround,\nball-shaped,\noval.",
    "# Shapes\n\nround\nball-shaped\noval",
    "Round, ball-shaped, and oval.",
    '["Round", "Ball-shaped", "Oval"]',
    '```json\n["Round",\n "Ball-shaped",\n "Oval"]\n```\nI hope this helps.',
    'Of course:\n{"adjectives": [{"word": "Round", "meaning": "like a ball"}, {"word": "ball-shaped"}, "oval"]}',
    "```\nround\nball-shaped\noval\n```",
    '["round",\n"ball-shaped",\n"oval",',
    "round\r\nball‑shaped\r\n  oval  \r\n",
])
def test_lists_of_all_sorts(said: str) -> None:
    pool = Gathering("object", "shape", 9, {})
    assert pool.add(said) == 3 and pool.kept == THREE


@pytest.mark.parametrize("said", [
    "", "\n \n", "[]", "{}", "[[1, 2], 3]", "```\n```", "[" * 100_000,
    "I'm sorry, but I can't help with that.",
    "Sorry, no.",
    "However, as an AI, I cannot, sadly, help.",
    "The shape of an object is the form that it has in space. There are many words for it.",
    "Certainly! What kind of object do you have in mind?",
    "<html><body><h1>It works</h1></body></html>",
])
def test_prose_is_no_list(said: str) -> None:
    for part in ("shape", "background", "style"):
        assert not Gathering("object", part, 9, {}).add(said)  # type: ignore[arg-type]
    assert not Gathering("animal", "motion", 9, {}).add(said)


def left(kind: str, part: str, *said: str, photographic: bool = False) -> tuple[list[str], dict[str, int]]:
    pool = Gathering(kind, part, 9, {}, photographic=photographic)  # type: ignore[arg-type]
    pool.add("\n".join(f"- {one}" for one in said))
    return pool.kept, dict(pool.removed)


def test_adjectives() -> None:
    kept, removed = left("object", "texture", "Striped", "striped", "stripe", "stripes", "fine grained", "fine-grained",
                         "dog-eared", "bowls", "gray", "grey", "smooth as a mirror",
                         "glass", "gl@ss", "rough, coarse")
    assert kept == ["striped", "stripe", "fine grained", "gray", "glass"]
    assert removed == {"repeated": 1, "near copy": 3, "class noun": 2, "too long": 1, "no entry": 2}


def test_pools_that_share_what_is_taken() -> None:
    taken: dict[str, str] = {}
    shapes, textures = Gathering("object", "shape", 2, taken), Gathering("object", "texture", 9, taken)
    assert shapes.add("- round\n- woven\n- flat") == 2 and shapes.removed == {"more than asked for": 1}
    assert textures.add("- woven\n- flat") == 1 and textures.kept == ["flat"] and textures.removed == {"repeated": 1}


def test_backgrounds() -> None:
    kept, removed = left(
        "object", "background", "On the table.", "on a table", "On the tables", "floating in an old stone well",
        "floating in the old well of stone", "A sunny beach", "On the Beach", "in the jungle", "beside a sleeping cat",
        "a pond with a $concept in it", "$concept, $concept", "surrounded by candles", "covered in moss")
    assert kept == ["on the table", "floating in an old stone well", "a pond with a $concept in it", "covered in moss"]
    # {floating, in, old, stone, well} and {floating, in, old, well, of, stone}: 5 words of 6
    assert removed == {"near copy": 3, "no phrase that follows a noun": 1, "test prompt of DreamBench": 2,
                       "class noun": 2, "slot missing, repeated or out of place": 1}


def test_likeness_of_scenes_is_a_share_of_words() -> None:
    kept, _ = left("object", "background", "on one two three four five", "on one two three four six",
                   "on one two three", "on one two three eight")
    # 5 of 7 words are 0.71 and 4 of 6 are 0.67: kept; {on one two three eight}: 4 of 5 are 0.8
    assert kept == ["on one two three four five", "on one two three four six", "on one two three"]


def test_motions() -> None:
    kept, removed = left(
        "animal", "motion", "A \\$concept sitting in a temple.", "a $ concept walking in a market", "a dog sleeping",
        "${concept} rolls down a hill", '"A $Concept leaping over a creek" - playful', "a $concepts choir sings",
        "a $concept greeting a $concept", "the cat and a $concept", "a $concept wearing a red hat",
        "in a barn, a $concept yawns", "a $concept in the snow", "a $concept sitting in the temple")
    assert kept == ["a $concept sitting in a temple", "a $concept walking in a market", "a $concept rolls down a hill",
                    "a $concept leaping over a creek", "in a barn, a $concept yawns"]
    assert removed == {"slot missing, repeated or out of place": 3, "class noun": 1, "test prompt of DreamBench": 2,
                       "near copy": 1}


def test_styles_are_whole_beginnings() -> None:
    assert left("object", "style", "A photo of", "a polaroid of a", "a close-up shot of [subject]", "a portrait of ...",
                "an aerial photograph", "in black and white", "a photo of a $concept", photographic=True) == (
        ["a photo of", "a polaroid of", "a close-up shot of", "a portrait of", "an aerial photograph of"],
        {"no beginning of a prompt": 1, "repeated": 1})
    assert left("object", "style", "a painting of", "a photo of", "a cartoon of") == (
        ["a painting of"], {"photographic": 1, "class noun": 1})


@pytest.mark.parametrize(("item", "part", "entry"), [
    ("`Round`;", "shape", "round"), ("“ROUND” (adj.)", "shape", "round"), ("round → like a ball", "shape", "round"),
    ("  sky\tblue ", "color", "sky blue"), ("ﬁne", "texture", "fine"), ("café-au-lait", "color", "café-au-lait"),
    ("on the dog's bed", "background", "on the dog's bed"), ("_ _", "shape", ""),
])
def test_clean(item: str, part: str, entry: str) -> None:
    assert clean(item, part) == entry


def test_items_keep_their_words() -> None:
    assert items("1. a \\$concept: one\n12) two\nthree") == ["a $concept: one", "two"]


@pytest.mark.parametrize("kind", FORM)
def test_our_own_pools_pass(kind) -> None:
    """They were written and read by hand: who leaves out their entries leaves out good ones."""
    taken: dict[str, str] = {}
    for part, name in [*pool_files(kind, FORM[kind]).items(), *(("style", name) for name in STYLES.values())]:
        entries = [line for line in (WORDS / name).read_text().splitlines() if not line.startswith("#")]
        pool = Gathering(kind, part, 9999, taken, photographic=name == STYLES["photographic"])
        pool.add("\n".join(f"{number}. {entry.capitalize()}." for number, entry in enumerate(entries, 1)))
        assert pool.kept == entries and not pool.removed
