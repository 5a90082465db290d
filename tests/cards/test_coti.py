"""A web pool's card: what it tells in which case, its command, and what stands on its sheets and its map."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from cards.coti import command, pages, rule
from schemas.features import REJECTED, arrow_schema
from schemas.manifest import Manifest, Model, Step

OPTIONS: dict[str, Any] = {
    "concept": "emperor penguin chick", "limit": 0, "resize": 0, "min_side": 128, "allow_private": False,
    "ignore_robots_tag": False, "models": "light", "embeddings": "light", "aesthetics": "light",
    "concept_rule": "mean", "vae": None, "select": "coti", "budget": 2, "seed": 0, "version": "1.0.0",
    "seeds_from": None, "k": None, "pick": None, "embedding_width": 4, "gamma_aesthetic": 0.0, "gamma_concept": 0.0}
SOURCE = {"name": "urls:list.csv", "digest": "a" * 64, "licence": "Each picture has its own.", "seeds": "b" * 64}
FOUR = [("a", 1.0, 9.0, {"status": "selected", "colour": "red", "url": "https://x.org/a.jpg", "license": "cc-by-4.0",
                         "attribution": "Ann"}),
        ("b", 9.0, 0.0, {"colour": "lime", "url": "https://x.org/b.jpg"}),
        ("c", 5.0, 5.0, {"status": "selected", "colour": "blue"}), ("d", 0.0, 0.0, {"colour": "yellow"})]
SEED = [("seed:one", 9.5, 4.0, {"colour": "magenta", "license": "mine"})]
RGB = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)}


def _manifest(options: dict[str, Any] | None = None, **words: Any) -> Manifest:
    plain: dict[str, Any] = {
        "recipe": "coti", "version": "1.0.0", "content_digest": "c" * 64, "rows_digest": "", "source": SOURCE,
        "models": [Model("embeddings", "e" * 64, {"backend": "histograms"})], "near_copies": 1, "files": {},
        "counts": {}, "splits": {"pool": 4, "seed": 1}, "options": OPTIONS | (options or {}),
        "built_with": {"likeness": "0.1.0"}, "funnel": [
            Step("source", 12, 12, {}), Step("fetch", 12, 7, {"robots_tag": 2, "opted_out": 1, "timeout": 2}),
            Step("file", 7, 6, {"opted_out": 1}), Step("near", 6, 5, {"near_copy": 1})]}
    return Manifest(**(plain | words))


@pytest.fixture
def card(pooled: Any, tmp_path: Path) -> Any:
    """Writes a pool with its pages; gives the README's text."""

    def make(manifest: Manifest, rows: Any = FOUR, seeds: Any = SEED, lost: Any = ()) -> str:
        rejected = [dict.fromkeys(arrow_schema(REJECTED).names, "") | {"path": path, "stage": "fetch", "reason": reason}
                    for path, reason in lost]
        pq.write_table(pa.Table.from_pylist(rejected, schema=arrow_schema(REJECTED)), tmp_path / "rejected.parquet")
        for name, data in pages(manifest, pooled(rows, seeds), tmp_path / "rejected.parquet"):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        return (tmp_path / "README.md").read_text()

    return make


def _drawn(path: Path) -> Any:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def _there(page: Any, colour: str) -> Any:
    return (np.abs(page - RGB[colour]) < 8).all(axis=-1)


def test_the_card_of_a_light_pool(card: Any, tmp_path: Path) -> None:
    text = card(_manifest(), lost=[("https://x.org/1", "timeout"), ("https://x.org/2", "timeout"),
                                   ("https://y.org/1", "robots_tag"), ("https://y.org/2", "robots_tag"),
                                   ("https://y.org/3", "opted_out")])
    said = yaml.safe_load(text.split("---\n")[1])
    assert (said["license"], said["license_name"]) == ("other", "of-each-picture")
    assert said["pretty_name"] == "Web pool for emperor penguin chick"
    assert [(split["name"], split["num_examples"]) for split in said["dataset_info"]["splits"]] == [
        ("pool", 4), ("seed", 1)]
    assert {"name": "embedding", "list": "float32", "length": 4} in said["dataset_info"]["features"]
    assert "4 pictures to learn `emperor penguin chick` from, version 1.0.0" in text and "that 1 seed shows" in text
    assert "Warning: light embeddings and aesthetics; not the paper's" in text
    assert "2 rows have the status `selected`: the 2 best (`--budget`) by `coti` (`--select`)." in text
    assert "| **coti** | 2 | 10.00 | 3.00 | 7.00 | 2 |" in text and "| concept | 2 | 9.50 | 7.00 | 2.50 | 1 |" in text
    assert "| full | 4 | 7.25 | 3.75 | 3.50 | 2 |" in text
    assert "1 near copy of seeds or of other pictures left" in text
    assert "4 pictures were left alone because their owners asked for it: 2 by the server's `X-Robots-Tag`, 2" in text
    assert "| `x.org` | 2 | 2 | `timeout` 2 |" in text
    assert "| `y.org` | 0 | 3 | `robots_tag` 2, `opted_out` 1 |" in text and "other host" not in text
    assert "5 rows that left on the way stand in `rejected.parquet`" in text
    assert "the plain sum of both" in text and "its mean cosine to the seeds, times 10" in text
    assert {path.stem for path in (tmp_path / "assets").iterdir()} == {"map", "seeds", "best", "scores", "strategies"}
    assert not re.search(r"\n{4}|[^\n]\n#", text)  # every heading stands by itself


def test_licences_and_whom_to_name(card: Any) -> None:
    text = card(_manifest())
    assert "| *not said* | 3 | 0 |" in text and "| cc-by-4.0 | 1 | 1 |" in text and "| mine | 1 | 0 |" in text
    assert "| [a](https://x.org/a.jpg) | cc-by-4.0 | Ann |" in text and "| seed\\:one | mine |  |" in text
    assert "| [b](https://x.org/b.jpg) |  |  |" in text
    assert "\n| c |" not in text  # nothing is known of it
    assert "Each picture has its own. No right to the pictures" in text


@pytest.mark.parametrize(("names", "said"), [
    (("cc-by-4.0", "cc-by-4.0"), ["cc-by-4.0"]), (("CC BY 4.0", "cc0-1.0"), ["cc-by-4.0", "cc0-1.0"]),
    (("cc-by-4.0", ""), "other"), (("cc-by-4.0", "ask me"), "other")])
def test_the_hub_is_told_licences_that_all_rows_have(card: Any, names: tuple[str, str], said: Any) -> None:
    rows = [(name, 1.0, 1.0, {"license": name}) for name in names]
    front = yaml.safe_load(card(_manifest(), rows, [("seed:s", 1.0, 1.0, {"license": "cc0-1.0"})]).split("---\n")[1])
    assert front["license"] == (sorted({*said, "cc0-1.0"}) if isinstance(said, list) else said)
    assert ("license_name" in front) == (said == "other")


def test_models_and_weights(card: Any) -> None:
    text = card(_manifest({"embeddings": "paper", "aesthetics": "paper", "concept_rule": "paper", "select": "random",
                           "gamma_aesthetic": 5.25, "gamma_concept": 6.5, "ignore_robots_tag": True}))
    assert "Warning" not in text and "LAION's aesthetic predictor" in text
    assert "(1 - 5.25/10) aesthetic + (1 - 6.5/10) concept, with the mean scores of generated pictures" in text
    assert "least cosine to a seed, times 10, between latents" in text
    assert "| **random** | 2 |" in text and "| coti | 2 |" in text
    assert "were not listened to** (`--ignore-robots-tag`)" in text
    text = card(_manifest({"embeddings": "paper"}))
    assert "Warning: light aesthetics;" in text and "Light embeddings" not in text
    assert "Not given, or not taken" in text
    assert "all of the pool (`--select full`)" in card(_manifest({"select": "full"}))


@pytest.mark.parametrize(("name", "words"), [
    ("mean", "mean cosine to the seeds"), ("min", "least cosine to a seed"), ("max", "cosine to the nearest seed"),
    ("code", "probability, times 10, that a classifier")])
def test_the_concept_rule_in_words(name: str, words: str) -> None:
    assert words in rule(_manifest({"concept_rule": name}))


def test_a_pool_from_which_nothing_is_left(card: Any, tmp_path: Path) -> None:
    text = card(_manifest(splits={"pool": 0, "seed": 1}), [])
    assert "0 pictures to learn" in text and "No picture reached the end of this build" in text
    assert "Best and worst" not in text and "Where the pictures come from" not in text
    assert [path.stem for path in (tmp_path / "assets").iterdir()] == ["seeds"]


def test_words_of_strangers_stay_words(card: Any) -> None:
    evil = {"url": "https://x.org/) ![p](https://evil.org/1.png", "license": "<script>|x", "attribution": "[a](b)\n# c"}
    text = card(_manifest({"concept": "a `cat` | <b>"}), [("*a*", 1.0, 1.0, evil)])
    assert "| \\*a\\* | \\<script\\>\\|x | \\[a\\](b)\\\\u000a\\# c |" in text
    assert "![p]" not in text and "<script>" not in text


def test_hosts_beyond_the_table_are_counted(card: Any) -> None:
    rows = [(f"{n:03d}", 1.0, 1.0, {"url": f"https://h{n:03d}.org/a"}) for n in range(22)]
    text = card(_manifest(), rows, lost=[("https://zz.org/1", "timeout")] * 2)
    assert text.count("| `h0") == 19 and "| `zz.org` | 0 | 2 |" in text and "*And 3 other hosts.*" in text


def test_the_index_is_told_where_there_is_one(card: Any, tmp_path: Path) -> None:
    assert "load_faiss_index" not in card(_manifest())
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "index.json").write_text(json.dumps(
        {"factory": "IVF512,SQfp16", "rows": 4, "width": 4, "recall_at_10": 0.9871, "metric": "inner_product"}))
    text = card(_manifest())
    assert "a FAISS `IVF512,SQfp16` by inner product, of 4 vectors of 4 numbers; recall@10, measured: 0.987." in text


def test_best_and_worst_stand_in_their_order(card: Any, tmp_path: Path) -> None:
    colours = ["red", "lime", "blue", "yellow"]
    card(_manifest(), [(str(n), n / 2, 0.0, {"colour": colours[n % 4]}) for n in range(12)])
    best, worst = _drawn(tmp_path / "assets" / "best.png"), _drawn(tmp_path / "assets" / "worst.png")
    middles = [40 + place * 306 + 146 for place in range(5)]
    assert [tuple(best[186, x]) for x in middles] == [RGB[colours[n % 4]] for n in (11, 10, 9, 8, 7)]
    assert [tuple(worst[186, x]) for x in middles] == [RGB[colours[n % 4]] for n in range(5)]


def test_the_map_shows_pictures_at_their_scores(card: Any, tmp_path: Path) -> None:
    card(_manifest())
    page = _drawn(tmp_path / "assets" / "map.png")
    place = {}
    for colour in RGB:
        rows, columns = _there(page, colour).nonzero()
        place[colour] = (columns.mean(), rows.mean())
        assert 50 <= np.ptp(columns) + 1 <= 72 and 50 <= np.ptp(rows) + 1 <= 72
    # red 1, 9; lime 9, 0; blue 5, 5; yellow 0, 0
    assert place["yellow"][0] < place["red"][0] < place["blue"][0] < place["lime"][0]
    assert place["red"][1] < place["blue"][1] < place["yellow"][1] == pytest.approx(place["lime"][1], abs=2)
    frame = (page == (0x4F, 0x6B, 0xED)).all(axis=-1)
    assert frame.sum() == 2 * (72 * 72 - 64 * 64)  # red and blue are selected


def test_strategies_stand_below_one_another(card: Any, tmp_path: Path) -> None:
    card(_manifest({"budget": 1}))
    page = _drawn(tmp_path / "assets" / "strategies.png")
    side = (1600 - 80 - 7 * 14) // 8
    firsts = [tuple(page[40 + row * (side + 80) + 36 + side // 2, 40 + side // 2]) for row in range(3)]
    assert firsts == [RGB["red"], RGB["red"], RGB["lime"]]
    frame = (page == (0x4F, 0x6B, 0xED)).all(axis=-1)
    bands = [frame[40 + row * (side + 80) + 30:][:side + 20].any() for row in range(3)]
    assert bands == [True, True, False]  # of concept's no picture is coti's best


def test_the_command_has_what_was_asked_for() -> None:
    words = shlex.split(command(_manifest({"seed": 7})).replace("\\\n", " "))
    assert words == [
        "build", "coti", "--concept", "emperor penguin chick", "--pool", "urls:FILE", "--seeds", "DIR", "--out", "OUT",
        "--version", "1.0.0", "--aesthetics", "light", "--budget", "2", "--concept-rule", "mean", "--embeddings",
        "light", "--limit", "0", "--min-side", "128", "--models", "light", "--resize", "0", "--seed", "7", "--select",
        "coti"]
    source = SOURCE | {"name": "openverse:red panda", "opt_out": "d" * 64, "generated": "e" * 64}
    words = shlex.split(command(_manifest({"seeds_from": "a chick", "pick": "1,2", "k": 9, "gamma_concept": 3.0},
                                          source=source)).replace("\\\n", " "))
    assert "--seeds" not in words and not any(word.startswith("--gamma") for word in words)
    pairs = dict(pairwise(words))
    assert {name: pairs[name] for name in ("--pool", "--seeds-from", "--pick", "-k", "--opt-out", "--generated")} == {
        "--pool": "openverse:red panda", "--seeds-from": "a chick", "--pick": "1,2", "-k": "9", "--opt-out": "FILE",
        "--generated": "DIR"}


@pytest.mark.parametrize(("name", "said"), [
    ("folder:birds", "folder:DIR"), ("dataset:birds", "dataset:DIR"), ("dataset:me/birds@v1", "dataset:me/birds@v1"),
    ("img2dataset:out", "img2dataset:DIR"), ("inaturalist:Aptenodytes", "inaturalist:Aptenodytes")])
def test_the_command_names_a_pool_that_lies_on_no_disk(name: str, said: str) -> None:
    assert f"--pool {said} " in command(_manifest(source=SOURCE | {"name": name}))


def test_the_same_rows_give_the_same_bytes(pooled: Any, rejected: Path) -> None:
    data = pooled(FOUR, SEED)

    def made() -> Iterator[tuple[str, bytes]]:
        return pages(_manifest(), data, rejected)

    assert list(made()) == list(made())


def test_the_histograms_hold_a_single_row(card: Any, tmp_path: Path) -> None:
    card(_manifest(), FOUR[:1])
    assert Image.open(io.BytesIO((tmp_path / "assets" / "scores.png").read_bytes())).size == (1800, 580)


def test_the_cards_python_works(card: Any, tmp_path: Path, tmp_path_factory: Any, monkeypatch: Any) -> None:
    faiss = pytest.importorskip("faiss")
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
    vectors = np.eye(4, dtype=np.float32)
    index = faiss.IndexFlatIP(4)
    index.add(vectors)
    (tmp_path / "index").mkdir()
    faiss.write_index(index, str(tmp_path / "index" / "pool.faiss"))
    (tmp_path / "index" / "index.json").write_text(json.dumps(
        {"factory": "Flat", "rows": 4, "width": 4, "recall_at_10": 1.0}))
    rows = [(*row[:3], row[3] | {"embedding": vector.tolist()}) for row, vector in zip(FOUR, vectors, strict=True)]
    text = card(_manifest(), rows)
    names: dict[str, Any] = {}
    exec(text.split("```python\n")[1].split("```")[0].replace("path/to/this/folder", str(tmp_path)), names)
    assert names["best"]["id"] == ["a", "c"]
    assert names["near"]["id"][0] == "a" and names["scores"].tolist()[:2] == [1.0, 0.0]
