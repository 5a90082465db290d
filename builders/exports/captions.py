"""Captions in one file beside a file of paths: the Custom Diffusion script of diffusers."""

from __future__ import annotations

from builders.exports.rows import Export, caption


def custom_diffusion(export: Export) -> None:
    """images/, and line by line whole paths in images.txt and captions in caption.txt: what `--real_prior` reads.

    The script opens the paths from wherever it runs, so that they are whole ones.
    """
    with ((export.folder / "images.txt").open("x", encoding="utf-8", newline="\n") as paths,
          (export.folder / "caption.txt").open("x", encoding="utf-8", newline="\n") as texts):
        for row in export.rows():
            paths.write(f"{export.home / export.picture(row)}\n")
            texts.write(f"{caption(row)}\n")
