import pytest

from schemas.tags import prompt, words


@pytest.mark.parametrize(("tag", "said"), [("school_uniform", "school uniform"), ("^_^", "^_^"), ("o_o", "o_o"),
                                           ("remodel_(kantai_collection)", "remodel (kantai collection)")])
def test_tags_become_words_and_faces_stay(tag: str, said: str) -> None:
    assert words(tag) == said


def test_a_row_without_tags_has_its_identity_for_a_prompt() -> None:
    assert prompt("1girl, ^_^, long_sleeves", "reimu_(test)") == "1girl, ^_^, long sleeves"
    assert prompt("", "reimu_(test)") == "reimu (test)"
