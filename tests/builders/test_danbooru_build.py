"""`--source danbooru` from end to end: the sample mirror laid into tars gives what the mirror itself gives."""

import gzip
import json
import lzma
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders import cli
from schemas import manifest as manifests
from tests.conftest import command, run

pytestmark = pytest.mark.xdist_group("build")

TREE = "danbooru2019-figures"
PACKS = {".gz": gzip.decompress, ".xz": lzma.decompress}


@pytest.fixture(scope="session")
def later(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mirror as a later copy: tars by ID div 1,000,000, some files loose; metadata as an array and as Parquet."""
    root = tmp_path_factory.mktemp("later") / "copy"
    (root / TREE).mkdir(parents=True)
    for path in sorted((mirror / TREE).rglob("*.*")):
        tar = root / TREE / f"{int(path.stem.split('_')[0]) // 10**6 if path.stem[0].isdigit() else 0:04d}.tar"
        if path.is_symlink() or path.stat().st_mode & 0o444 == 0 or "_crop_" in path.stem:
            loose = root / path.relative_to(mirror)
            loose.parent.mkdir(exist_ok=True)
            shutil.copy2(path, loose, follow_symlinks=False)
        else:
            with tarfile.open(tar, "a") as archive:
                archive.add(path, f"{path.parent.name}/{path.name}", recursive=False)
    (root / "metadata").mkdir()
    records = list(_records(mirror / "metadata"))
    flat = [one for one in records if isinstance(one, dict) and "tag_string_general" in one]
    pq.write_table(pa.Table.from_pylist(flat), root / "metadata" / "0.parquet")
    nested = [one for one in records if isinstance(one, dict) and one not in flat]
    (root / "metadata" / "1.json").write_text(json.dumps(nested, ensure_ascii=False))
    (root / "metadata" / "2.jsonl").write_bytes(b"\n".join(one for one in records if isinstance(one, bytes)))
    return root


def _records(folder: Path) -> Iterator[dict[str, Any] | bytes]:
    """Records of all files in their order; a line that is none as it is."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for line in PACKS.get(path.suffix, bytes)(path.read_bytes()).splitlines():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = line
            yield record if isinstance(record, dict) else line


def _later(root: Path, out: Path, *words: str) -> list[str]:
    return [word if word != "danbooru2019" else "danbooru" for word in command(root, out, *words)]


@pytest.fixture(scope="session")
def built(later: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT of a build of the copy with two workers."""
    out = tmp_path_factory.mktemp("built") / "out"
    done = run(_later(later, out, "--workers", "2"))
    assert done.returncode == 0, done.stderr
    return out


def test_tars_and_parquet_give_the_rows_of_the_mirror(whole: Path, built: Path) -> None:
    version = built / "1.0.0"
    mine, theirs = manifests.read(version), manifests.read(whole / "1.0.0")
    columns = ["id", "sha256", "character", "artists", "cloths", "similar"]
    rows = [sorted(pq.read_table(one / "data", columns=columns).to_pylist(), key=lambda row: row["id"])
            for one in (version, whole / "1.0.0")]
    assert rows[0] == rows[1] and len(rows[0]) > 30
    assert (mine.content_digest, mine.splits) == (theirs.content_digest, theirs.splits)
    assert mine.funnel == theirs.funnel
    assert mine.source["name"] == "danbooru"
    assert cli.main(["verify", str(version)]) == 0


def test_paths_of_members_are_published_plain(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rejected = pq.read_table(built / "1.0.0" / "rejected.parquet").to_pylist()
    inside = [row for row in rejected if ".tar/" in row["path"]]
    assert inside and not any("@" in row["path"] or "//" in row["path"] for row in rejected)
    assert len(list((built / ".state" / "tars").iterdir())) >= 2
    assert cli.main(["explain", str(built / "1.0.0"), inside[0]["path"]]) == 0
    assert inside[0]["reason"] in capsys.readouterr().out


def test_dry_run_and_estimate(later: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--source", "danbooru", "--root", str(later), "--out", str(tmp_path / "out"), "--models", "light",
             "--limit", "20"]
    assert cli.main(["retribooru", *words, "--dry-run"]) == 0
    assert "dry run" in capsys.readouterr().out
    assert cli.main(["estimate", *words]) == 0
    assert "rows pass the tag filters" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_a_root_without_pictures_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["retribooru", "--source", "danbooru", "--root", str(tmp_path), "--out", str(tmp_path / "out"),
                     "--models", "light"]) == 2
    said = capsys.readouterr().err
    assert "--root holds no pictures" in said and said.count("\n") == 1
