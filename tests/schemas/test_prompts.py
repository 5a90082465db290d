import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.prompts import ADJECTIVES, PARTS, SCENE, Form, article, compose, split


@pytest.mark.parametrize(("parts", "class_name", "identifier", "caption"), [
    ({}, "backpack", "", "a backpack"),
    ({}, "hourglass", "", "an hourglass"),
    ({"background": "on a rock"}, "backpack", "", "a backpack on a rock"),
    ({"background": "on a rock"}, "backpack", "olis", "a olis backpack on a rock"),
    ({"shape": "contoured", "color": "orchid", "texture": "woven", "background": "on a rock"}, "backpack", "",
     "a contoured orchid woven backpack on a rock"),
    ({"style": "a photo of", "shape": "oval", "color": "red"}, "duck toy", "", "a photo of an oval red duck toy"),
    # What is dropped leaves its neighbours alone, and the article follows.
    ({"style": "a photo of", "shape": "", "color": "red"}, "duck toy", "", "a photo of a red duck toy"),
    ({"color": "red"}, "backpack", "olis", "a olis red backpack"),
    ({"style": "a watercolor painting of", "shape": "8-sided"}, "clock", "",
     "a watercolor painting of an 8-sided clock"),
    ({"body": "agile", "skin": "", "emotion": "unimpressed", "motion": "walking in a street"}, "cat", "",
     "an agile unimpressed cat walking in a street"),
    ({"motion": "a $concept sleeping under a bridge"}, "cat", "olis", "a olis cat sleeping under a bridge"),
    ({"style": "a sketch of", "emotion": "angry", "motion": "a $concept sleeping"}, "cat", "",
     "a sketch of an angry cat sleeping"),
    ({"motion": "an $concept sleeping"}, "cat", "", "a cat sleeping"),
    ({"body": "old", "motion": "under a bridge, a $concept's bed and a bone"}, "dog", "",
     "under a bridge, an old dog's bed and a bone"),
    ({"background": "the $concept of Anna and  $concept 5"}, "owl", "", "the owl of Anna and owl 5"),
    ({"background": r"a $concept on a \1 sign"}, "owl", "", r"an owl on a \1 sign"),
    ({"style": " a photo  of ", "shape": " "}, " duck  toy", "", "a photo of a duck toy"),
])  # fmt: skip
def test_captions(parts: dict[str, str], class_name: str, identifier: str, caption: str) -> None:
    assert compose(parts, class_name, identifier) == caption


@pytest.mark.parametrize("parts", [{"colour": "red"}, {"color": "red", "skin": "furry"}, {"class_name": "cat"}])
def test_parts_of_neither_form_are_refused(parts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="neither form"):
        compose(parts, "cat")


def test_an_article_goes_by_sound() -> None:
    a = ("unicorn-themed", "uniform", "unique", "unilateral", "European", "eucalyptus", "ewe", "U-shaped", "u-turn",
         "UFO", "USB", "T-shirt", "one-eyed", "once-loved", "ouija", "ukulele", "utopian", "urethane", "usual", "used",
         "yellow", "hairy", "110-year-old", "180-degree", "7-sided", "100-year-old", "“")
    an = ("hourglass", "honest", "honorable", "heirloom", "umber", "unusual", "unironed", "unimpressed", "unidentified",
          "unarmed", "urban", "ugly", "upright", "utter", "usher", "L-shaped", "s-shaped", "x-ray", "LED", "oneiric",
          "egg", "8-sided", "80s", "11-sided", "18th-century", "1800s", "11000", "élite", "écru", "'oval'", "yttrium")
    assert {word: article(word) for word in a} == dict.fromkeys(a, "a")
    assert {word: article(word) for word in an} == dict.fromkeys(an, "an")
    assert article("old red shoe") == "an"


@pytest.mark.parametrize(("caption", "class_name", "scene", "inserted"), [
    ("a backpack on a rock", "backpack", "on a rock", "a olis backpack on a rock"),
    ("a olis backpack on a rock", "backpack", "on a rock", "a olis backpack on a rock"),
    ("A  Backpack on a Rock ", "backpack", "on a Rock", "a olis backpack on a Rock"),
    ("a backpack", "backpack", "", "a olis backpack"),
    ("an owl in a tree", "owl", "in a tree", "a olis owl in a tree"),
    ("a Duck Toy in a bath", "duck toy", "in a bath", "a olis duck toy in a bath"),
    ("two people beside a backpack", "backpack", "two people beside a $concept", "two people beside a olis backpack"),
    ("two people beside a olis backpack", "backpack", "two people beside a $concept",
     "two people beside a olis backpack"),
    ("the backpack on a rock", "backpack", "the $concept on a rock", "the olis backpack on a rock"),
    ("backpack on a rock", "backpack", "$concept on a rock", "olis backpack on a rock"),
    ("a backpack, on a rock", "backpack", "a $concept, on a rock", "a olis backpack, on a rock"),
    ("an old backpack on a rock", "backpack", "an old $concept on a rock", "an old olis backpack on a rock"),
    ("a olis old backpack on a rock", "backpack", "an old $concept on a rock", "a olis old backpack on a rock"),
    # The words that mean the subject, where they stand more than once.
    ("men who can carry a can", "can", "men who can carry a $concept", "men who can carry a olis can"),
    ("a can and a olis can", "can", "a can and a $concept", "a can and a olis can"),
    ("a candle beside a can-opener and a can", "can", "a candle beside a can-opener and a $concept",
     "a candle beside a can-opener and a olis can"),
    ("a candle on a table", "can", None, None),
    ("two cans on a table", "can", None, None),
    ("a can-opener", "can", None, None),
    ("a toy duck", "duck toy", None, None),
    ("a photo of olis", "backpack", None, None),
    ("", "backpack", None, None),
])  # fmt: skip
def test_the_scene_of_a_caption(caption: str, class_name: str, scene: str | None, inserted: str | None) -> None:
    assert split(caption, class_name, "olis") == scene
    if "olis" not in caption:
        assert split(caption, class_name) == scene
        if scene is not None:
            assert compose({"background": scene}, class_name, "olis") == inserted


def test_an_identifier_may_have_marks() -> None:
    assert split("a <new> backpack (new) on a rock", "backpack", "<new>") == "(new) on a rock"


FORMS: st.SearchStrategy[Form] = st.sampled_from(tuple(PARTS))


@st.composite
def _parts(draw: st.DrawFn) -> tuple[Form, dict[str, str]]:
    """A form and its parts, no two words the same; styles and scenes of two words, scenes also as sentences."""
    form = draw(FORMS)
    words = draw(st.lists(st.text("abehouxy8-", min_size=2, max_size=6).filter(lambda word: word not in ("an", "of")),
                          min_size=7, max_size=7, unique=True))
    parts = dict(zip(ADJECTIVES[form], words, strict=False))
    scene = draw(st.sampled_from(["{} {}", "{} a $concept {}", "a $concept {} {}", "{} {} an $concept"]))
    parts |= {"style": f"{words[3]} {words[4]}", SCENE[form]: scene.format(*words[5:])}
    return form, parts


@given(_parts(), st.sampled_from(["", "olis"]))
def test_every_word_once_and_dropping_some_changes_no_others(given_parts: tuple[Form, dict[str, str]],
                                                             identifier: str) -> None:
    form, parts = given_parts
    caption = compose(parts, "QQ clock", identifier)
    assert caption == " ".join(caption.split()) and "$" not in caption
    given_words = [word for words in parts.values() for word in words.split() if word not in ("a", "an", "$concept")]
    assert sorted(word for word in caption.split() if word not in ("a", "an")) == sorted(
        [*given_words, "QQ", "clock", *identifier.split()])
    for name in ADJECTIVES[form]:
        left = compose(parts | {name: ""}, "QQ clock", identifier)
        assert _plain(left) == [word for word in _plain(caption) if word != parts[name]]
        assert left == compose({key: words for key, words in parts.items() if key != name}, "QQ clock", identifier)


@given(_parts(), st.sampled_from(["", "olis"]))
def test_a_scene_comes_back(given_parts: tuple[Form, dict[str, str]], identifier: str) -> None:
    form, parts = given_parts
    caption = compose({SCENE[form]: parts[SCENE[form]]}, "QQ clock", identifier)
    scene = split(caption, "qq clock", identifier)
    assert scene is not None and compose({SCENE[form]: scene}, "QQ clock", identifier) == caption


def _plain(caption: str) -> list[str]:
    return [word for word in caption.split() if word not in ("a", "an")]
