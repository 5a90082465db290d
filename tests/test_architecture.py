"""The arrows between the rooms, read from the imports themselves; and the sizes that keep rooms small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "annotators", "builders", "cards", "trainers")
MAY_IMPORT = {
    "schemas": set(),
    "annotators": {"schemas"},
    "builders": {"schemas", "annotators", "cards"},
    "cards": {"schemas"},
    "trainers": {"schemas", "annotators"},
}
NOT_IN_CORE = {"torch", "torchmetrics", "transformers", "diffusers", "accelerate", "peft", "safetensors", "tensorboard",
               "ultralytics", "ray"}
LATER = {"annotators/aesthetics.py", "annotators/captions.py", "annotators/clip_t.py",
         "annotators/concept_classifier.py", "annotators/instructblip.py", "annotators/model_embeddings.py",
         "annotators/pretrained.py", "annotators/towers.py",
         "builders/face_weights.py", "builders/generators/diffusion.py",
         "builders/ray_engine.py"}
"""Files that may load what the core lacks, inside a function, when somebody asks for it."""
LIGHT = {"trainers/__init__.py", "trainers/cli.py", "trainers/cli_docs.py", "trainers/commands.py",
         "trainers/options.py", "trainers/presets.py",
         *(f"trainers/evaluation/{name}.py" for name in ("__init__", "plans", "results", "tables", "plots", "sheets",
                                                         "page", "papers", "compare", "eyes", "seen", "scoring"))}
LIGHT_ROOMS = ("trainers/evaluation/protocols/", "trainers/evaluation/survey/", "trainers/metrics/")
"""Of the trainers what help and option errors need, besides each method's `*_options.py`, and what only counts or
draws tables: works in the core."""
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def _is_light(name: str) -> bool:
    return name in LIGHT or name.startswith(LIGHT_ROOMS) or name.endswith("_options.py") \
        or not name.startswith("trainers/")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module).split(".")[0]


def test_files_were_found() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(ROOMS)
    assert len(FILES) > 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert set(_imports(path)) & set(ROOMS) - {room} <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_needs_no_torch(path: Path) -> None:
    assert "pickle" not in set(_imports(path))
    if not _is_light(path.relative_to(ROOT).as_posix()):
        return
    at_once = ast.Module(ast.parse(path.read_text(encoding="utf-8")).body, [])
    functions = [node for node in ast.walk(at_once) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    later = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(at_once):
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in later:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            assert not {name.split(".")[0] for name in names} & NOT_IN_CORE
    if path.relative_to(ROOT).as_posix() not in LATER:
        assert not set(_imports(path)) & NOT_IN_CORE


@pytest.mark.parametrize("path", [path for path in FILES if path.is_relative_to(ROOT / "trainers")],
                         ids=lambda path: str(path.relative_to(ROOT)))
def test_trainers_keep_torch_where_methods_are_and_pickle_nowhere(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if _is_light(path.relative_to(ROOT).as_posix()):
        own = [f"{node.module}.{one.name}" if (ROOT / node.module.replace(".", "/")).is_dir() else node.module
               for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
               and node.module and node.module.startswith("trainers.") for one in node.names]
        assert all(_is_light(f"{name.replace('.', '/')}.py") for name in own)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "torch":
            assert node.attr not in ("save", "load"), "weights are safetensors"


def test_cards_are_called_from_one_place_in_each_recipe() -> None:
    callers = [path.name for path in FILES if path.is_relative_to(ROOT / "builders") and "cards" in set(_imports(path))]
    assert callers == ["compose.py", "coti.py", "regularization.py", "search.py", "seeding.py", "subject.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            named = [one for one in arguments if one.arg not in ("self", "cls")]
            assert len(named) <= 8, f"{node.name} has {len(named)} arguments"
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is too long"
