import pytest

from schemas.tags import described, prompt, words


@pytest.mark.parametrize(("tag", "said"), [("school_uniform", "school uniform"), ("^_^", "^_^"), ("o_o", "o_o"),
                                           ("remodel_(kantai_collection)", "remodel (kantai collection)")])
def test_tags_become_words_and_faces_stay(tag: str, said: str) -> None:
    assert words(tag) == said


def test_a_row_without_tags_has_its_identity_for_a_prompt() -> None:
    assert prompt("1girl, ^_^, long_sleeves", "reimu_(test)") == "1girl, ^_^, long sleeves"
    assert prompt("", "reimu_(test)") == "reimu (test)"


@pytest.mark.parametrize(("prompts", "said"), [
    ("solo, 1girl, ^_^, long_sleeves", ("a girl", ", solo, ^_^, long sleeves")), ("1boy", ("a boy", "")),
    ("2girls, skirt", ("a character", ", 2girls, skirt")), ("", ("reimu (test)", ""))])
def test_captions_begin_with_a_noun(prompts: str, said: tuple[str, str]) -> None:
    assert described(prompts, "reimu_(test)") == said
