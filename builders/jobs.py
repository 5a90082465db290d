"""What shard jobs leave behind, OUT/.state/shards/I-of-N.json, and whether all of them are there to be published."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from annotators.base import Annotator
from builders.options import Retribooru
from builders.slices import Slice
from schemas import atomic
from schemas.errors import UsageError
from schemas.locations import Location
from schemas.terminal import arguments

_SHOWN = 20


@dataclass(frozen=True)
class Record:
    """What a job was asked, and with what it did that. It names places and people, so it is never published."""

    options: Retribooru
    exclude: str
    """Digest of the --exclude file's entries."""
    models: dict[str, str]
    """Identities of the annotators by role."""
    rows: int = 0
    """How many were left when all pictures had been looked at."""

    @classmethod
    def of(cls, options: Retribooru, exclude: str, models: Mapping[str, Annotator]) -> Self:
        """Paths are made absolute: `build publish` may run in another folder."""
        return cls(options.absolute(), exclude, {role: one.identity for role, one in models.items()})

    def told(self) -> dict[str, object]:
        """Everything that must be equal in the jobs of one build, by the option's name."""
        return self.options.published() | self.models | {"root": self.options.root, "exclude": self.exclude}

    def differs(self, other: Record) -> list[str]:
        """Names of the options in which two records differ."""
        mine, others = self.told(), other.told()
        return [name for name in mine if mine[name] != others[name]]


def begin(folder: Location, part: Slice) -> None:
    """Removes what an earlier run of the job left: it has not ended now."""
    _place(folder, part).unlink(missing_ok=True)


def leave(folder: Location, record: Record, part: Slice) -> None:
    """Writes the record of a job that has ended."""
    said = {"command": arguments.words(record.options), "exclude": record.exclude, "models": record.models,
            "rows": record.rows}
    atomic.write(_place(folder, part), json.dumps(said).encode())


def agreed(folder: Location) -> Record:
    """The record that all N jobs left, with the rows of all of them. Raises UsageError when some are missing, or were
    asked for something else."""
    found = {_slice(path): _read(path) for path in folder.glob("*-of-*.json")
             if not path.name.startswith(atomic.TEMPORARY)}
    if not found:
        raise UsageError("no shard job has ended on this OUT", seen=str(folder.parent.parent),
                         allowed="the OUT of `build retribooru ... --shard I/N`")
    counts = Counter(one.of for one in found)
    of = counts.most_common(1)[0][0]
    if len(counts) > 1:
        raise UsageError("shard jobs of different N have ended", seen=_listed(sorted(found)), allowed="one N",
                         next_command=f"delete those of the wrong N in {folder}")
    if missing := [one for one in (Slice(number, of) for number in range(1, of + 1)) if one not in found]:
        raise UsageError("shard jobs are missing", seen=_listed(missing), allowed=f"1/{of} to {of}/{of}",
                         next_command="run these, then build publish again")
    said = {one: repr(record.told()) for one, record in found.items()}
    usual = found[max(sorted(said), key=lambda one: Counter(said.values())[said[one]])]
    odd = {one: record.differs(usual) for one, record in sorted(found.items())}
    if told := [f"{one}: {', '.join(names)}" for one, names in odd.items() if names]:
        raise UsageError("shard jobs ran with different options", seen="; ".join(told[:_SHOWN]),
                         allowed="one set of options", next_command="run these again with the options of the others")
    return replace(usual, rows=sum(record.rows for record in found.values()))


def check_rows(rows: int, agreed: Record) -> None:
    """Raises UsageError when other rows are left than the jobs left: files or metadata came or went meanwhile."""
    if rows != agreed.rows:
        raise UsageError(f"the shard jobs left {agreed.rows:,} rows, now {rows:,} are left", allowed="the same files",
                         next_command="run the shard jobs again, then build publish")


def check(record: Record, agreed: Record) -> None:
    """Raises UsageError when a build would not do just what the jobs did."""
    if names := record.differs(agreed):
        raise UsageError("this is not what the shard jobs saw", seen=", ".join(names),
                         allowed="the same files, and a machine of the same kind (see docs/cluster.md)",
                         next_command="run the shard jobs again, or build publish where they ran")


def _listed(slices: Sequence[Slice]) -> str:
    more = f" and {len(slices) - _SHOWN} more" if len(slices) > _SHOWN else ""
    return ", ".join(map(str, slices[:_SHOWN])) + more


def _place(folder: Location, part: Slice) -> Location:
    return folder / f"{part.name}.json"


def _slice(path: Location) -> Slice:
    return Slice.read(path.stem.replace("-of-", "/"))


def _read(path: Location) -> Record:
    try:
        said = json.loads(path.read_bytes())
        options = arguments.read(Retribooru, arguments.parser_for(Retribooru, "build retribooru", ""), said["command"])
        return Record(options, said["exclude"], said["models"], int(said["rows"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"the record of a shard job cannot be read: {error}", seen=str(path),
                         next_command="delete it and run that shard again") from None
