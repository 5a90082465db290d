from datasets import Image, List, Value

from schemas.features import REGULARIZATION, REJECTED, RETRIBOORU, SUBJECT, features


def test_the_papers_record_keys_are_all_there() -> None:
    names = [column.name for column in RETRIBOORU]
    assert {"id", "image", "mask", "bbox", "character", "artists", "cloths", "prompts", "similar"} <= set(names)
    assert len(set(names)) == len(names)


def test_kinds() -> None:
    made = features(RETRIBOORU)
    assert made["image"] == Image(mode="RGB")
    assert made["mask"] == Image(mode="L")
    assert made["bbox"] == List(Value("float32"), length=4)
    assert made["similar"] == List(Value("string"))
    assert made["artists"] == Value("string")
    assert list(features(REJECTED)) == ["id", "path", "stage", "reason", "value", "threshold", "model", "sha256"]


def test_every_column_tells_its_meaning() -> None:
    for column in (*RETRIBOORU, *REJECTED, *SUBJECT, *REGULARIZATION["static"], *REGULARIZATION["living"]):
        assert len(column.meaning) > 10, column.name


def test_every_word_of_a_prompt_has_a_column_of_its_own() -> None:
    static, living = (list(features(REGULARIZATION[form])) for form in ("static", "living"))
    assert static[3:9] == ["style", "shape", "color", "texture", "class_name", "background"]
    assert living[3:9] == ["style", "body", "skin", "emotion", "class_name", "motion"]
    assert static[:3] == living[:3] == ["id", "image", "text"]
    assert static[9:] == living[9:]
