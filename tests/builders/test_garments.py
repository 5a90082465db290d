import re

import pytest

from builders.garments import is_garment, listed


def words(text: str) -> list[str]:
    return text.split()


# Tags of the published record that its `cloths` kept and left out, and its most frequent cloth tags.
KEPT = words("""skirt kneehighs single_kneehigh single_thighhigh serafuku black_skirt black_legwear pleated_skirt
sleeveless thighhighs school_uniform""")
LEFT_OUT = words("""gloves elbow_gloves fingerless_gloves sailor_collar asymmetrical_legwear brown_hair long_hair
two_side_up brown_eyes standing solo 1girl""")
FREQUENT = words("""skirt hat hair_ornament long_sleeves shirt thighhighs dress hair_bow hair_ribbon school_uniform
detached_sleeves short_sleeves black_legwear white_shirt puffy_sleeves wide_sleeves pleated_skirt serafuku
japanese_clothes swimsuit bikini pantyhose frills jacket necktie hairband hairclip sleeveless striped white_legwear
""")


@pytest.mark.parametrize("tag", KEPT + FREQUENT)
def test_what_the_published_list_kept(tag):
    assert is_garment(tag)


@pytest.mark.parametrize("tag", LEFT_OUT)
def test_what_it_left_out(tag):
    assert not is_garment(tag)


@pytest.mark.parametrize("tag", [
    "light_blue_dress", "dark_green_skirt", "two-tone_dress", "red_scarf", "striped_shirt", "plaid_skirt", "white_hat",
    "black_striped_skirt", "polka_dot_bikini", "print_kimono", "frilled_dress", "blue_headwear", "red_neckwear",
    "purple_hairband", "white_school_swimsuit", "otonokizaka_school_uniform", "lace-trimmed_dress",
])
def test_forms_known_by_rule(tag):
    assert is_garment(tag)


@pytest.mark.parametrize("tag", [
    "", "red", "red_", "black_gloves", "blue_hair", "red_eyes", "white_background", "black_footwear", "red_bow",
    "blue_ribbon", "green_panties", "striped_panties", "print", "lace-up", "no_uniform", "light_dress",
    "hair_between_eyes", "white_skin", "skirt_lift", "dress_lift", "bow", "ribbon", "hairy", "black_border",
    "redhat", "Skirt", "skirt ",
])
def test_no_garments(tag):
    assert not is_garment(tag)


def test_many_words_before_a_garment():
    assert is_garment("red_" * 3000 + "skirt")
    assert not is_garment("red_" * 3000)


def test_the_list():
    assert len(listed()) >= 400
    for tag in listed():
        assert re.fullmatch(r"[a-z0-9][a-z0-9_'()-]*[a-z0-9)]", tag), tag
        assert not re.search(r"glove|mitten|shoe|boot|sandal|panties|earring|necklace|glasses|_hair$|_eyes$", tag)
