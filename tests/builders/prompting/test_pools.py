import itertools
import re
import tomllib
from pathlib import Path

import pytest

from builders.prompting.pools import STYLES, WORDS, check_class, pool_files, read_pools
from schemas.dreambench import SUBJECTS, TEMPLATES
from schemas.errors import UsageError
from schemas.prompts import ADJECTIVES, FORM, SCENE, SLOT, compose

SIZES = {
    "object_shapes": 85, "object_colors": 93, "object_textures": 96, "object_backgrounds": 455,
    "animal_bodies": 89, "animal_skins": 86, "animal_emotions": 75, "animal_motions": 744,
    "person_bodies": 89, "person_skins": 86, "person_emotions": 75, "person_motions": 744,
}  # fmt: skip
"""The least entries of each pool; the paper tells no sizes for people, and theirs are those of animals."""
PHRASES = ["object_backgrounds", "animal_motions", "person_motions", "styles_photographic", "styles_other"]
CLASS_NOUNS = {
    "backpack", "animal", "bowl", "can", "candle", "cat", "clock", "sneaker", "dog", "toy", "boot", "teapot", "vase",
    "glasses", "sunglasses", "cartoon", "plushie", "car", "robot", "person", "man", "woman", "boy", "girl",
}  # fmt: skip
GLUE = {
    "a", "an", "the", "of", "in", "on", "at", "with", "and", "to", "by", "from", "under", "next", "beside", "between",
    "its", "full", "behind", "front", "s", "concept",
}  # fmt: skip


def entries(name: str) -> list[str]:
    text = (WORDS / f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def tokens(entry: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", entry.casefold()))


def stem(entry: str) -> str:
    """What is left when spelling and ending are taken away: "Scaly", "scaled" and "scale-like" are "scal"."""
    word = re.sub(r"[ -](shaped|like)$", "", entry.casefold().replace("grey", "gray").replace("colour", "color"))
    while (shorter := re.sub(r"(?<=[a-z]{3})(ical|ular|ish|ing|al|ed|en|ic|y|e|s)$", "", word)) != word:
        word = shorter
    return re.sub(r"(.)\1$", r"\1", re.sub("[ -]", "", word))


def alike(first: str, second: str) -> float:
    """Share of the words that tell where, which two phrases have in common."""
    one, other = tokens(first) - GLUE, tokens(second) - GLUE
    return len(one & other) / len(one | other)


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("name", "least"), SIZES.items())
def test_pools_are_as_large_as_the_papers(name: str, least: int) -> None:
    assert len({entry.casefold() for entry in entries(name)}) == len(entries(name)) >= least


def test_styles_are_photographic_or_not() -> None:
    photographic, other = entries("styles_photographic"), entries("styles_other")
    assert len({*photographic, *other}) == len(photographic) + len(other) >= 99
    assert min(len(photographic), len(other)) >= 35
    assert all(re.fullmatch(r"an? .+ of", style) for style in photographic + other)
    assert all(re.search(r"photo|shot|still|picture|slide|snapshot|polaroid", style) for style in photographic)
    assert not any(re.search(r"photo|snapshot|camera", style) for style in other)


@pytest.mark.parametrize(("kind", "form"), FORM.items())
def test_adjectives_differ_in_more_than_their_ending(kind, form) -> None:
    files = pool_files(kind, form)
    known: dict[str, str] = {}
    for part in ADJECTIVES[form]:
        for entry in entries(files[part].removesuffix(".txt")):
            assert known.setdefault(stem(entry), entry) is entry
    assert stem("Scaly") == stem("scale-like") == stem("scaled")
    assert stem("grey") == stem("gray") and stem("cone-shaped") == stem("conical")


@pytest.mark.parametrize("name", PHRASES)
def test_phrases_differ_in_more_than_one_word(name: str) -> None:
    assert alike("beside a mountain lake", "in front of the mountain lake") == 1
    close = [pair for pair in itertools.combinations(entries(name), 2) if alike(*pair) >= 0.6]
    assert not close


@pytest.mark.parametrize("name", [*SIZES, "styles_photographic", "styles_other"])
def test_entries_are_clean_and_name_no_class(name: str) -> None:
    for entry in entries(name):
        assert entry == entry.lower() and entry.isascii() and re.fullmatch(r"[^ ].*[^ .,;]", entry)
        assert not tokens(entry) & {"grey", "colour"}
        assert not {word.removesuffix(end) for word in tokens(entry) for end in ("", "s", "es")} & CLASS_NOUNS


@pytest.mark.parametrize("name", [path.stem for path in sorted(WORDS.glob("*.txt"))])
def test_no_adverb_is_hyphenated(name: str) -> None:
    """"Deeply lined", not "deeply-lined"; "curly-haired" begins with no adverb."""
    adverbs = {word for entry in entries(name) for word in re.findall(r"(\w+ly)-", entry)}
    assert adverbs <= {"curly", "coily", "roly", "butterfly"}


def test_no_background_is_a_test_prompt() -> None:
    asked = {template.format("", "").strip().removeprefix("a").strip() for template in TEMPLATES["object"]}
    assert "floating on top of water" in asked
    assert not asked & set(entries("object_backgrounds"))


def test_pools_of_objects() -> None:
    pools = read_pools("object", "static")
    assert list(pools.words) == ["shape", "color", "texture", "background"]
    assert "pear-shaped" in pools.words["shape"] and "turquoise" in pools.words["color"]
    assert "corduroy" in pools.words["texture"] and "on a mossy rock" in pools.words["background"]
    assert "a polaroid of" in pools.styles["photographic"] and "a linocut of" in pools.styles["styled"]
    assert list(pools.styles) == list(STYLES)
    assert not any("#" in entry for words in pools.words.values() for entry in words)


@pytest.mark.parametrize("kind", ["animal", "person"])
def test_pools_of_living_things(kind) -> None:
    pools = read_pools(kind, "living")
    assert list(pools.words) == ["body", "skin", "emotion", "motion"]
    assert {part: len(words) for part, words in pools.words.items()} == {
        part: len(entries(f"{kind}_{plural}"))
        for part, plural in zip(pools.words, ("bodies", "skins", "emotions", "motions"), strict=True)
    }
    assert all(re.search(rf"(^|\b)an? {re.escape(SLOT)}(?!\w)", motion) for motion in pools.words["motion"])
    assert pools.digest != read_pools("object", "static").digest


def test_living_things_in_the_static_form_take_the_words_of_objects() -> None:
    assert read_pools("animal", "static") == read_pools("object", "static")


def test_objects_have_no_living_form() -> None:
    with pytest.raises(UsageError, match=r"no word pools for this form \(got 'object, living'\); allowed: object, st"):
        read_pools("object", "living")


def test_the_users_files_stand_for_the_packaged_ones(tmp_path: Path) -> None:
    own = folder(tmp_path, object_colors="# mine\nred\n  Sea   Green \n", animal_motions="a $concept asleep\n")
    (own / "provenance.json").write_text("{}")
    pools, packaged = read_pools("object", "static", own), read_pools("object", "static")
    assert pools.words["color"] == ("red", "Sea Green")
    assert pools.words["shape"] == packaged.words["shape"] and pools.styles == packaged.styles


def test_a_mark_at_the_files_beginning_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "object_colors.txt").write_bytes("red\r\nblue\r\n".encode("utf-8-sig"))
    assert read_pools("object", "static", tmp_path).words["color"] == ("red", "blue")


def test_the_digest_tells_words_and_their_order_and_nothing_else(tmp_path: Path) -> None:
    packaged = read_pools("object", "static").digest
    assert re.fullmatch("[0-9a-f]{64}", packaged)
    text = (WORDS / "object_colors.txt").read_text(encoding="utf-8")
    own = folder(tmp_path, object_colors="# another comment\n" + text)
    assert read_pools("object", "static", own).digest == packaged
    folder(tmp_path, object_colors="red\nblue\n")
    one = read_pools("object", "static", own).digest
    folder(tmp_path, object_colors="blue\nred\n")
    assert len({packaged, one, read_pools("object", "static", own).digest}) == 3


@pytest.mark.parametrize(("text", "why"), [
    ("red\n\nblue\n", r"object_colors.txt, line 2: the line is blank"),
    ("red\n   \t\nblue\n", r"object_colors.txt, line 2: the line is blank"),
    ("# reds\nred\nsky blue\n Sky  Blue\n", r"line 4: stands in line 3 already \(got 'Sky Blue'\)"),
    ("red\nRED\n", r"line 2: stands in line 1 already \(got 'RED'\)"),
    ("", r"a word pool is empty \(got '.*object_colors.txt'\)"),
    ("# nothing but this\n", r"a word pool is empty"),
    ("red $concept\n", r"line 1: the slot \$concept belongs into motions and backgrounds \(got 'red \$concept'\)"),
])
def test_bad_pools(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as error:
        read_pools("object", "static", folder(tmp_path, object_colors=text))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("entry", "why"), [
    ("sleeping under a bridge", r"line 2: a motion needs the slot: a \$concept sleeping \(got 'sleeping under a b"),
    ("two $concepts running", r"line 2: the slot \$concept does not stand alone \(got 'two \$concepts running'\)"),
])
def test_bad_motions(tmp_path: Path, entry: str, why: str) -> None:
    own = folder(tmp_path, animal_motions=f"a $concept sitting in a temple\n{entry}\n")
    with pytest.raises(UsageError, match=why):
        read_pools("animal", "living", own)


def test_a_background_may_be_a_sentence_with_the_slot(tmp_path: Path) -> None:
    own = folder(tmp_path, object_backgrounds="two people beside a $concept\non a rock\n")
    assert read_pools("object", "static", own).words["background"] == ("two people beside a $concept", "on a rock")


def test_a_pool_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "object_colors.txt").write_bytes("gräulich\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"cannot be read: it is not UTF-8 \(got '.*object_colors.txt'\)"):
        read_pools("object", "static", tmp_path)
    (tmp_path / "object_colors.txt").unlink()
    (tmp_path / "object_colors.txt").mkdir()
    with pytest.raises(UsageError, match=r"a word pool cannot be read: Is a directory \(got '.*object_colors.txt'\)"):
        read_pools("object", "static", tmp_path)


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the folder of word pools cannot be read: No such file .* \(got '.*missing'"):
        read_pools("object", "static", tmp_path / "missing")
    with pytest.raises(UsageError, match=r"no word pool for these prompts .*; allowed: object_backgrounds.txt, "):
        read_pools("object", "static", folder(tmp_path, animal_skins="furry\n"))
    with pytest.raises(UsageError, match=r"for these prompts \(got '[^']*: no .txt'\)"):
        (tmp_path / "empty").mkdir()
        read_pools("object", "static", tmp_path / "empty")
    (tmp_path / "animal_skins.txt").unlink()
    with pytest.raises(UsageError, match=r"has this name \(got '.*object_colours.txt'\); allowed: object_colors"):
        read_pools("object", "static", folder(tmp_path, object_colours="red\n"))


def test_pools_of_another_kind_are_not_passed_over(tmp_path: Path) -> None:
    """`build pools` writes styles with the pools of each kind."""
    own = folder(tmp_path, styles_other="an etching of\n")
    assert read_pools("object", "static", own).styles["styled"] == ("an etching of",)
    folder(tmp_path, animal_skins="furry\n")
    why = r"no word pool for these prompts \(got '[^']*: animal_skins.txt, styles_other.txt'\); allowed: object_backg"
    for kind, form in (("object", "static"), ("animal", "static")):
        with pytest.raises(UsageError, match=why):
            read_pools(kind, form, own)
    with pytest.raises(UsageError, match=r"allowed: person_bodies\.txt, "):
        read_pools("person", "living", own)
    assert read_pools("animal", "living", own).words["skin"] == ("furry",)


@pytest.mark.parametrize(("class_name", "why"), [
    ("round", r"collides with 'round' of the pool of shapes \(got 'round'\)"),
    ("Orange", r"collides with 'orange' of the pool of colors \(got 'Orange'\)"),
    ("wooden  chair", r"collides with 'wooden' of the pool of textures"),
    ("powder blue vase", r"collides with 'blue' of the pool of colors"),
    ("lemon", r"collides with 'lemon yellow' of the pool of colors"),
    ("photo", r"collides with 'a photo of' of the pool of styles \(got 'photo'\)"),
    ("Painting", r"collides with 'an oil painting of' of the pool of styles"),
    ("charcoal sketch", r"collides with 'charcoal' of the pool of colors"),
    ("sketch", r"collides with 'a charcoal sketch of' of the pool of styles"),
    ("tarot  card", r"collides with 'a tarot card of' of the pool of styles"),
])
def test_a_class_that_is_a_word_of_the_pools(class_name: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        check_class(class_name, read_pools("object", "static"))


@pytest.mark.parametrize("class_name", [
    "chair", "redwood", "roundabout", "egg", "rock", "book", "camera", "pencil", "toy", "car", "photo album",
    "playing card", "life", "art",
])
def test_a_class_that_only_resembles_a_word(class_name: str) -> None:
    check_class(class_name, read_pools("object", "static"))


def test_dreambenchs_classes_collide_with_nothing() -> None:
    for subject in SUBJECTS.values():
        for form in {"static", FORM[subject.kind]}:
            check_class(subject.class_name, read_pools(subject.kind, form))
            check_class(subject.original, read_pools(subject.kind, form))


def test_a_prompt_of_the_pools_reads() -> None:
    pools = read_pools("object", "static")
    parts = {part: words[0] for part, words in pools.words.items()} | {"style": pools.styles["photographic"][0]}
    assert compose(parts, "backpack") == "a photo of a round red woven backpack on a marble kitchen counter"
    assert SCENE["static"] in parts


def test_the_pools_are_packaged() -> None:
    said = tomllib.loads((WORDS.parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    globs = said["tool"]["setuptools"]["package-data"]["builders"]
    packaged = {path for glob in globs for path in WORDS.parents[1].glob(glob)}
    assert set(WORDS.glob("*.txt")) <= packaged
    names = {f"{name}.txt" for name in SIZES} | set(STYLES.values())
    assert {path.name for path in WORDS.glob("*.txt")} == names


def test_the_readme_tells_the_sizes() -> None:
    rows = re.findall(r"^\| `(\w+)\.txt` \| (\d+) ", (WORDS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    there = {path.stem: len(entries(path.stem)) for path in WORDS.glob("*.txt")}
    assert {name: int(size) for name, size in rows} == there
