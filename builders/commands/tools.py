"""`build TOOL`: commands that look at datasets, or do one part of the work on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from builders.commands import EXIT_CODES, tool
from builders.options import Retribooru
from schemas.locations import location
from schemas.terminal import arguments
from schemas.terminal.commands import Command
from schemas.terminal.interrupts import ctrl_c_waits

_ESTIMATE = """Looks at 200 of the rows that `build retribooru` with the same options would look at, and prints what
the whole would keep and cost: rows, time, disk, and what the singleton rule saves. Keeps nothing."""

_PUBLISH = """Ends a build that shard jobs (`build retribooru ... --shard I/N`) have prepared, with the options that
they recorded: groups what they looked at and publishes the version. Runs no model."""

_PUSH = """Uploads a published version to the Hugging Face Hub and tags it there with its number. Files are checked
against the manifest first. Run the same command again after any interruption: nothing is sent twice. A version that is
there with other content is refused. The main branch shows the version pushed last, without files of others. A version
below a URL is copied to this machine first (`aws s3 sync`, say)."""

_EXPORT = """Writes a published version in the files that another trainer reads: pictures, captions, references, mattes.
docs/exports.md tells which format is for which trainer, and how to train with it. OUT appears whole or not at all;
custom-diffusion, kohya, ai-toolkit and clip-retrieval name files by whole paths: export anew rather than move OUT."""

_SEARCH = """Finds the pictures of a pool that are nearest to a text or a picture, by the index that `build coti` wrote:
prints rank, cosine, id, and what is said of each, and writes a contact sheet. A text needs a pool that was embedded
with a CLIP. The query is embedded with the weights that the manifest names; others are refused."""

_POOLS = """Makes new word pools for a kind of subject: asks a chat model as the paper did, takes the entries out of its
lists, and leaves out what is repeated, nearly repeated or fits no prompt. DIR appears whole: a file a pool, the model's
answers, and provenance.json, which says who was asked what and how much was left out for which reason. The key is read
from OPENAI_API_KEY. Run the same command again after any interruption: no answer is asked for twice."""


def estimate_parser() -> arguments.Parser:
    """Options of `build estimate`: those of the recipe."""
    return arguments.parser_for(Retribooru, "build estimate", _ESTIMATE, EXIT_CODES)


def verify_parser() -> arguments.Parser:
    """Options of `build verify`."""
    parser = tool("build verify", "Checks a published version against its manifest: every file's hash, the columns, "
                  "boxes, matte sizes, references, splits and counts.")
    parser.add_argument("dir", type=location, metavar="DIR", help="a version folder such as OUT/1.0.0")
    return parser


def publish_parser() -> arguments.Parser:
    """Options of `build publish`."""
    parser = tool("build publish", _PUBLISH)
    parser.add_argument("out", type=location, metavar="OUT", help="the --out of the shard jobs")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="worker processes (default: 2)")
    parser.add_argument("--log", choices=("text", "json"), default="text", metavar="text|json",
                        help="progress as text, or as JSON lines on stderr (default: text)")
    return parser


def explain_parser() -> arguments.Parser:
    """Options of `build explain`."""
    parser = tool("build explain", "Says why one row was kept or dropped: stage, rule, value, threshold and model.")
    parser.add_argument("dir", type=location, metavar="DIR", help="a version folder such as OUT/1.0.0")
    parser.add_argument("id", metavar="ID", help="row id, post id, or path below the source's root")
    return parser


def push_parser() -> arguments.Parser:
    """Options of `build push`."""
    parser = tool("build push", _PUSH)
    parser.add_argument("dir", type=arguments.path, metavar="DIR", help="a version folder such as OUT/1.0.0")
    parser.add_argument("repo", metavar="REPO", help="OWNER/NAME of a dataset repository; made when it is not there")
    parser.add_argument("--private", action="store_true", help="make it private, and push to no public one")
    return parser


def export_parser() -> arguments.Parser:
    """Options of `build export`."""
    parser = tool("build export", _EXPORT)
    parser.add_argument("dir", type=location, metavar="DIR", help="a version folder such as OUT/1.0.0")
    parser.add_argument("--format", required=True, metavar="NAME", help="of any version: imagefolder; of all but coti: "
                        "ai-toolkit, kohya; of coti: clip-retrieval; of retribooru: controlnet, fastcomposer, "
                        "ip-adapter; of regularization and subject: custom-diffusion")
    parser.add_argument("--out", type=arguments.path, required=True, metavar="OUT", help="a new or empty folder")
    parser.add_argument("--split", default="", metavar="SPLIT", help="the split to write (default: train, of a pool "
                        "pool)")
    return parser


def search_parser() -> arguments.Parser:
    """Options of `build search`."""
    parser = tool("build search", _SEARCH)
    parser.add_argument("dir", type=location, metavar="DIR", help="a version folder of a pool, such as OUT/1.0.0")
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="what the pictures should show")
    parser.add_argument("--image", type=arguments.path, metavar="FILE", help="a picture that they should be like")
    parser.add_argument("-k", dest="count", type=int, default=20, metavar="N", help="pictures to find (default: 20)")
    parser.add_argument("--embeddings", default="", metavar="WHICH", help="where the weights are, when they came from "
                        "a folder: that folder, or OWNER/NAME[@REVISION]")
    parser.add_argument("--out", type=arguments.path, default=Path("search.png"), metavar="FILE",
                        help="the contact sheet, PNG (default: search.png)")
    return parser


def pools_parser() -> arguments.Parser:
    """Options of `build pools`."""
    parser = tool("build pools", _POOLS)
    parser.add_argument("--kind", required=True, metavar="object|animal|person", help="what the words are for")
    parser.add_argument("--endpoint", required=True, metavar="URL", help="base address of an OpenAI-compatible API: "
                        "http://HOST:PORT/v1")
    parser.add_argument("--model", default="", metavar="NAME", help="the model to ask. Default: the one that is served")
    parser.add_argument("--words", type=int, default=0, metavar="N", help="entries of each pool. Default: as the "
                        "paper, 100 adjectives of a part, 500 backgrounds, 1,000 motions, 100 styles")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="S",
                        help="seconds that an answer may take (default: 300)")
    parser.add_argument("--out", type=arguments.path, required=True, metavar="DIR", help="new folder for the pools")
    return parser


def _estimate(words: Sequence[str]) -> int:
    options = arguments.read(Retribooru, estimate_parser(), words)
    with ctrl_c_waits():
        from builders import estimate

    return estimate.run(options)


def _publish(words: Sequence[str]) -> int:
    found = publish_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders import retribooru

    return retribooru.publish(found.out, found.workers, found.log)


def _verify(words: Sequence[str]) -> int:
    found = verify_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders import verification

    return verification.run(found.dir)


def _explain(words: Sequence[str]) -> int:
    found = explain_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders import explain

    return explain.run(found.dir, found.id)


def _push(words: Sequence[str]) -> int:
    found = push_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders import push

    return push.run(found.dir, found.repo, private=found.private)


def _export(words: Sequence[str]) -> int:
    found = export_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders import exports

    return exports.run(found.dir, found.format, found.out, found.split)


def _search(words: Sequence[str]) -> int:
    found = vars(search_parser().parse_args(list(words)))
    with ctrl_c_waits():
        from builders import search

    folder, out = found.pop("dir"), found.pop("out")
    return search.run(folder, search.Query(**found), out)


def _pools(words: Sequence[str]) -> int:
    found = pools_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders.prompting import chat

    return chat.run(chat.Asking(**vars(found)))


TOOLS = {
    "estimate": Command(_estimate, estimate_parser, "what a build would keep and cost, from 200 of its rows"),
    "publish": Command(_publish, publish_parser, "end a build of which every shard I/N is done"),
    "verify": Command(_verify, verify_parser, "check a published version, file by file and row by row"),
    "explain": Command(_explain, explain_parser, "why one row was kept or dropped"),
    "search": Command(_search, search_parser, "find pictures of a pool by a text or a picture"),
    "export": Command(_export, export_parser, "write a published version in the files of another trainer"),
    "pools": Command(_pools, pools_parser, "new word pools from a chat model"),
    "push": Command(_push, push_parser, "upload a published version to the Hugging Face Hub, as a tag"),
}
"""By name, in the order of `build --help`."""
