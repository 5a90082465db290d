"""What the options of a build name, opened: its source, its models, and the engine that runs its workers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from annotators.answers import LightAnswers
from annotators.endpoint import EndpointAnswers
from annotators.faces import Faces
from annotators.hashes import Hashes
from annotators.instructblip import InstructBlipAnswers
from annotators.masks import Masks
from builders.engines import Engine, Local
from builders.fields import Running
from builders.options import Retribooru
from builders.ray_engine import Ray
from builders.sources import Source
from builders.sources.danbooru import Danbooru
from builders.sources.danbooru2019 import Danbooru2019
from builders.sources.folder import Folder
from builders.sources.sample import Sample, draw_mirror, mirror_name
from schemas.errors import UsageError
from schemas.locks import locked
from schemas.terminal.progress import Progress


@dataclass(frozen=True)
class Models:
    """The annotators of a build, one for each role."""

    faces: Faces
    masks: Masks
    answers: LightAnswers | EndpointAnswers | InstructBlipAnswers
    hashes: Hashes


def open_source(options: Retribooru, state: Path, progress: Progress) -> Source:
    """The source that the options name; the sample mirror is drawn first. Raises UsageError for a wrong root."""
    if options.source == "folder" and options.root is not None:
        return Folder(options.root, skip=options.out if isinstance(options.out, Path) else None)
    if options.source == "danbooru2019" and options.root is not None:
        return Danbooru2019(options.root, options.workers_here)
    if options.source == "danbooru" and options.root is not None:
        return Danbooru(options.root, state / "tars", options.workers_here)
    root = state / mirror_name(options.count, options.seed)
    with locked(state / "draw.lock", wait=True), progress.bar("draw", options.count, "drawing") as bar:
        draw_mirror(root, options.count, options.seed, options.workers_here, bar.advance)
    return Sample(root, options.workers_here)


def check_source(options: Retribooru) -> None:
    """Raises UsageError for a wrong root, before anything is fetched, drawn or written."""
    if options.source != "sample":
        open_source(options, Path(), Progress(options.log))
    elif options.address and not isinstance(options.out, Path):
        raise UsageError("the sample is drawn on this machine, other nodes do not see it", seen=str(options.out),
                         allowed="an --out that is a path which every node sees", next_command="another --out")


def open_models(options: Retribooru) -> Models:
    """The annotators that the options name; weights of the Hub are fetched. Raises UsageError when some are missing."""
    faces, masks = Faces(options.weights("faces")), Masks(options.weights("masks"))
    asked = options.weights("answers")
    if asked == "light":
        return Models(faces, masks, LightAnswers((faces.identity, masks.identity)), Hashes())
    endpoint = asked.startswith(("http://", "https://"))
    return Models(faces, masks, EndpointAnswers(asked) if endpoint else InstructBlipAnswers(asked), Hashes())


def open_models_for(engine: Engine, options: Retribooru) -> Models:
    """The annotators, opened where they will run: the device class, which is in their identity, may differ there."""
    if options.engine == "local":
        return open_models(options)
    models: Models
    [models] = engine.run(open_models, [options])
    return models


def open_engine(options: Running, progress: Progress, root: Path | None = None) -> AbstractContextManager[Engine]:
    """What runs the workers, who read below `root` and OUT. Raises UsageError when the cluster cannot be joined."""
    if options.engine == "local":
        return Local(options.workers)
    shared = [path for path in (options.out / ".state", root) if isinstance(path, Path)]
    return Ray(options.workers, options.address, options.gpus, shared, progress.say)
