"""The characters that a run is asked to draw: those of its dataset that training did not see, and folders of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schemas.errors import UsageError
from trainers.data import open_data
from trainers.evaluation.pictures import Pictures, folder_of, png
from trainers.evaluation.protocols.subjects import People, Row, cut
from trainers.evaluation.runs import Run
from trainers.retrinet.retrinet_options import RetriNet
from trainers.views import concepts
from trainers.views.identities import COLUMNS, Identities

_USUAL = RetriNet()
"""How faces and clothes are cut for methods that were not trained with either."""


def people(run: Run, references: Path | None = None) -> tuple[People, Pictures]:
    """The rows of `test_seen` and `test_unseen` of what a run was trained on, or of its `data`, and the folders
    `references`/NAME as characters of no split. Raises UsageError where there is neither."""
    known = Pictures()
    wanted = run.data or run.located(str(run.said.get("options", {}).get("data", "")))
    splits = {"test_seen": list[Row](), "test_unseen": list[Row]()}
    if wanted:
        manifest = open_data(wanted, "--data", "retribooru", COLUMNS).manifest
        for split, rows in splits.items():
            if manifest is None or manifest.splits.get(split):
                rows += _rows(run, wanted, split, known)
    given = {}
    for folder in sorted(references.iterdir()) if references is not None and references.is_dir() else ():
        if folder.is_dir():
            given[folder.name] = known.files(folder_of(folder, "--references"), f"given/{folder.name}")
    if references is not None and not given:
        raise UsageError("--references holds no folder with pictures", seen=str(references),
                         allowed="DIR/NAME/01.png and so on, a folder for each character")
    if not given and not any(splits.values()):
        raise UsageError("there is no character that training did not see", seen=wanted or run.name,
                         allowed="a dataset with rows in test_seen or test_unseen",
                         next_command="--data DATA, or --references DIR")
    return People(splits["test_seen"], splits["test_unseen"], given), known


def _rows(run: Run, wanted: str, split: str, known: Pictures) -> list[Row]:
    """The rows of a split; their pictures, faces and clothes are put among those that are known."""
    data = open_data(wanted, "--data", "retribooru", COLUMNS, split)
    told = data.rows.select_columns(["character", "prompts"]).to_list()
    identities = Identities(data.rows)
    widen, majority = (run.said.get("options", {}).get(name, getattr(_USUAL, name)) for name in ("widen", "majority"))
    rows = []
    for at, name in enumerate(known.rows(data.rows)):
        box = identities.box(at)
        cuts = [one for one in (concepts.FACE, concepts.CLOTHES) if concepts.concept(one, box, majority) == one]
        for one in cuts:
            known.put(cut(name, one), _cut(identities, at, one, widen))
        others = tuple(identities.name(int(other)) for other in identities.references(at))
        rows.append(Row(name, told[at]["character"], told[at]["prompts"], others, tuple(cuts)))
    return rows


def _cut(identities: Identities, at: int, concept: str, widen: float) -> Callable[[], bytes]:
    """Makes the face or the clothes of a row as training is shown them."""
    def made() -> bytes:
        picture, box = identities.picture(at), identities.box(at)
        assert box is not None
        if concept == concepts.CLOTHES:
            shown = concepts.clothes(picture, identities.matte(at, picture.size), box, widen)
        else:
            shown = concepts.face(picture, box, widen)
        return png(shown.picture.crop(tuple(map(round, shown.region))) if shown.region else shown.picture)
    return made
