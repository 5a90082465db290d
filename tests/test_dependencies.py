"""What the core imports stands among its dependencies, whatever else brings it along today."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "annotators", "builders", "cards", "trainers")
PACKAGES = {"PIL": "pillow", "faiss": "faiss-cpu", "upath": "universal_pathlib"}
"""Packages by the module they give, where the names differ."""


OPTIONAL = {"annotators/aesthetics.py": "models", "annotators/captions.py": "models",
            "annotators/clip_t.py": "models", "annotators/concept_classifier.py": "models",
            "annotators/instructblip.py": "models", "annotators/model_embeddings.py": "models",
            "annotators/pretrained.py": "models", "annotators/towers.py": "models",
            "builders/face_weights.py": "yolo", "builders/generators/diffusion.py": "models",
            "builders/ray_engine.py": "ray"}
"""Files that import, inside a function, what an extra brings."""


def test_every_import_of_the_core_is_declared() -> None:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = _names(said["dependencies"])
    seen = set()
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        extra = "trainers" if name.startswith("trainers/") else OPTIONAL.get(name)
        declared = core | (_names(said["optional-dependencies"][extra]) if extra else set())
        used = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add(str(node.module).split(".")[0])
        others = used - set(sys.stdlib_module_names) - set(ROOMS)
        assert {PACKAGES.get(name, name) for name in others} - declared == set(), path
        seen |= others
    assert "numpy" in seen and "torch" in seen


def _names(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w.-]+", one)[0] for one in requirements}  # type: ignore[index]
