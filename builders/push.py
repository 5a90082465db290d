"""`build push DIR REPO`: a published version becomes a tag of a dataset repository on the Hugging Face Hub.

The tag comes last, at the commit that holds what the manifest says: a tag on the Hub is what a renamed folder is on
disk. A push that was stopped earlier goes on by the same command, and the Hub's client sends nothing twice. Nothing is
written below DIR.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from builders.publish import next_version
from builders.verification import file_faults
from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

_HUBS_OWN = {".gitattributes", "README.md"}
"""What a repository can hold before anything was pushed to it."""


def run(folder: Path, repo: str, *, private: bool) -> int:
    """Uploads `folder` to the main branch of `repo` (`OWNER/NAME`, made when it is not there) and tags the commit with
    the version; does nothing when the tag is there with the same content. Returns 0.

    Raises UsageError when the files are not those of the manifest, the version is there with other content, the
    repository holds something else, or the Hub refuses or cannot be reached.
    """
    manifest = manifests.read(folder)
    for fault in file_faults(folder, manifest):
        raise UsageError(f"a damaged version is not pushed: {fault}", next_command=f"build verify {folder}")
    from huggingface_hub import HfApi

    api = HfApi(library_name="likeness")
    with _told(repo):
        repo = _opened(api, repo, private)
        if _tagged(api, repo, folder, manifest):
            print(f"{folder}: is there already, {repo} at {manifest.version}")
            return 0
        stale = _stale(api, repo, manifest)
        done = api.upload_folder(repo_id=repo, repo_type="dataset", folder_path=folder,
                                 commit_message=f"Version {manifest.version}",
                                 delete_patterns=[glob.escape(name) for name in stale] or None)
        _compare(api, repo, done.oid, manifest)
        api.create_tag(repo, repo_type="dataset", tag=manifest.version, revision=done.oid)
    print(f"{folder}: pushed to {repo} as {manifest.version}, {len(manifest.files) + 1} files")
    print(f'load it: datasets.load_dataset("{repo}", revision="{manifest.version}")')
    return 0


def _opened(api: HfApi, repo: str, private: bool) -> str:
    """The full name of the repository, which is made when it is not there."""
    name = api.create_repo(repo, repo_type="dataset", private=private or None, exist_ok=True).repo_id
    if private and not api.dataset_info(name).private:
        raise UsageError("--private was asked, but this repository is there and public", seen=name,
                         allowed="a new repository, or a private one",
                         next_command=f"make it private on {api.endpoint}/datasets/{name}/settings")
    return name


def _tagged(api: HfApi, repo: str, folder: Path, manifest: Manifest) -> bool:
    """Whether this version is there whole. Raises UsageError when its tag holds other content."""
    tags = {tag.name: tag.target_commit for tag in api.list_repo_refs(repo, repo_type="dataset").tags}
    if manifest.version not in tags:
        return False
    there = _manifest(api, repo, tags[manifest.version])
    if there is not None and there.content_digest == manifest.content_digest:
        return True
    free = next_version(folder.resolve().with_name(manifest.version), tags)
    what = f"digest {there.content_digest[:12]}" if there is not None else "no manifest"
    raise UsageError(f"{repo} has a version {manifest.version} with other content ({what}, this one has digest "
                     f"{manifest.content_digest[:12]})", allowed="a version never changes",
                     next_command=f"build {manifest.recipe} with --version {free}, then push that")


def _manifest(api: HfApi, repo: str, commit: str) -> Manifest | None:
    """The manifest of a commit, None when it holds none of ours."""
    from huggingface_hub.errors import RemoteEntryNotFoundError

    try:
        path = api.hf_hub_download(repo, manifests.NAME, repo_type="dataset", revision=commit)
        return manifests.read(Path(path).parent)
    except (RemoteEntryNotFoundError, UsageError):
        return None


def _stale(api: HfApi, repo: str, manifest: Manifest) -> list[str]:
    """Files of other versions on the main branch that this version lacks: readers would load old shards with new ones.

    What people added beside a version stays. Raises UsageError when no version is there but something else.
    """
    head = str(api.dataset_info(repo).sha)
    there = api.list_repo_files(repo, repo_type="dataset", revision=head)
    others = sorted(set(there) - manifest.files.keys() - {manifests.NAME} - _HUBS_OWN)
    if not others:
        return []
    before = _manifest(api, repo, head)
    if before is None:
        raise UsageError(f"{repo} holds other files and no version: {', '.join(others[:3])}",
                         allowed="an empty repository, or one that versions were pushed to")
    return [name for name in others if name in before.files or _folder(name) in _folders(manifest)]


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _folders(manifest: Manifest) -> Set[str]:
    """Folders that belong to a version: what else lies there is left of another one."""
    return {_folder(name) for name in manifest.files} - {""}


def _compare(api: HfApi, repo: str, commit: str, manifest: Manifest) -> None:
    """Raises UsageError when the commit holds another set of files than the manifest: somebody else has pushed
    meanwhile, or a .gitignore there keeps files out."""
    from huggingface_hub.hf_api import RepoFile

    tree = api.list_repo_tree(repo, repo_type="dataset", revision=commit, recursive=True)
    found = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    wrong = {name for name in found.keys() - manifest.files.keys() if _folder(name) in _folders(manifest)}
    for name, said in manifest.files.items():
        entry = found.get(name)
        if entry is None or entry.size != said.bytes or (entry.lfs and entry.lfs.sha256 != said.sha256):
            wrong.add(name)
    if wrong or manifests.NAME not in found:
        raise UsageError(f"{repo} does not hold what was sent: {', '.join(sorted(wrong)[:3]) or manifests.NAME}; the "
                         "version is not tagged", allowed="no .gitignore there, no other push at the same time",
                         next_command="the same command again")


@contextmanager
def _told(repo: str) -> Iterator[None]:
    """What the Hub's client raises, said in one line."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    # network, storage, and what the client checks; the base is the HTTPError of whichever library it is built on
    others: tuple[type[Exception], ...] = (*HfHubHTTPError.__bases__, RuntimeError, ValueError)
    try:
        yield
    except HFValidationError:
        raise UsageError("no name of a repository", seen=repo, allowed="OWNER/NAME of letters, digits, - _ and .",
                         next_command="build push DIR OWNER/NAME") from None
    except OfflineModeIsEnabled:
        raise UsageError("the Hub's client is told to stay offline", next_command="unset HF_HUB_OFFLINE") from None
    except HfHubHTTPError as error:
        raise _refused(error, repo) from None
    except others as error:
        reason = " ".join(f"{error} {error.__cause__ or ''}".split())
        raise UsageError(f"the push did not end: {reason}", seen=repo,
                         next_command="the same command again; what the Hub has is not sent again") from None


def _refused(error: HfHubHTTPError, repo: str) -> UsageError:
    status = error.response.status_code
    if status == 401:
        return UsageError("the Hub does not know you: no token, or a wrong one", seen=repo,
                          next_command="hf auth login")
    if status == 403:
        return UsageError("your token may not write there", seen=repo, allowed="a token with the right to write",
                          next_command="hf auth login, with a token that may")
    if status == 404:
        return UsageError("the Hub has no such owner or repository, or hides it from your token", seen=repo,
                          next_command="hf auth whoami")
    said = " ".join((error.server_message or str(error)).split())
    return UsageError(f"the Hub answered {status}: {said}", seen=repo,
                      next_command="the same command again; what the Hub has is not sent again")
