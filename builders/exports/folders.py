"""Pictures with captions in text files of the same name: kohya's sd-scripts and ai-toolkit."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from builders.exports.rows import Export, Row, caption, name

_LOOKS = 2000
"""How often kohya shows the pictures of a subject in an epoch: as many as the paper's regularization set has, because
kohya uses no more of such a set than there are training pictures with their repeats."""


def kohya(export: Export) -> None:
    """images/ and dataset.toml for a regularization set (`is_reg`) or a subject (repeated)."""
    for row in export.rows():
        _captioned(export, row, "images")
    if export.manifest.recipe == "regularization":
        options = ["is_reg = true", "num_repeats = 1",
                   "# Below it belongs the subset of a subject, with as many pictures times num_repeats as are here."]
    else:
        options = [f"num_repeats = {-(-_LOOKS // export.manifest.splits[export.split])}"]
    _kohya_config(export, options)


def kohya_masked(export: Export) -> None:
    """images/, the figures' mattes in masks/ under the same names, and dataset.toml: what `--masked_loss` reads."""
    for row in export.rows():
        place = PurePosixPath(_captioned(export, row, "images"))
        export.write(f"masks/{place.stem}.png", row["mask"]["bytes"])
    _kohya_config(export, [f"conditioning_data_dir = {_quoted(export, 'masks')}", "num_repeats = 1"])


def ai_toolkit(export: Export) -> None:
    """images/ and config.yaml for a regularization set (`is_reg`) or a subject."""
    for row in export.rows():
        _captioned(export, row, "images")
    regular = str(export.manifest.recipe == "regularization").lower()
    _ai_toolkit_config(export, [f"is_reg: {regular}"])


def ai_toolkit_outfits(export: Export) -> None:
    """A folder below images/ for each outfit, and config.yaml: any other picture of the folder is the reference."""
    for row in export.rows():
        _captioned(export, row, f"images/{name(row['outfit'])}")
    _ai_toolkit_config(export, ["clip_image_from_same_folder: true"])


def _captioned(export: Export, row: Row, folder: str) -> str:
    place = export.picture(row, folder)
    export.write(str(PurePosixPath(place).with_suffix(".txt")), caption(row).encode())
    return place


def _kohya_config(export: Export, options: list[str]) -> None:
    lines = ["[[datasets]]", "resolution = 512", "enable_bucket = true", "", "  [[datasets.subsets]]",
             f"  image_dir = {_quoted(export, 'images')}", '  caption_extension = ".txt"',
             *(f"  {option}" for option in options)]
    export.write("dataset.toml", ("\n".join(lines) + "\n").encode())


def _ai_toolkit_config(export: Export, options: list[str]) -> None:
    lines = ["# For config: process: of an ai-toolkit job.", "datasets:",
             f"  - folder_path: {_quoted(export, 'images')}", '    caption_ext: "txt"',
             *(f"    {option}" for option in options), "    resolution: [512]"]
    export.write("config.yaml", ("\n".join(lines) + "\n").encode())


def _quoted(export: Export, folder: str) -> str:
    """A whole path as a string of TOML and of YAML, which both read what JSON escapes (but DEL, which JSON leaves)."""
    return json.dumps(str(export.home / folder), ensure_ascii=False).replace("\x7f", "\\u007f")
