"""Whole pools of planted pictures, with light models."""

import json
import shlex
from pathlib import Path

import datasets
import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from builders import cli
from builders.commands.recipes import coti_parser
from builders.coti_options import Coti
from cards import coti as card
from schemas import manifest as manifests
from schemas.terminal import arguments
from tests.builders import pool_pictures

pytestmark = pytest.mark.xdist_group("build")


def words(root: Path, *more: str) -> list[str]:
    return ["coti", "--concept", "red sun", "--seeds", str(root / "seeds"), "--pool", str(root / "pool"), "--models",
            "light", "--budget", "5", "--workers", "1", "--out", str(root / "out"), *more]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("coti")
    pool_pictures.plant(root / "pool", root / "seeds")
    assert cli.main(words(root)) == 0
    return root


def rejected(version: Path) -> dict[str, tuple[str, str]]:
    return {row["id"]: (row["stage"], row["reason"]) for row in pq.read_table(version / "rejected.parquet").to_pylist()}


def test_what_is_planted_is_found(root: Path) -> None:
    version = root / "out" / "1.0.0"
    sets = datasets.load_dataset(str(version), cache_dir=str(root / "cache"))
    assert {split: len(rows) for split, rows in sets.items()} == {"pool": 20, "seed": 3}
    assert sets["pool"]["id"] == [*(f"seas/{n:02d}" for n in range(12)), *(f"suns/{n:02d}" for n in range(8))]
    assert sets["seed"]["id"] == ["seed:0", "seed:1", "seed:2"]
    assert sets["pool"][3]["text"] == "a sea, number 3"
    assert rejected(version) == {
        "bad/copy": ("near", "near_copy"), "bad/seed_copy": ("near", "near_copy"), "bad/page": ("file", "not_an_image"),
        "bad/cut": ("file", "truncated"), "bad/tracker": ("file", "too_small")}
    suns, seas = sets["pool"]["concept_score"][12:], sets["pool"]["concept_score"][:12]
    assert min(suns) > max(seas)
    assert set(sets["seed"]["status"]) == {"seed"}
    assert sets["pool"]["status"].count("selected") == 5
    assert manifests.read(version).near_copies == 2


def test_scores_are_those_of_the_equations(root: Path) -> None:
    sets = datasets.load_dataset(str(root / "out" / "1.0.0"), cache_dir=str(root / "cache"))
    seeds, pool = (np.asarray(sets[split]["embedding"]) for split in ("seed", "pool"))
    meant = np.clip(10 * (pool @ seeds.T).mean(axis=1), 0, 10)
    assert np.allclose(sets["pool"]["concept_score"], meant, atol=1e-4)
    both = np.asarray(sets["pool"]["aesthetic_score"]) + sets["pool"]["concept_score"]
    assert np.allclose(sets["pool"]["integrated_score"], both, atol=1e-5)
    best = set(np.argsort(-both)[:5].tolist())
    assert {at for at, status in enumerate(sets["pool"]["status"]) if status == "selected"} == best


def test_row_i_of_the_index_is_row_i_of_the_pool(root: Path) -> None:
    version = root / "out" / "1.0.0"
    pool = datasets.load_dataset(str(version), split="pool", cache_dir=str(root / "cache"))
    pool.load_faiss_index("embedding", str(version / "index" / "pool.faiss"))
    for at in (0, 7, 19):
        _, found = pool.search("embedding", np.asarray(pool[at]["embedding"], np.float32), k=3)
        assert found[0] == at
    told = json.loads((version / "index" / "index.json").read_text())
    assert (told["rows"], told["dataset"]) == (20, manifests.read(version).content_digest)


def test_verify_and_explain(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = str(root / "out" / "1.0.0")
    assert cli.main(["verify", version]) == 0
    assert cli.main(["explain", version, "suns/03"]) == 0
    assert "status     " in capsys.readouterr().out
    assert cli.main(["explain", version, "bad/seed_copy.jpg"]) == 0
    assert "from seed:0" in capsys.readouterr().out
    assert cli.main(["explain", version, "https://example.org/no.jpg"]) == 2
    assert "got 'https://example.org/no.jpg'" in capsys.readouterr().err


@pytest.mark.parametrize("more", [
    ["--seeds", "s", "--select", "random", "--seed", "3", "--generated", "g", "--opt-out", "o", "--ignore-robots-tag"],
    ["--seeds-from", "a sun", "-k", "7", "--pick", "2,5", "--limit", "50", "--resize", "64"],
    ["--seeds", "s", "--concept-rule", "code", "--confusable", "c"],
])
def test_the_card_s_command_says_what_the_manifest_does(root: Path, more: list[str]) -> None:
    def read(words: list[str]) -> Coti:
        return arguments.read(Coti, coti_parser(), words)

    given = read(["--concept", "red sun", "--pool", "list.csv", "--models", "light", "--out", "OUT", *more])
    there = manifests.read(root / "out" / "1.0.0")
    named = {"name": "urls:list.csv"} | {flag: "0" for flag in ("generated", "confusable", "opt_out")
                                        if getattr(given, flag)}
    told = card.command(msgspec.structs.replace(there, options=given.published() | {"embedding_width": 3},
                                                source=named))
    program, *words = shlex.split(told.replace("\\\n", " "))
    assert (program, words[0]) == ("build", "coti")
    again = read(words[1:])
    assert again.published() == given.published()
    assert [bool(getattr(again, name)) for name in ("seeds", "generated", "confusable", "opt_out")] == [
        bool(getattr(given, name)) for name in ("seeds", "generated", "confusable", "opt_out")]


@pytest.mark.parametrize("name", [" ", "likeness ", "like\nness", "Küken/1.0"])
def test_a_name_that_no_server_can_be_told_is_refused(name: str, root: Path,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words(root, "--user-agent", name)) == 2
    assert "--user-agent is no header" in capsys.readouterr().err


def test_another_concept_is_no_published_version(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words(root)) == 0
    assert "published already" in capsys.readouterr().err
    assert cli.main(words(root, "--concept", "evening")) == 2
    assert "--version 1.0.1" in capsys.readouterr().err
