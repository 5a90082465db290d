"""run.json: what a run is made of, so that it can be told from another and gone on with."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from schemas import atomic
from schemas.errors import UsageError
from schemas.terminal.fields import flag_of
from trainers.options import PLACES, RECORD, Training
from trainers.training.checkpoints import sweep

_PACKAGES = ("likeness", "torch", "diffusers", "transformers", "accelerate", "peft", "datasets")


@dataclass(kw_only=True)
class Run:
    """A run of a method. `data` by option: "data", "regularization" (`trainers.data.Data`, or what has its name,
    recipe, version and digest); `base` is the provenance of the base. The loop adds `facts` and `processes`."""

    method: str
    options: Training
    data: dict[str, Any]
    base: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    processes: int = 1

    @property
    def path(self) -> Path:
        """Where it is written."""
        return self.options.out / RECORD

    def check(self) -> None:
        """Raises UsageError when OUT holds a run that this one may not go on with."""
        there = self.there()
        if there is None:
            return
        self.options.check_out()
        others = self._others(there)
        if others:
            raise UsageError(f"--resume of a run that was begun otherwise: {', '.join(others)}",
                             next_command=f"the options in {self.path}, or another --out")

    @property
    def finished(self) -> bool:
        """True when the weights in OUT are those of the last step."""
        return bool((self.there() or {}).get("finished"))

    def there(self) -> dict[str, Any] | None:
        """What run.json says; None where there is none. Raises UsageError when it cannot be read."""
        try:
            said: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(said, dict) or not isinstance(said.get("options"), dict):
                raise ValueError("it holds no options")
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            raise UsageError("run.json cannot be read", seen=f"{self.path}: {error}", allowed="what a run wrote",
                             next_command="another --out") from None
        return said

    def write(self, *, finished: bool = False) -> None:
        """Writes run.json, and removes what a killed run left unfinished."""
        self.options.out.mkdir(parents=True, exist_ok=True)
        sweep(self.options.out)
        atomic.write(self.path, (json.dumps(self.said(finished), indent=1, ensure_ascii=False) + "\n").encode())

    def said(self, finished: bool = False) -> dict[str, Any]:
        """All that run.json says."""
        options = {one.name: getattr(self.options, one.name) for one in fields(self.options)}
        return {"method": self.method, "finished": finished, "processes": self.processes, "base": self.base,
                "data": {flag: {"name": one.name, "recipe": one.recipe, "version": one.version, "digest": one.digest}
                         for flag, one in self.data.items()},
                "options": {name: str(value) if isinstance(value, Path) else value for name, value in options.items()},
                "versions": versions(), "facts": self.facts}

    def _others(self, there: dict[str, Any]) -> list[str]:
        """What differs from the run that is there, in words."""
        mine = json.loads(json.dumps(self.said()))
        pairs = [(what, there.get(what), mine[what]) for what in ("method", "processes")]
        pairs += [(flag_of(name), there.get("options", {}).get(name), value)
                  for name, value in mine["options"].items() if name not in PLACES]
        flags = sorted({*mine["data"], *there.get("data", {})})
        pairs += [(f"what --{flag} holds", there.get("data", {}).get(flag, {}).get("digest"),
                   mine["data"].get(flag, {}).get("digest")) for flag in flags]
        pairs += [("the base", there.get("base", {}).get("sha256"), mine["base"].get("sha256"))]
        return [f"{what} ({_short(before)} there, {_short(now)} here)" for what, before, now in pairs if before != now]


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def versions() -> dict[str, str]:
    """Of what computes here."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
