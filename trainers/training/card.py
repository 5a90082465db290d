"""README.md of a run: what was trained on what, and how to load it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from trainers.training.record import Run


def write(folder: Path, run: Run, step: int, prompts: list[str]) -> None:
    """Writes the model card into `folder`."""
    (folder / "README.md").write_text(page(run, step, prompts), encoding="utf-8")


def page(run: Run, step: int, prompts: list[str]) -> str:
    """The model card, Markdown. Its head is what the Hub reads."""
    said = run.said()
    base, licence = str(run.base.get("name", "")), str(run.base.get("licence", ""))
    # The Hub takes its own names alone.
    head = {"library_name": "diffusers", "base_model": base if "/" in base else None,
            "license": licence.lower() if re.fullmatch(r"[\w.+-]+", licence) else None,
            "tags": ["text-to-image", run.method, "likeness"]}
    # JSON is YAML, and quotes whatever a name may hold.
    lines = ["---", *(f"{key}: {json.dumps(value)}" for key, value in head.items() if value), "---", "",
             f"# {run.options.out.resolve().name}", "",
             f"`trainers {run.method}`, {step:,} steps. `run.json` has every option and version.", ""]
    if run.facts.get("usage"):
        lines += ["## Load it", "", "```python", str(run.facts["usage"]).rstrip(), "```", ""]
    if prompts:
        lines += ["## Prompts", "", "The rows of `samples/*.png`:", "", *(f"- `{text}`" for text in prompts), ""]
    lines += ["## Made of", "", "| what | name | revision or version | digest |", "|---|---|---|---|",
              _row("base", base, run.base.get("revision"), run.base.get("sha256")),
              *(_row(flag, one["name"], one["version"], one["digest"]) for flag, one in said["data"].items())]
    lines += ["", f"Licence of the base: {licence}."] if licence else []
    return "\n".join(lines) + "\n"


def _row(*cells: object) -> str:
    return "| " + " | ".join("" if cell is None else str(cell).replace("|", "\\|") for cell in cells) + " |"
