"""`build …`: recipes make datasets, tools look at them."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Sequence

from builders import arguments
from builders.interrupts import ctrl_c_waits
from builders.options import Retribooru
from builders.regularization_options import Regularization
from builders.subject_options import Subject
from schemas.errors import BuildError, UsageError
from schemas.locations import location

EXIT_CODES = """exit codes:
  0    done
  1    the build could not go on, or verify found faults; the same command resumes a build
  2    the command or its input must be changed
  130  stopped by Ctrl-C; the same command resumes
"""

_RETRIBOORU = """Builds identity sets of anime figures, as RetriBooru (section 3) describes: tag filters, one face,
figure mattes, answers about the clothes; pictures of one character, artist and outfit become each other's
references. Run the same command again after any interruption: nothing finished is done twice."""

_EXAMPLES = """examples:
  build retribooru --source sample --out out/demo
  build retribooru --source danbooru2019 --root /data/danbooru2019 --models light --out out/retribooru
  build retribooru --source folder --root photos --models light --out out/subjects

""" + EXIT_CODES


_SUBJECT = """Makes a dataset of a subject's 4 to 6 training pictures, as "A Data Perspective on Enhanced Identity
Preservation" does: each gets a caption with an identifier before the class words, "a olis backpack on a rock". Captions
by hand are taken where they are; else a model writes them, made to begin with "a CLASS"."""

_SUBJECT_EXAMPLES = """examples:
  build subject --images my/backpack --class-name backpack --out out/backpack
  build subject --images my/dog --class-name dog --kind animal --captioner light --out out/dog
  build subject --dreambench dreambooth/dataset --out out/dreambench

""" + EXIT_CODES



_REGULARIZATION = """Builds a set of generated pictures that keeps a model from overfitting to one subject, as "A Data
Perspective" (section 3) describes: prompts of the form "a [style] [shape] [color] [texture] [class] [background]", for
living things with body, skin, emotion and motion, every word of a pool as often as any other, and a picture of each.
Run the same command again after any interruption: no picture is drawn twice."""

_REGULARIZATION_EXAMPLES = """examples:
  build regularization --class-name backpack --kind object --generator light --out OUT
  build regularization --class-name dog --kind animal --subject SUBJECT/1.0.0 --out OUT
  build regularization --class-name dog --kind animal --generator stabilityai/sdxl-turbo --steps 4 --guidance 0 \\
      --out OUT

""" + EXIT_CODES


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
custom-diffusion, kohya and ai-toolkit name their files by whole paths: export anew rather than move OUT."""

_POOLS = """Makes new word pools for a kind of subject: asks a chat model as the paper did, takes the entries out of its
lists, and leaves out what is repeated, nearly repeated or fits no prompt. DIR appears whole: a file a pool, the model's
answers, and provenance.json, which says who was asked what and how much was left out for which reason. The key is read
from OPENAI_API_KEY. Run the same command again after any interruption: no answer is asked for twice."""

_CONVERT = """Exports a YOLO checkpoint of ultralytics to ONNX, once, and tries the result on a blank picture. Such a
checkpoint can run code when it is opened; ultralytics is told to refuse what is not its own, yet open only what you
trust. Needs the extra yolo (pip install 'likeness[yolo]'), which is AGPL-3.0."""

_TRAIN_FACES = """Trains a YOLO on the face boxes of a published dataset, judged by its test splits, and exports it as
`build weights convert` does. The boxes are those that a detector found: look at them first. Needs the extra yolo, which
is AGPL-3.0."""


def retribooru_parser() -> arguments.Parser:
    """Options of `build retribooru`."""
    return arguments.parser_for(Retribooru, "build retribooru", _RETRIBOORU, _EXAMPLES)


def subject_parser() -> arguments.Parser:
    """Options of `build subject`."""
    return arguments.parser_for(Subject, "build subject", _SUBJECT, _SUBJECT_EXAMPLES)


def regularization_parser() -> arguments.Parser:
    """Options of `build regularization`."""
    return arguments.parser_for(Regularization, "build regularization", _REGULARIZATION, _REGULARIZATION_EXAMPLES)


def estimate_parser() -> arguments.Parser:
    """Options of `build estimate`: those of the recipe."""
    return arguments.parser_for(Retribooru, "build estimate", _ESTIMATE, EXIT_CODES)


def verify_parser() -> arguments.Parser:
    """Options of `build verify`."""
    parser = arguments.Parser(prog="build verify", description="Checks a published version against its manifest: "
                              "every file's hash, the columns, boxes, matte sizes, references, splits and counts.",
                              epilog=EXIT_CODES, formatter_class=arguments.RawText, allow_abbrev=False)
    parser.add_argument("dir", type=location, metavar="DIR", help="a version folder such as OUT/1.0.0")
    return parser


def publish_parser() -> arguments.Parser:
    """Options of `build publish`."""
    parser = arguments.Parser(prog="build publish", description=_PUBLISH, epilog=EXIT_CODES,
                              formatter_class=arguments.RawText, allow_abbrev=False)
    parser.add_argument("out", type=location, metavar="OUT", help="the --out of the shard jobs")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="worker processes (default: 2)")
    parser.add_argument("--log", choices=("text", "json"), default="text", metavar="text|json",
                        help="progress as text, or as JSON lines on stderr (default: text)")
    return parser


def convert_parser() -> arguments.Parser:
    """Options of `build weights convert`."""
    parser = arguments.Parser(prog="build weights convert", description=_CONVERT, epilog=EXIT_CODES,
                              formatter_class=arguments.RawText, allow_abbrev=False)
    parser.add_argument("checkpoint", type=arguments.path, metavar="FACE.pt", help="a detector that ultralytics wrote")
    parser.add_argument("--out", type=arguments.path, metavar="FILE.onnx",
                        help="where to write; default: beside the checkpoint")
    return parser


def train_faces_parser() -> arguments.Parser:
    """Options of `build weights train-faces`."""
    parser = arguments.Parser(prog="build weights train-faces", description=_TRAIN_FACES, epilog=EXIT_CODES,
                              formatter_class=arguments.RawText, allow_abbrev=False)
    parser.add_argument("dataset", type=arguments.path, metavar="DATASET", help="a version folder such as OUT/1.0.0")
    parser.add_argument("--base", default="yolo11n.yaml", metavar="NAME.yaml|FILE.pt", help="what to begin with: an "
                        "architecture of ultralytics with random weights, or a checkpoint (default: yolo11n.yaml)")
    parser.add_argument("--epochs", type=int, default=100, metavar="N",
                        help="times that every picture is shown (default: 100)")
    parser.add_argument("--size", type=int, default=640, metavar="PX",
                        help="side of the network's input, a multiple of 32 (default: 640)")
    parser.add_argument("--out", type=arguments.path, required=True, metavar="DIR",
                        help="new folder for faces.onnx and faces.pt")
    return parser


def explain_parser() -> arguments.Parser:
    """Options of `build explain`."""
    parser = arguments.Parser(prog="build explain", description="Says why one row was kept or dropped: stage, rule, "
                              "value, threshold and model.", epilog=EXIT_CODES, formatter_class=arguments.RawText,
                              allow_abbrev=False)
    parser.add_argument("dir", type=location, metavar="DIR", help="a version folder such as OUT/1.0.0")
    parser.add_argument("id", metavar="ID", help="row id, post id, or path below the source's root")
    return parser


def push_parser() -> arguments.Parser:
    """Options of `build push`."""
    parser = arguments.Parser(prog="build push", description=_PUSH, epilog=EXIT_CODES,
                              formatter_class=arguments.RawText, allow_abbrev=False)
    parser.add_argument("dir", type=arguments.path, metavar="DIR", help="a version folder such as OUT/1.0.0")
    parser.add_argument("repo", metavar="REPO", help="OWNER/NAME of a dataset repository; made when it is not there")
    parser.add_argument("--private", action="store_true", help="make it private, and push to no public one")
    return parser


def export_parser() -> arguments.Parser:
    """Options of `build export`."""
    parser = arguments.Parser(prog="build export", description=_EXPORT, epilog=EXIT_CODES,
                              formatter_class=arguments.RawText, allow_abbrev=False)
    parser.add_argument("dir", type=location, metavar="DIR", help="a version folder such as OUT/1.0.0")
    parser.add_argument("--format", required=True, metavar="NAME", help="of any version: ai-toolkit, imagefolder, "
                        "kohya; of retribooru: controlnet, fastcomposer, ip-adapter; of regularization and subject: "
                        "custom-diffusion")
    parser.add_argument("--out", type=arguments.path, required=True, metavar="OUT", help="a new or empty folder")
    parser.add_argument("--split", default="train", metavar="SPLIT", help="the split to write (default: train)")
    return parser


def pools_parser() -> arguments.Parser:
    """Options of `build pools`."""
    parser = arguments.Parser(prog="build pools", description=_POOLS, epilog=EXIT_CODES,
                              formatter_class=arguments.RawText, allow_abbrev=False)
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


def _retribooru(words: Sequence[str]) -> int:
    options = arguments.read(Retribooru, retribooru_parser(), words)
    with ctrl_c_waits():  # late, for it loads the libraries that builds need; they break when they are interrupted
        from builders import retribooru

    return retribooru.run(options)


def _subject(words: Sequence[str]) -> int:
    options = arguments.read(Subject, subject_parser(), words)
    with ctrl_c_waits():
        from builders import subject

    return subject.run(options)


def _regularization(words: Sequence[str]) -> int:
    options = arguments.read(Regularization, regularization_parser(), words)
    with ctrl_c_waits():
        from builders import regularization

    return regularization.run(options)


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


def _pools(words: Sequence[str]) -> int:
    found = pools_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders.prompting import chat

    return chat.run(chat.Asking(**vars(found)))


def _convert(words: Sequence[str]) -> int:
    found = convert_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders import face_weights

    return face_weights.run(found.checkpoint, found.out)


def _train_faces(words: Sequence[str]) -> int:
    found = train_faces_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders import face_training

    return face_training.run(face_training.Training(**vars(found)))


Command = Callable[[Sequence[str]], int]
COMMANDS: dict[str, dict[str, tuple[Command, Callable[[], arguments.Parser], str]]] = {
    "recipes": {
        "retribooru": (_retribooru, retribooru_parser, "identity sets of anime figures from a Danbooru mirror"),
        "subject": (_subject, subject_parser, "a subject's training pictures with captions, or all of DreamBench's"),
        "regularization": (_regularization, regularization_parser, "structured prompts with pictures, for DreamBooth"),
    },
    "tools": {
        "estimate": (_estimate, estimate_parser, "what a build would keep and cost, from 200 of its rows"),
        "publish": (_publish, publish_parser, "end a build of which every shard I/N is done"),
        "verify": (_verify, verify_parser, "check a published version, file by file and row by row"),
        "explain": (_explain, explain_parser, "why one row was kept or dropped"),
        "export": (_export, export_parser, "write a published version in the files of another trainer"),
        "pools": (_pools, pools_parser, "new word pools from a chat model"),
        "push": (_push, push_parser, "upload a published version to the Hugging Face Hub, as a tag"),
    },
    "weights": {
        "weights convert": (_convert, convert_parser, "export a YOLO checkpoint for --faces, once"),
        "weights train-faces": (_train_faces, train_faces_parser, "train a YOLO on a published dataset's boxes"),
    },
}
"""Commands by group: what runs, its options, one line about it."""


_STORES = ("aiobotocore", "aiohttp", "botocore", "gcsfs", "azure")
"""Packages whose errors mean that an object store did not answer, or did not want to."""


def usage() -> str:
    """The text of `build --help`."""
    lines = ["usage: build COMMAND [options]", "", "Construct datasets for identity-preserving image generation.", ""]
    for group, commands in COMMANDS.items():
        lines += [f"{group}:", *(f"  {name:<19} {text}" for name, (_, _, text) in commands.items()), ""]
    return "\n".join([*lines, "`build COMMAND --help` tells more.", "", EXIT_CODES])


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; user errors are one line on stderr."""
    words = sys.argv[1:] if words is None else words
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # tags hold any letter, terminals do not
    try:
        return _run(words)
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is being obeyed
        print("build: stopped; finished shards are kept, the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone; say nothing more
        return 1
    except Exception as error:
        store = type(error).__module__.partition(".")[0] in _STORES
        if not (store or isinstance(error, OSError | sqlite3.OperationalError)):
            raise
        print(f"build: {error}; finished shards are kept: mend the cause (disk full? permissions? network?) and run "
              "the same command again", file=sys.stderr)
        return 1


def _run(words: Sequence[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if words else 2
    known = {name: entry for commands in COMMANDS.values() for name, entry in commands.items()}
    name = " ".join(words[:2]) if words[0] == "weights" else words[0]
    if name not in known:
        raise UsageError("unknown command", seen=name, allowed=", ".join(known), next_command="build --help")
    return known[name][0](words[len(name.split()):])


if __name__ == "__main__":
    sys.exit(main())
