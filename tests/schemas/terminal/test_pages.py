from argparse import BooleanOptionalAction
from collections.abc import Sequence

from schemas.terminal.arguments import Parser
from schemas.terminal.commands import Command
from schemas.terminal.pages import page


def _bake(words: Sequence[str]) -> int:
    return 0


def _parser() -> Parser:
    parser = Parser(prog="oven bake", description="Bakes a cake,\nand cools it.")
    parser.add_argument("dough", metavar="DOUGH", help="what to bake")
    heat = parser.add_argument_group("heat")
    heat.add_argument("--fan", action="store_true", help="blow")
    heat.add_argument("--rise", action=BooleanOptionalAction, help="wait for the dough")
    return parser


def test_a_page_holds_the_usage_and_every_option() -> None:
    assert page("oven", "usage: oven\n", {"sweets": {"bake": Command(_bake, _parser, "make a cake")}}) == """\
# The `oven` command

Made by `make docs`; do not edit.

```
usage: oven
```

## `oven bake`

Make a cake (sweets).

Bakes a cake,
and cools it.

**positional arguments**

- `DOUGH`: what to bake

**heat**

- `--fan`: blow
- `--rise, --no-rise`: wait for the dough
"""
