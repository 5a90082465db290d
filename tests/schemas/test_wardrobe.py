import pytest

from schemas.wardrobe import garments


@pytest.mark.parametrize(("cloths", "said"), [
    (["serafuku", "school uniform", "white shirt", "pleated skirt", "skirt", "blue skirt", "black legwear"],
     (["serafuku"], ["white"], ["pleated skirt", "skirt"], ["blue"], [], ["black"], [])),
    # A jacket is worn over the shirt, and the shirt's colour is not the jacket's.
    (["jacket", "white shirt", "shirt"], (["jacket"], [], [], [], [], [], [])),
    (["maid", "maid headdress", "black dress", "thighhighs", "white legwear"],
     (["dress"], ["black"], [], [], ["thighhighs"], ["white"], ["maid headdress"])),
    (["light blue dress", "grey jacket", "gray jacket"], (["jacket"], ["grey"], [], [], [], [], [])),
    (["red bikini", "straw hat", "hair ribbon"], (["swimsuit"], ["red"], [], [], [], [], ["hair ribbon", "hat",
                                                                                        "straw hat"])),
    (["frills", "hair ornament", "long sleeves"], ([], [], [], [], [], [], [])),
    ([], ([], [], [], [], [], [], [])),
])
def test_what_tags_say(cloths: list[str], said: tuple[list[str], ...]) -> None:
    assert tuple(garments(cloths).values()) == said
    assert garments(reversed(cloths)) == garments(cloths)


def test_a_special_kind_is_a_general_one_too() -> None:
    said = garments(["miniskirt", "beret", "kneehighs"])
    assert (said["lower"], said["legwear"], said["head"]) == (
        ["miniskirt", "skirt"], ["kneehighs", "socks"], ["beret", "hat"])


def test_a_word_must_stand_alone() -> None:
    assert garments(["nightcap", "petticoat", "overskirt"])["upper"] == []
