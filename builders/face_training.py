"""`build weights train-faces`: a YOLO fine-tuned on the face boxes of a published dataset, exported for `--faces`."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.face_weights import convert, first_line, open_yolo, told, ultralytics
from builders.splits import TRAIN
from schemas import manifest as manifests
from schemas.atomic import replacing
from schemas.errors import BuildError, UsageError
from schemas.terminal.progress import Progress

SEED = 0


@dataclass(frozen=True)
class Training:
    """What is trained, from what, how long, and where the result goes. `base` is a .pt file, or the name of an
    architecture of ultralytics such as yolo11n.yaml, with random weights. `size` is the input's side in pixels.
    """

    dataset: Path
    base: str
    epochs: int
    size: int
    out: Path

    def __post_init__(self) -> None:
        """Raises UsageError for what cannot be trained."""
        if self.epochs < 1:
            raise UsageError("--epochs is out of range", seen=self.epochs, allowed="1 or more")
        if self.size < 64 or self.size % 32:
            raise UsageError("--size is not possible", seen=self.size, allowed="a multiple of 32 from 64 on")
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise UsageError("--out is not empty", seen=str(self.out), allowed="a new folder")
        if not self.base.endswith(".yaml") and not Path(self.base).is_file():
            raise UsageError("no such base", seen=self.base,
                             allowed="a .pt file, or an architecture such as yolo11n.yaml with random weights")


def run(training: Training) -> int:
    """Trains, writes OUT/faces.onnx and OUT/faces.pt, says how good it is. Returns the exit code."""
    splits = manifests.read(training.dataset).splits
    model = _opened(training.base)
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        folder = Path(name)
        drawn = write_pictures(training, splits, folder)
        if not drawn["train"]:
            raise UsageError("the dataset's training split has no face box", seen=str(training.dataset),
                             allowed="a dataset built with --face one, or with faces in it")
        unseen = bool(drawn["val"])
        print(f"{drawn['train']:,} pictures to train on, {drawn['val']:,} of the test splits to judge by"
              + ("" if unseen else ": there are none, so it will be judged by those it was trained on"), flush=True)
        said = {"path": str(folder), "train": "images/train", "val": f"images/{'val' if unseen else 'train'}",
                "names": {0: "face"}}
        (folder / "faces.yaml").write_text(json.dumps(said), encoding="utf-8")
        best = _train(model, training, folder)
        judged = f"mAP50 {model.metrics.box.map50:.3f}, mAP50-95 {model.metrics.box.map:.3f}"
        with replacing(training.out / "faces.pt") as made:
            shutil.copyfile(best, made)
        convert(model, training.out / "faces.onnx")
    print(told(training.out / "faces.onnx"))
    print(f"  judged:  {judged} on {'the test splits' if unseen else 'what it was trained on'}")
    return 0


def _train(model: Any, training: Training, folder: Path) -> Path:
    """Trains the model; returns the checkpoint of its best epoch. Raises BuildError when torch gives up."""
    try:
        model.train(data=str(folder / "faces.yaml"), epochs=training.epochs, imgsz=training.size, seed=SEED,
                    deterministic=True, plots=False, project=str(folder), name="run")
    except RuntimeError as error:  # torch: no memory, no such kernel
        raise BuildError(f"the training stopped: {first_line(error)}") from error
    return Path(model.trainer.best)


def _opened(base: str) -> Any:
    """The model to begin with. Raises UsageError when there is none, or no ultralytics."""
    if Path(base).suffix == ".pt":
        return open_yolo(Path(base))
    yolo = ultralytics().YOLO
    try:
        return yolo(base, task="detect")
    except Exception as error:  # a file that is not there, or describes no network
        raise UsageError(f"ultralytics cannot make the network: {first_line(error)}", seen=base,
                         allowed="an architecture such as yolo11n.yaml") from None


def write_pictures(training: Training, splits: dict[str, int], folder: Path) -> dict[str, int]:
    """Writes images/ and labels/ of "train" and "val" (all test splits) as YOLO reads them, no larger than the network
    looks at them; returns how many of each. Rows without a box are left out: nobody said that they have no face.
    """
    counts = {"train": 0, "val": 0}
    with Progress().bar("pictures", sum(splits.values())) as bar:
        for split in splits:
            part = "train" if split == TRAIN else "val"
            images, labels = folder / "images" / part, folder / "labels" / part
            images.mkdir(parents=True, exist_ok=True)
            labels.mkdir(parents=True, exist_ok=True)
            for row in _rows(training.dataset, split):
                bar.advance(1)
                if row["bbox"] is None:
                    continue
                name = f"{counts[part]:08}"
                row["image"].thumbnail((training.size, training.size))
                row["image"].save(images / f"{name}.jpg", quality=95)
                box = " ".join(f"{value:.6f}" for value in row["bbox"])
                (labels / f"{name}.txt").write_text(f"0 {box}\n", encoding="utf-8")
                counts[part] += 1
    return counts


def _rows(dataset: Path, split: str) -> Iterator[dict[str, Any]]:
    """Pictures (PIL, RGB, upright) and boxes of a split, read from its files without a copy in a cache."""
    import datasets

    found = datasets.load_dataset(str(dataset), split=split, streaming=True)
    yield from found.select_columns(["image", "bbox"])
