import random
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import store
from builders.store import Place, Store
from schemas.errors import BuildError

SCHEMA = pa.schema([("score", pa.float32()), ("name", pa.string())])


def _key(number: int) -> str:
    return f"{number:064x}"


def _fill(root: Path, numbers: list[int]) -> None:
    store.write_part(root / "faces-aaaa", SCHEMA, [_key(n) for n in numbers],
                     {"score": [n / 2 for n in numbers], "name": [f"n{n}" for n in numbers]})


def test_an_empty_store_misses_everything(tmp_path: Path) -> None:
    held = Store(tmp_path, "faces", "aaaa")
    assert held.missing([_key(1), _key(2)]).tolist() == [True, True]
    with pytest.raises(KeyError):
        held.locate([_key(1)])
    assert held.columns([], ["score"]) == {"score": []}


def test_answers_are_joined_by_key_across_parts(tmp_path: Path) -> None:
    _fill(tmp_path, [5, 1, 9])
    _fill(tmp_path, [4, 2])
    held = Store(tmp_path, "faces", "aaaa")
    assert held.missing([_key(n) for n in (1, 3, 4)]).tolist() == [False, True, False]
    wanted = [_key(n) for n in (2, 9, 2, 5)]
    assert held.columns(wanted, ["name", "score"]) == {"name": ["n2", "n9", "n2", "n5"], "score": [1.0, 4.5, 1.0, 2.5]}


def test_a_shard_done_again_replaces_its_part(tmp_path: Path) -> None:
    _fill(tmp_path, [1, 2])
    _fill(tmp_path, [1, 2])
    assert len(list((tmp_path / "faces-aaaa").iterdir())) == 1


def test_unfinished_parts_are_not_read(tmp_path: Path) -> None:
    _fill(tmp_path, [1])
    (tmp_path / "faces-aaaa" / ".tmp-7-x.parquet").write_bytes(b"half a part")
    assert Store(tmp_path, "faces", "aaaa").missing([_key(1)]).tolist() == [False]


def test_another_identity_has_another_folder(tmp_path: Path) -> None:
    _fill(tmp_path, [1])
    assert Store(tmp_path, "faces", "bbbb").missing([_key(1)]).tolist() == [True]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=30), st.data())
def test_reading_places_in_any_order(tmp_path_factory: pytest.TempPathFactory, asked: list[int],
                                     data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("store") / "x"
    cut = data.draw(st.integers(1, 60))
    places = {}
    for numbers in (range(cut), range(cut, 61)):
        before = {path.name for path in folder.glob("*")}
        store.write_part(folder, SCHEMA, [_key(n) for n in numbers],
                         {"score": [float(n) for n in numbers], "name": [str(n) for n in numbers]})
        part = ({path.name for path in folder.glob("*")} - before).pop()
        places |= {n: Place(part, at) for at, n in enumerate(numbers)}
    assert store.read(folder, [places[n] for n in asked], ["name"])["name"] == [str(n) for n in asked]


def test_a_part_that_was_cut_off_is_named(tmp_path: Path) -> None:
    _fill(tmp_path, [1, 2])
    (part,) = (tmp_path / "faces-aaaa").iterdir()
    part.write_bytes(part.read_bytes()[:50])
    with pytest.raises(BuildError, match=rf"^{re.escape(str(part))}: .*delete the file, which is safe") as told:
        Store(tmp_path, "faces", "aaaa")
    assert told.value.exit_code == 1


def test_a_changed_byte_is_found_wherever_it_stands(tmp_path: Path) -> None:
    _fill(tmp_path, [1, 2])
    (part,) = (tmp_path / "faces-aaaa").iterdir()
    whole = part.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    places = [Place(part.name, 0), Place(part.name, 1)]
    said = 0
    for at in range(len(whole)):
        part.write_bytes(whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1:])
        try:
            read = store.read(part.parent, places, ["name", "score"])
        except BuildError:
            said += 1
        else:  # the footer has no checksum of its own: there a change can turn letters into bytes
            assert at >= footer or read == {"name": ["n1", "n2"], "score": [0.5, 1.0]}, at
    assert said > len(whole) / 3


def test_a_changed_value_is_found_by_its_checksum(tmp_path: Path) -> None:
    # Long random bytes are stored as they are, so that a change in them breaks no format.
    noise = random.Random(0).randbytes(5_000)
    folder = tmp_path / "masks-aaaa"
    store.write_part(folder, pa.schema([("mask", pa.binary())]), [_key(1)], {"mask": [noise]})
    (part,) = folder.iterdir()
    whole = bytearray(part.read_bytes())
    whole[whole.index(noise) + 2_500] ^= 1
    part.write_bytes(whole)
    with pytest.raises(BuildError, match=f"{part.name}.*delete the file"):
        store.read(folder, [Place(part.name, 0)], ["mask"])


def test_a_part_without_checksums_is_read(tmp_path: Path) -> None:
    _fill(tmp_path, [1])
    (part,) = (tmp_path / "faces-aaaa").iterdir()
    pq.write_table(pq.read_table(part), part, compression="zstd")
    assert Store(tmp_path, "faces", "aaaa").columns([_key(1)], ["name"]) == {"name": ["n1"]}


def test_a_part_that_is_gone_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.read(tmp_path, [Place("gone.parquet", 0)], ["score"])
