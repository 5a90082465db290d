"""An HTTP server that speaks the Hub's protocol as far as uploading, tagging and reading a dataset needs it.

Small files travel inside commits, others (`.parquet`, `.png`) as LFS objects or, where the client uses Xet, into a
local Xet storage that the real client library reads and writes. A repository is a list of commits, each a whole tree.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

TOKENS = {"Bearer hf_writer": "write", "Bearer hf_reader": "read"}
BIG = (".parquet", ".png")

Tree = dict[str, str]
"""sha256 of the content by path."""


@dataclass
class Repo:
    """Commits in order; `main` is the last one."""

    private: bool
    commits: list[tuple[str, Tree]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, tree: Tree, message: str) -> str:
        oid = hashlib.sha1(f"{len(self.commits)} {sorted(tree.items())}".encode()).hexdigest()
        self.commits.append((oid, tree))
        self.messages.append(message)
        return oid

    def at(self, revision: str) -> tuple[str, Tree] | None:
        oid = self.commits[-1][0] if revision == "main" else self.tags.get(revision, revision)
        return next((one for one in self.commits if one[0] == oid), None)


class Hub(http.server.ThreadingHTTPServer):
    """The Hub's state. `fail` is a pattern of "METHOD path", what happens there in place of an answer (a status, or
    "hang"), and how many requests pass before."""

    daemon_threads = True

    def __init__(self, storage: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.storage = storage  # of Xet
        self.repos: dict[str, Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.xet: dict[str, str] = {}  # Xet's own hash by sha256
        self.puts: list[str] = []  # sha256 of each LFS object that came in, as often as it came
        self.asked: list[str] = []
        self.fail: tuple[str, int | str, int] | None = None
        self.hung = threading.Event()
        self.lock = threading.Lock()

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.blobs[sha256], self.sizes[sha256] = data, len(data)
        return sha256

    def create(self, name: str, *, private: bool = False, files: dict[str, bytes] | None = None) -> Repo:
        repo = self.repos[name] = Repo(private)
        files = {".gitattributes": b"*.parquet filter=lfs\n", **(files or {})}
        repo.commit({path: self.put(data) for path, data in files.items()}, "initial commit")
        return repo

    def files(self, name: str, revision: str) -> dict[str, bytes]:
        found = self.repos[name].at(revision)
        assert found is not None
        return {path: self.blobs[sha256] for path, sha256 in found[1].items()}


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Routes are the methods named in ROUTES."""

    server: Hub

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        path = urllib.parse.unquote(path)
        with self.server.lock:
            self.server.asked.append(f"{self.command} {path}")
            failure = self._failure(path)
        if failure == "hang":
            self.server.hung.set()
            time.sleep(120)
        if isinstance(failure, int):
            self.refuse(failure, "this server was told to")
            return
        for method, pattern, name in ROUTES:
            found = re.fullmatch(pattern, path)
            if method == self.command.replace("HEAD", "GET") and found:
                with self.server.lock:
                    getattr(self, name)(body, **found.groupdict())
                return
        self.refuse(404, f"no route {self.command} {path}?{query}")

    do_GET = do_HEAD = do_POST = do_PUT = handle_one  # noqa: N815

    def _failure(self, path: str) -> int | str | None:
        if self.server.fail is None or not re.fullmatch(self.server.fail[0], f"{self.command} {path}"):
            return None
        pattern, what, after = self.server.fail
        self.server.fail = (pattern, what, after - 1)
        return what if after <= 0 else None

    def answer(self, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._send(200, data, headers or {})

    def refuse(self, status: int, message: str, code: str = "") -> None:
        self._send(status, json.dumps({"error": message}).encode(), {"X-Error-Code": code} if code else {})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def may(self, right: str, repo: str = "") -> bool:
        """Whether the token has a right; refuses as the Hub does where it has not."""
        has = TOKENS.get(self.headers.get("Authorization", ""))
        there = self.server.repos.get(repo)
        if has is None and (right == "write" or there is None or there.private):
            self.refuse(401, "Invalid username or password.")
        elif right == "write" and has != "write":
            self.refuse(403, "You don't have the rights to write here.")
        elif repo and there is None:
            self.refuse(404, "Repository not found", "RepoNotFound")
        else:
            return True
        return False

    def create(self, body: bytes) -> None:
        said = json.loads(body)
        name = f"{said['organization'] or 'maker'}/{said['name']}"
        assert said["type"] == "dataset"
        if not self.may("write"):
            return
        if not name.startswith("maker/"):
            self.refuse(403, "You don't have the rights to create a dataset under this namespace")
        elif name in self.server.repos:
            self._send(409, json.dumps({"error": "You already created this dataset repo", "url":
                                        f"{self.server.url}/datasets/{name}"}).encode(), {})
        else:
            self.server.create(name, private=said.get("visibility") == "private")
            self.answer({"url": f"{self.server.url}/datasets/{name}", "name": name})

    def info(self, _: bytes, repo: str, revision: str = "main") -> None:
        if self.may("read", repo):
            found = self.server.repos[repo].at(revision)
            if found is None:
                self.refuse(404, "Invalid rev id", "RevisionNotFound")
                return
            self.answer({"id": repo, "sha": found[0], "private": self.server.repos[repo].private,
                         "siblings": [{"rfilename": path} for path in sorted(found[1])], "tags": []})

    def refs(self, _: bytes, repo: str) -> None:
        if self.may("read", repo):
            there = self.server.repos[repo]
            self.answer({"branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": there.commits[-1][0]}],
                         "converts": [], "tags": [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid}
                                                  for name, oid in sorted(there.tags.items())]})

    def tree(self, _: bytes, repo: str, revision: str) -> None:
        if self.may("read", repo):
            found = self.server.repos[repo].at(revision)
            assert found is not None
            folders = {str(parent) for path in found[1] for parent in Path(path).parents} - {"."}
            self.answer([*({"type": "directory", "path": path, "oid": "0" * 40} for path in sorted(folders)),
                         *(self._entry(path, sha256) for path, sha256 in sorted(found[1].items()))])

    def _entry(self, path: str, sha256: str) -> dict[str, Any]:
        size = self.server.sizes[sha256]
        entry = {"type": "file", "path": path, "size": size, "oid": sha256[:40]}
        if path.endswith(BIG):
            entry["lfs"] = {"oid": sha256, "size": size, "pointerSize": 130}
            if sha256 in self.server.xet and sha256 not in self.server.blobs:
                entry["xetHash"] = self.server.xet[sha256]
        return entry

    def card(self, body: bytes) -> None:
        said = json.loads(body)
        front = re.match(r"---\n(.*?\n)---\n", said["content"], re.DOTALL)
        card = yaml.safe_load(front[1]) if front else {}
        if said["repoType"] == "dataset" and card.get("license"):
            self.answer({"errors": [], "warnings": []})
        else:
            self._send(400, json.dumps({"errors": [{"message": '"license" is required'}]}).encode(), {})

    def preupload(self, body: bytes, repo: str, revision: str) -> None:
        if self.may("write", repo):
            there = self.server.repos[repo].commits[-1][1]
            ignored = self.server.blobs.get(there.get(".gitignore", ""), b"").decode().split()
            answers = []
            for file in json.loads(body)["files"]:
                path, now = file["path"], there.get(file["path"])
                big = path.endswith(BIG)
                oid = now and (now if big else git_oid(self.server.blobs[now]))
                answers.append({"path": path, "uploadMode": "lfs" if big else "regular", "oid": oid,
                                "shouldIgnore": path in ignored})
            self.answer({"files": answers})

    def lfs_batch(self, body: bytes, repo: str) -> None:
        if self.may("write", repo):
            self.answer({"transfer": "basic", "objects": [
                one if one["oid"] in self.server.blobs else
                {**one, "actions": {"upload": {"href": f"{self.server.url}/lfs/{one['oid']}"}}}
                for one in json.loads(body)["objects"]]})

    def lfs_put(self, body: bytes, oid: str) -> None:
        self.server.puts.append(oid)
        if self.server.put(body) != oid:
            self.refuse(400, "another content")
        else:
            self.answer({})

    def xet_token(self, _: bytes, repo: str, right: str, revision: str) -> None:
        if self.may(right, repo):
            until, storage = int(time.time()) + 3600, f"local://{self.server.storage}"
            self.answer({"accessToken": "xet", "exp": until, "casUrl": storage},
                        {"X-Xet-Access-Token": "xet", "X-Xet-Token-Expiration": str(until), "X-Xet-Cas-Url": storage})

    def commit(self, body: bytes, repo: str, revision: str) -> None:
        if not self.may("write", repo):
            return
        assert revision == "main"
        tree, message = dict(self.server.repos[repo].commits[-1][1]), ""
        for line in body.splitlines():
            said = json.loads(line)
            value = said["value"]
            if said["key"] == "header":
                message = value["summary"]
            elif said["key"] == "file":
                tree[value["path"]] = self.server.put(base64.b64decode(value["content"]))
            elif said["key"] == "lfsFile":
                assert value["oid"] in self.server.blobs or value["oid"] in self.server.xet
                tree[value["path"]] = value["oid"]
                self.server.sizes[value["oid"]] = value["size"]
            else:
                assert said["key"] == "deletedFile"
                del tree[value["path"]]
        oid = self.server.repos[repo].commit(tree, message)
        self.answer({"commitUrl": f"{self.server.url}/datasets/{repo}/commit/{oid}", "commitOid": oid})

    def tag(self, body: bytes, repo: str, revision: str) -> None:
        if self.may("write", repo):
            name = json.loads(body)["tag"]
            if name in self.server.repos[repo].tags:
                self.refuse(409, "Tag already exists")
                return
            assert self.server.repos[repo].at(revision) is not None
            self.server.repos[repo].tags[name] = revision
            self.answer({})

    def resolve(self, _: bytes, repo: str, revision: str, path: str) -> None:
        if not self.may("read", repo):
            return
        oid, tree = self.server.repos[repo].at(revision) or ("", {})
        if path not in tree:
            self.refuse(404, "Entry not found", "EntryNotFound")
            return
        sha256 = tree[path]
        headers = {"X-Repo-Commit": oid, "ETag": f'"{sha256}"', "X-Linked-Size": str(self.server.sizes[sha256])}
        if sha256 in self.server.blobs:
            self.answer(self.server.blobs[sha256], headers)
        else:
            token = f"{self.server.url}/api/datasets/{repo}/xet-read-token/{oid}"
            self.answer(b"", {**headers, "X-Xet-Hash": self.server.xet[sha256],
                              "Link": f'<{token}>; rel="xet-auth"'})

    def log_request(self, *_: object) -> None:
        """Nothing on stderr."""


_REPO = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
ROUTES = [
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "card"),
    ("GET", _REPO, "info"),
    ("GET", _REPO + r"/revision/(?P<revision>[^/]+)", "info"),
    ("GET", _REPO + r"/refs", "refs"),
    ("GET", _REPO + r"/tree/(?P<revision>[^/]+)", "tree"),
    ("GET", _REPO + r"/xet-(?P<right>read|write)-token/(?P<revision>[^/]+)", "xet_token"),
    ("POST", _REPO + r"/preupload/(?P<revision>[^/]+)", "preupload"),
    ("POST", _REPO + r"/commit/(?P<revision>[^/]+)", "commit"),
    ("POST", _REPO + r"/tag/(?P<revision>[^/]+)", "tag"),
    ("POST", r"/datasets/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch", "lfs_batch"),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "lfs_put"),
    ("GET", r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
]
