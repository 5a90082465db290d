"""Files from the Hugging Face Hub: fetched once, kept in its own cache, named by the commit that they came from."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import UsageError

_NAME = re.compile(r"(?P<repo>[\w][\w.-]*/[\w][\w.-]*)(?:@(?P<revision>[\w][\w./-]*))?:(?P<file>[\w][\w ./+-]*)")

# Its client writes two lines for every try on a network that is not there; what came of them is told here, in one.
logging.getLogger("huggingface_hub.utils._http").setLevel(logging.ERROR)


@dataclass(frozen=True)
class HubFile:
    """A file of a model repository. `revision` is a commit, branch or tag; "main" when none was said."""

    repo: str
    revision: str
    file: str


def parse(wanted: str) -> HubFile | None:
    """`OWNER/NAME[@REVISION]:FILE` taken apart; None for anything else."""
    found = _NAME.fullmatch(wanted)
    if found is None or ".." in found["file"].split("/"):
        return None
    return HubFile(found["repo"], found["revision"] or "main", found["file"])


def fetch(wanted: HubFile) -> tuple[Path, str]:
    """Path of the file on this machine and the commit it is of. A commit that was fetched before needs no network;
    neither does a branch, when there is none: then what it last was is taken.

    Raises UsageError when there is no such file, or no way to it.
    """
    from huggingface_hub import hf_hub_download

    with told(f"{wanted.repo}@{wanted.revision}:{wanted.file}", wanted):
        path = Path(hf_hub_download(wanted.repo, wanted.file, revision=wanted.revision))
    return path, path.parts[len(path.parts) - 1 - len(Path(wanted.file).parts)]


def fetch_all(wanted: str, patterns: Sequence[str]) -> tuple[Path, str]:
    """Folder with the files of `OWNER/NAME[@REVISION]` that match one of the patterns, and the commit they are of.

    Raises UsageError as `fetch` does.
    """
    from huggingface_hub import snapshot_download

    there = parse(f"{wanted}:config.json")
    if there is None:
        raise UsageError("no folder with a model, and no name of one", seen=wanted,
                         allowed="a folder that holds config.json, or OWNER/NAME[@REVISION] of the Hub")
    with told(wanted, there):
        folder = Path(snapshot_download(there.repo, revision=there.revision, allow_patterns=list(patterns)))
    return folder, folder.name


@contextmanager
def told(name: str, wanted: HubFile) -> Iterator[None]:
    """What the Hub's client raises, said in one line."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError:
        raise UsageError("the repository is gated", seen=name, allowed="a token that may read it",
                         next_command=f"accept its terms on https://huggingface.co/{wanted.repo}, then hf auth login"
                         ) from None
    except RepositoryNotFoundError:
        raise UsageError("no such model repository, or a private one", seen=name,
                         allowed="OWNER/NAME[@REVISION]:FILE of the Hub") from None
    except RevisionNotFoundError:
        raise UsageError("the repository has no such revision", seen=name, allowed="a branch, tag or commit") from None
    except LocalEntryNotFoundError:
        raise UsageError("the file is not in the cache and the Hub cannot be reached", seen=name,
                         allowed="a network, or a local file", next_command="the same command with light in its place: "
                         "--models light, --captioner light or --generator light; or --base tiny") from None
    except EntryNotFoundError:
        raise UsageError("the repository has no such file", seen=name,
                         allowed=f"one of those on https://huggingface.co/{wanted.repo}/tree/{wanted.revision}"
                         ) from None
    except (HfHubHTTPError, OSError) as error:
        raise UsageError(f"the file could not be fetched: {error}", seen=name,
                         next_command="the same command again; what was fetched is kept") from None


def beside(wanted: HubFile, commit: str, name: str) -> Any:
    """The JSON file `name` in the same folder and commit; None when there is none or it cannot be read."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    folder = wanted.file.rpartition("/")[0]
    try:
        path = hf_hub_download(wanted.repo, f"{folder}/{name}" if folder else name, revision=commit)
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (EntryNotFoundError, HfHubHTTPError, OSError, ValueError):
        return None


def licence(wanted: HubFile, commit: str) -> str:
    """What the repository's card says of its licence."""
    from huggingface_hub import ModelCard, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    try:
        card = ModelCard.load(hf_hub_download(wanted.repo, "README.md", revision=commit))
    except (EntryNotFoundError, HfHubHTTPError, OSError, ValueError):
        return "unknown: the repository has no card"
    return str(card.data.to_dict().get("license") or "unknown: its card names none")
