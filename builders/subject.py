"""The subject recipe: a subject's 4 to 6 training pictures with captions that hold its token.

"A Data Perspective on Enhanced Identity Preservation", section 3 and appendix E. Read it aloud: the pictures of a
folder are read; each has a caption by hand, or one that begins with "a CLASS" is written for it; the token goes before
the class words; all of it is published. DreamBench's folders become one dataset each.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from annotators.base import Annotator
from annotators.captions import BATCH, captioner
from builders import publish
from builders.engines import Local
from builders.release import Content, how_to_load, release
from builders.sources.shots import LIMITS, Shot, Shots, read_shots
from builders.sources.trees import check_root
from builders.splits import TRAIN
from builders.store import Store, write_part
from builders.subject_options import Subject, Wanted
from builders.visits import contents, picture
from builders.workspace import Workspace
from builders.write import Filled, columns_digest, cut_shards
from cards import subject as card
from schemas.errors import UsageError
from schemas.features import SUBJECT
from schemas.locations import Location
from schemas.manifest import Manifest, Model
from schemas.prompts import compose, split
from schemas.terminal.progress import Progress

_OWN = "Not known: whoever publishes this dataset must hold the rights to its pictures."
_DREAMBENCH = ("DreamBench's pictures are its authors' own or come from Unsplash: see references_and_licenses.txt of "
               "github.com/google/dreambooth.")


def run(options: Subject) -> int:
    """Builds one dataset, or one for each of DreamBench's subjects; prints where they are; returns the exit code.

    Every folder is read before anything is written: a fault in one of them publishes nothing.
    """
    progress = Progress(options.log)
    subjects = there(options, progress) if options.dreambench else options.wanted()
    flag = "--images" if options.images else "--dreambench"
    with progress.bar("file", len(subjects), "folder") as bar:
        read = []
        for one in subjects:
            read.append((one, read_shots(one.folder, one.name, one.class_name, options.token, flag)))
            bar.advance(1)
    models = [] if all(shots.by_hand for _, shots in read) else [captioner(options.captioner)]
    for one, shots in read:
        for step in shots.funnel:
            progress.step(step)
        with Workspace(one.out) as work:
            folder, manifest = publish_subject(work, options, Source(one, shots, [] if shots.by_hand else models),
                                               progress)
        print(farewell(folder, manifest))
    return 0


def there(options: Subject, progress: Progress) -> list[Wanted]:
    """Those of DreamBench's subjects whose folders are there; tells of the others. Raises UsageError for none."""
    root = options.root
    check_root(root, "--dreambench")
    folders = {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")}
    known = options.wanted()
    found = [one for one in known if one.name in folders]
    if not found:
        raise UsageError("--dreambench holds none of DreamBench's folders", seen=str(root),
                         allowed=", ".join(one.name for one in known[:3]) + ", ...",
                         next_command="build subject --images DIR --class-name backpack --out OUT")
    if missing := [one.name for one in known if one.name not in folders]:
        progress.say(f"not there: {', '.join(missing)}")
    if others := sorted(folders - {one.name for one in known}):
        progress.say(f"left out, as no subject of DreamBench has such a name: {', '.join(map(repr, others))}")
    return found


class Source(NamedTuple):
    """A subject, what its folder holds, and who writes its captions: nobody where they are by hand."""

    subject: Wanted
    shots: Shots
    models: Sequence[Annotator]


class Planned(NamedTuple):
    """A row to publish: its columns but for the pixels, and where those lie."""

    columns: dict[str, Any]
    path: str


def publish_subject(work: Workspace, options: Subject, source: Source,
                    progress: Progress) -> tuple[Location, Manifest]:
    """Publishes the subject's rows as OUT/VERSION and returns that folder and its manifest.

    Raises UsageError when the version stands there with other rows.
    """
    subject, shots, counts = source.subject, source.shots, dict(source.shots.counts)
    if source.models:
        shots, counts["captions_without_class"] = captioned(work, options, source, progress)
    rows = [Planned(columns(shot, subject, options.token), shot.path) for shot in shots.kept]
    digest = hashlib.sha256("".join(columns_digest(one.columns) for one in rows).encode()).hexdigest()
    models = [Model(one.name, one.identity, one.provenance) for one in source.models]
    draft = Manifest(
        recipe="subject", version=options.version, rows_digest=digest, files={}, content_digest="",
        source={"name": "dreambench" if options.dreambench else "folder", "digest": shots.digest,
                "licence": _DREAMBENCH if options.dreambench else _OWN},
        counts=counts, options=said(options, source),
        models=models, funnel=shots.funnel, splits={TRAIN: len(rows)}, near_copies=0,
        built_with=publish.built_with(models))
    content = Content(SUBJECT, fill, lambda: cut_shards(TRAIN, rows, [shot.bytes for shot in shots.kept]), len(rows),
                      lambda: shots.rejected, card.pages)
    engine: Local[Any, Any] = Local(1)
    return release(work, engine, progress, draft, content)


def said(options: Subject, source: Source) -> dict[str, object]:
    """What the manifest says of the options: all that can change the content, defaults resolved, no paths."""
    named = Path(options.captioner).name if Path(options.captioner).is_dir() else options.captioner
    return {"class_name": source.subject.class_name, "kind": source.subject.kind, "token": options.token,
            "captioner": named if source.models else "", "version": options.version}


def captioned(work: Workspace, options: Subject, source: Source, progress: Progress) -> tuple[Shots, int]:
    """The pictures with scenes out of captions that the model wrote, and how many of these lacked the class words,
    which conditioning should prevent: such a picture has no scene but its class. What was written before is kept."""
    [model] = source.models
    kept, name = source.shots.kept, source.subject.class_name
    store = Store.of(work.annotations, model)
    keys = [hashlib.sha256(json.dumps([shot.sha256, name]).encode()).hexdigest() for shot in kept]
    new = [at for at, lacks in enumerate(store.missing(keys)) if lacks]
    with progress.bar("captions", len(new)) as bar:
        for start in range(0, len(new), BATCH):
            some = new[start:start + BATCH]
            shown = [picture(kept[at].path, kept[at].sha256, None, LIMITS) for at in some]
            made = model({"image": shown, "class_name": [name] * len(some)})
            write_part(store.folder, model.features, [keys[at] for at in some], made)
            bar.advance(len(some))
    store.refresh()
    scenes = [split(caption, name, options.token) for caption in store.columns(keys, ["caption"])["caption"]]
    if lost := scenes.count(None):
        progress.say(f"{lost} of {len(scenes)} captions lacked the class words and became "
                     f"{compose({}, name)!r}: look at them")
    return source.shots._replace(kept=[shot._replace(scene=scene or "")
                                       for shot, scene in zip(kept, scenes, strict=True)]), lost


def columns(shot: Shot, subject: Wanted, token: str) -> dict[str, Any]:
    """The published columns of a row but for the pixels."""
    scene = {"background": shot.scene or ""}
    return {
        "id": shot.id,
        "text": compose(scene, subject.class_name, token),
        "caption": compose(scene, subject.class_name),
        "token": token,
        "class_name": subject.class_name,
        "kind": subject.kind,
        "scene": scene["background"],
        "subject": subject.name,
        "sha256": shot.sha256,
        "width": shot.width,
        "height": shot.height,
    }


def fill(planned: Sequence[Planned]) -> list[Filled]:
    """Gives planned rows their files' own bytes. Raises BuildError when a file has changed since it was read."""
    return [Filled({**one.columns, "image": {"bytes": contents(one.path, one.columns["sha256"], LIMITS), "path": None}},
                   columns_digest({**one.columns, "image": one.columns["sha256"]})) for one in planned]


def farewell(folder: Location, manifest: Manifest) -> str:
    """What a person needs to know at the end."""
    return "\n".join([
        f"published {folder} ({manifest.splits[TRAIN]} pictures; content {manifest.content_digest[:16]})",
        f"  load it:         {how_to_load(folder)}",
        f"  look at first:   {folder / 'assets' / 'pictures.png'}",
        f"  comes next:      {card.regularization(manifest, shlex.quote(str(folder)))}",
    ])
