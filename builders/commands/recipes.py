"""`build RECIPE`: commands that make datasets."""

from __future__ import annotations

from collections.abc import Sequence

from builders.commands import EXIT_CODES
from builders.coti_options import Coti
from builders.options import Retribooru
from builders.regularization_options import Regularization
from builders.subject_options import Subject
from schemas.terminal import arguments
from schemas.terminal.commands import Command
from schemas.terminal.interrupts import ctrl_c_waits

_RETRIBOORU = """Builds identity sets of anime figures, as RetriBooru (section 3) describes: tag filters, one face,
figure mattes, answers about the clothes; pictures of one character, artist and outfit become each other's
references. Run the same command again after any interruption: nothing finished is done twice."""

_RETRIBOORU_EXAMPLES = """examples:
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

_COTI = """Builds a pool of pictures of a concept, as COTI (section 3.2) describes: from a folder, a list of web
addresses, a dataset or an open API; fetched politely, near copies kept out, embedded, scored by looks and by likeness
to seeds that you chose, and indexed. Run the same command again after any interruption: only what is missing is
fetched."""

_COTI_EXAMPLES = """examples:
  build coti --concept "emperor penguin chick" --seeds DIR --pool photos --models light --out OUT
  build coti --concept "emperor penguin chick" --seeds DIR --pool urls.csv --user-agent "me@example.org" --out OUT
  build coti --concept axolotl --pool inaturalist:Ambystoma --seeds-from "an axolotl under water" --out OUT
  build coti --concept axolotl --pool inaturalist:Ambystoma --seeds-from "an axolotl under water" --pick 3,7,12 \\
      --out OUT

""" + EXIT_CODES


def retribooru_parser() -> arguments.Parser:
    """Options of `build retribooru`."""
    return arguments.parser_for(Retribooru, "build retribooru", _RETRIBOORU, _RETRIBOORU_EXAMPLES)


def subject_parser() -> arguments.Parser:
    """Options of `build subject`."""
    return arguments.parser_for(Subject, "build subject", _SUBJECT, _SUBJECT_EXAMPLES)


def regularization_parser() -> arguments.Parser:
    """Options of `build regularization`."""
    return arguments.parser_for(Regularization, "build regularization", _REGULARIZATION, _REGULARIZATION_EXAMPLES)


def coti_parser() -> arguments.Parser:
    """Options of `build coti`."""
    return arguments.parser_for(Coti, "build coti", _COTI, _COTI_EXAMPLES)


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


def _coti(words: Sequence[str]) -> int:
    options = arguments.read(Coti, coti_parser(), words)
    with ctrl_c_waits():
        from builders import coti

    return coti.run(options)


RECIPES = {
    "retribooru": Command(_retribooru, retribooru_parser, "identity sets of anime figures from a Danbooru mirror"),
    "subject": Command(_subject, subject_parser, "a subject's training pictures with captions, or all of DreamBench's"),
    "regularization": Command(_regularization, regularization_parser,
                              "structured prompts with pictures, for DreamBooth"),
    "coti": Command(_coti, coti_parser, "a scored, indexed pool of pictures of a concept, from a folder or the web"),
}
"""By name, in the order of `build --help`."""
