from datasets import Image, List, Value

from schemas.features import REJECTED, RETRIBOORU, features


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
    for column in (*RETRIBOORU, *REJECTED):
        assert len(column.meaning) > 10, column.name
