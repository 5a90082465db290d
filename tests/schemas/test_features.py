import pytest
from datasets import Features, Image, List, Value

from schemas.features import REGULARIZATION, REJECTED, RETRIBOORU, SUBJECT, Column, arrow_schema, listed, pool


def test_the_papers_record_keys_are_all_there() -> None:
    names = [column.name for column in RETRIBOORU]
    assert {"id", "image", "mask", "bbox", "character", "artists", "cloths", "prompts", "similar"} <= set(names)
    assert len(set(names)) == len(names)


def made(columns: tuple[Column, ...]) -> Features:
    """What `datasets` reads from a file with this schema."""
    return Features.from_arrow_schema(arrow_schema(columns))


def test_kinds() -> None:
    read = made(RETRIBOORU)
    assert read["image"] == Image(mode="RGB")
    assert read["mask"] == Image(mode="L")
    assert read["bbox"] == List(Value("float32"), length=4)
    assert read["similar"] == List(Value("string"))
    assert read["artists"] == Value("string")
    assert made(pool(96))["embedding"] == List(Value("float32"), length=96)
    assert read["answers"] == List({"question": Value("string"), "answer": Value("string")})
    assert list(made(REJECTED)) == ["id", "path", "stage", "reason", "value", "threshold", "model", "sha256"]


@pytest.mark.parametrize("columns", [RETRIBOORU, REJECTED, SUBJECT, *REGULARIZATION.values(), pool(96)])
def test_files_and_card_say_what_datasets_itself_would(columns: tuple[Column, ...]) -> None:
    read = made(columns)
    assert read.arrow_schema.equals(arrow_schema(columns), check_metadata=True)
    assert read._to_yaml_list() == listed(columns)


def test_every_column_tells_its_meaning() -> None:
    for column in (*RETRIBOORU, *REJECTED, *SUBJECT, *REGULARIZATION["static"], *REGULARIZATION["living"], *pool(4)):
        assert len(column.meaning) > 10, column.name


def test_every_word_of_a_prompt_has_a_column_of_its_own() -> None:
    static, living = (arrow_schema(REGULARIZATION[form]).names for form in ("static", "living"))
    assert static[3:9] == ["style", "shape", "color", "texture", "class_name", "background"]
    assert living[3:9] == ["style", "body", "skin", "emotion", "class_name", "motion"]
    assert static[:3] == living[:3] == ["id", "image", "text"]
    assert static[9:] == living[9:]
