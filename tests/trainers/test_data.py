import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image

from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.features import SUBJECT
from tests.builders.hub_server import Hub
from tests.builders.made_pool import publish_pool
from tests.builders.made_pool import rows as pool_rows
from tests.trainers.made import DIGEST, encoded, painted, regularization, subject, write
from trainers.data import open_data, prefix

RED = encoded(painted((255, 0, 0)))


def test_a_version_tells_what_it_is(tmp_path: Path) -> None:
    folder = subject(tmp_path / "pack")
    data = open_data(str(folder), "--data", "subject", ["text", "token"])
    assert (data.name, data.version, data.digest, data.recipe) == ("pack", "1.0.0", DIGEST, "subject")
    assert data.manifest == manifests.read(folder)
    assert data.told == "pack 1.0.0: 4 pictures (content abababababababab)"
    assert data.rows["id"][:] == ["pack/00", "pack/01", "pack/02", "pack/03"]
    assert Image.open(io.BytesIO(data.rows[3]["image"]["bytes"])).size == (64, 48)


def test_the_newest_version_of_a_build_is_taken(tmp_path: Path) -> None:
    for count, version in [(1, "1.9.0"), (3, "1.10.0"), (2, "1.2.11")]:
        subject(tmp_path / "pack", count, version)
    (tmp_path / "pack" / "2.0.0").mkdir()  # was never finished
    data = open_data(str(tmp_path / "pack"), "--data", "subject")
    assert (data.name, data.version, len(data.rows)) == ("pack", "1.10.0", 3)


def test_another_kind_of_dataset_names_the_command_that_makes_the_right_one(tmp_path: Path) -> None:
    one, other = subject(tmp_path / "pack"), regularization(tmp_path / "reg")
    with pytest.raises(UsageError, match=r"^--regularization is a subject dataset, not a regularization dataset .*"
                                         r"try: build regularization --class-name"):
        open_data(str(one), "--regularization", "regularization")
    with pytest.raises(UsageError, match=r"--data is a regularization dataset, not a subject .*try: build subject"):
        open_data(str(other), "--data", "subject")
    assert open_data(str(other), "--data", "").recipe == "regularization"


def test_missing_columns_and_rows_are_told(tmp_path: Path) -> None:
    version = subject(tmp_path / "pack", 2)
    with pytest.raises(UsageError, match=r"--data lacks the columns shape, style .*try: build subject"):
        open_data(str(version), "--data", "subject", ["text", "shape", "style"])
    with pytest.raises(UsageError, match="--data has no rows"):
        open_data(str(write(tmp_path / "none" / "1.0.0", "subject", SUBJECT, [])), "--data", "subject")
    other = tmp_path / "words"
    other.mkdir()
    (other / "train.jsonl").write_text('{"image": "red", "text": "a"}\n')
    with pytest.raises(UsageError, match="its column image holds no pictures"):
        open_data(str(other), "--data", "subject")


def test_numbers_are_ids_and_rows_without_text_are_told(tmp_path: Path) -> None:
    lines = [{"file_name": f"{number}.png", "id": number, "text": "a red one"} for number in range(3)]
    for line in lines:
        (tmp_path / str(line["file_name"])).write_bytes(RED)
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert open_data(str(tmp_path), "--data", "").rows["id"][:] == ["0", "1", "2"]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, [*lines[:2], {**lines[2], "text": None}])))
    with pytest.raises(UsageError, match="--data has rows without text"):
        open_data(str(tmp_path), "--data", "")
    assert len(open_data(str(tmp_path), "--data", "", ()).rows) == 3


@pytest.mark.parametrize("wanted", ["", "no/such/folder", "FILE", "EMPTY", "DAMAGED", "HALF"])
def test_what_is_no_dataset_is_one_line(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "FILE").write_text("x")
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "DAMAGED").mkdir()
    (tmp_path / "DAMAGED" / manifests.NAME).write_text("{")
    half = subject(tmp_path / "HALF") / "data" / "train-00000-of-00001.parquet"
    half.write_bytes(half.read_bytes()[:-100])
    with pytest.raises(UsageError) as told:
        open_data(str(tmp_path / wanted) if wanted.isupper() else wanted, "--data", "subject")
    assert "\n" not in str(told.value) and told.value.exit_code == 2


def test_no_name_is_not_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(subject(tmp_path / "out"))
    assert len(open_data(".", "--data", "subject").rows)
    with pytest.raises(UsageError, match="--data is missing"):
        open_data("", "--data", "subject")


def test_a_folder_of_other_makers_is_taken_when_it_has_the_columns(tmp_path: Path) -> None:
    """The digest is over ids and files, here those of two rows by hand."""
    folder = tmp_path / "mine"
    folder.mkdir()
    blue = encoded(painted((0, 0, 255)))
    (folder / "a.png").write_bytes(RED)
    (folder / "b.png").write_bytes(blue)
    lines = [{"file_name": name, "text": f"a {word} one"} for name, word in [("a.png", "red"), ("b.png", "blue")]]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    data = open_data(str(folder), "--data", "subject", ["text"])
    assert (data.name, data.version, data.recipe, data.manifest) == ("mine", "", "", None)
    assert data.rows["id"][:] == ["0", "1"] and data.rows["text"][:] == ["a red one", "a blue one"]
    said = "".join(f"{number} {hashlib.sha256(file).hexdigest()}\n" for number, file in enumerate([RED, blue]))
    assert data.digest == hashlib.sha256(said.encode()).hexdigest()
    with pytest.raises(UsageError, match="lacks the columns token"):
        open_data(str(folder), "--data", "subject", ["token"])


def test_a_pool_is_read_by_split_or_whole(tmp_path: Path) -> None:
    made = pool_rows()
    made[-1]["status"] = "seed"
    version = publish_pool(tmp_path, made)
    ids = {split: set(open_data(str(version), "--pool", "coti", split=split).rows["id"])
           for split in ("pool", "seed", "train")}
    assert ids == {"pool": {f"p{number:02d}" for number in range(11)}, "seed": {"p11"},
                   "train": {f"p{number:02d}" for number in range(12)}}
    with pytest.raises(UsageError, match=r"has no split test .*has pool, seed"):
        open_data(str(version), "--pool", "coti", split="test")


def test_prefixes_are_nested_seeded_and_of_ids(tmp_path: Path) -> None:
    rows = open_data(str(regularization(tmp_path / "reg", 30)), "--regularization", "regularization").rows
    found = {count: prefix(rows, count, 0)["id"][:] for count in (1, 5, 12, 30, 99)}
    assert [len(ids) for ids in found.values()] == [1, 5, 12, 30, 30]
    assert set(found[1]) < set(found[5]) < set(found[12]) < set(found[30])
    assert all(ids == sorted(ids) for ids in found.values())
    assert prefix(rows, 5, 1)["id"][:] != found[5]
    shuffled = rows.select(list(reversed(range(30))))
    assert set(prefix(shuffled, 12, 0)["id"]) == set(found[12])
    assert prefix(rows, None, 0) is rows


_ASK = """
import json, sys
from schemas.errors import UsageError
from trainers.data import open_data
for wanted in sys.argv[1:]:
    try:
        data = open_data(wanted, "--data", "subject")
        print(json.dumps([data.name, data.version, data.digest, len(data.rows)]))
    except UsageError as error:
        print(json.dumps(str(error)))
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path / "xet")
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def ask(home: Path, url: str, *wanted: str) -> list[Any]:
    """What a process of its own opens: the client takes its settings when it is imported."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_"))}
    env = {**clean, "HF_HOME": str(home / "home"), "HF_ENDPOINT": url, "HF_HUB_DISABLE_XET": "1",
           "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run([sys.executable, "-c", _ASK, *wanted], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Generating" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_dataset_of_the_hub(tmp_path: Path, hub: Hub) -> None:
    version = subject(tmp_path / "pack", 3)
    files = {path.relative_to(version).as_posix(): path.read_bytes() for path in version.rglob("*") if path.is_file()}
    hub.create("maker/pack", files=files)
    other = hub.create("maker/mine", files={"a.png": RED, "metadata.jsonl": b'{"file_name": "a.png", "text": "red"}'})
    said = hashlib.sha256(f"0 {hashlib.sha256(RED).hexdigest()}\n".encode()).hexdigest()
    pack, mine, none = ask(tmp_path, hub.url, "maker/pack", "maker/mine@main", "maker/none")
    assert pack == ["maker/pack", "1.0.0", DIGEST, 3]
    assert mine == ["maker/mine", other.commits[-1][0], said, 1]
    assert "no such folder here" in none and "'maker/none@main'" in none
    assert ask(tmp_path, "http://127.0.0.1:9", f"maker/mine@{other.commits[-1][0]}") == [mine]  # needs no network


def test_reading_leaves_the_bars_of_others_alone(tmp_path: Path) -> None:
    datasets.enable_progress_bars()
    open_data(str(subject(tmp_path / "pack", 1)), "--data", "subject")
    assert not datasets.utils.are_progress_bars_disabled()
