import pytest

from builders.generators.light.scenes import place_of
from builders.generators.light.words import Table, table

# Words of the packaged pools that begin like a word of a table, or end as its -ed, -ing or -y, and mean another thing.
OTHERS = {
    "mars": "marsh marshmallows", "wind": "window windows windowsill windowpane windshield windmill winding",
    "tram": "trampoline trampling tramping", "crate": "crater", "plate": "plateau", "opera": "operating",
    "suit": "suitcase", "ship": "shipping", "surf": "surface", "raft": "rafters", "camp": "campus", "coast": "coaster",
    "stick": "stickers", "heath": "heather", "corn": "corner corners", "bean": "beanbag", "gate": "gatepost",
    "plane": "planet planetarium", "stream": "streamers", "flame": "flamenco", "mist": "mistletoe", "holi": "holiday",
    "bask": "basket basketball", "cross": "crosswalk crossword", "step": "steppe stepladder", "pill": "pillow",
    "ball": "balloon", "croc": "crocheted", "furr": "furrow", "hair": "hairless", "straw": "strawberries",
    "gold": "golden", "cabin": "cabinet", "desert": "deserted", "fair": "fairy", "hail": "hailing", "nest": "nesting",
    "deck": "decked decker", "rail": "railing", "trail": "trailing", "present": "presenting", "string": "stringing",
    "milk": "milky", "tower": "towering", "board": "boarding boarded", "record": "recording", "leaf": "leaflets",
    "rack": "racket", "bread": "breadcrumbs", "work": "workbench workshop",
}


@pytest.mark.parametrize("name", ["places", "hints", "hours", "fronts", "props", "surfaces", "fields", "backdrops",
                                  "poses", "worn", "shapes", "bodies", "textures", "skins"])
def test_no_word_is_taken_for_another_that_begins_like_it(name):
    known = {stem for stems in table(name).values() for stem in stems.split()}
    for own, others in OTHERS.items():
        for stem in known & {own, own + ".", own + "*"}:
            assert [other for other in others.split() if Table({"it": stem}).first(other)] == []


def test_a_table_knows_words_their_forms_and_marked_beginnings():
    knows = Table({"it": "wind milk. sun happ* low-angle"})
    assert all(map(knows.first, ("wind", "winds", "windy", "winding", "milk", "milks", "sun", "happy", "happiness",
                                 "a low-angle shot")))
    assert not any(map(knows.first, ("window", "windmill", "milky", "sunny", "hap", "low", "angle")))


@pytest.mark.parametrize(("text", "place"), [
    ("in a marsh", "lake"), ("on mars", "space"), ("on a windowsill", "room"), ("beside two windows", "room"),
    ("beside a tram", "street"), ("at the rim of a crater", "mountain"), ("on a high plateau", "mountain"),
    ("in an open suitcase", "room"), ("in front of stacked shipping containers", "works"),
    ("on a ship", "sea"), ("on a terraced hillside of green rice paddies", "mountain"),
    ("among green rice paddies", "meadow"), ("on a balcony strung with laundry", "room"),
    ("behind the glass of an ice cream parlor", "shop"), ("beside a shrine decked with marigolds", "hall"),
    ("on top of a silo at harvest", "works"), ("next to a steaming cup of coffee", "kitchen"),
    ("on the finish line of a running track", "sports"), ("beside a samovar on a lace cloth", "room")])
def test_places_are_told_by_their_own_words_before_the_things_in_them(text, place):
    assert place_of(text) == place
