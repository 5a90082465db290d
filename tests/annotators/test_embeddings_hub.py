"""Models of the Hub: of a repository only what embeds is fetched, from a real server that speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from benchmarks import random_diffusion
from tests.annotators.model_hub import COMMIT, Hub

ASK = """
import json, sys
from annotators.embeddings import open_embeddings
from schemas.errors import UsageError
answers = []
for name in sys.argv[1:]:
    try:
        found = open_embeddings(name)
        answers.append({"width": found.width, "identity": found.identity, **found.provenance})
    except UsageError as error:
        answers.append({"error": str(error)})
print(json.dumps(answers))
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as made:
        yield made
        made.shutdown()


def test_of_a_pipeline_only_the_vae_is_fetched(hub: Hub, tmp_path: Path) -> None:
    folder = hub.repos["maker/model"] = random_diffusion.save(tmp_path / "pipeline")
    (folder / "vae" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"half as many")
    said, of_folder = hub.ask(tmp_path / "home", ASK, "maker/model@v2", str(folder))
    assert (said["width"], said["weights"], said["revision"]) == (4 * 8 * 8, "maker/model", COMMIT)
    assert said["licence"] == "unknown: the repository has no card"
    assert hub.sent == {"maker/model/vae/config.json", "maker/model/vae/diffusion_pytorch_model.safetensors"}
    assert of_folder["identity"] == said["identity"]


def test_of_a_clip_no_weights_that_run_code_are_fetched(hub: Hub, tmp_path: Path) -> None:
    folder = hub.repos["maker/model"] = random_diffusion.save_clip(tmp_path / "clip")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    said, = hub.ask(tmp_path / "home", ASK, "maker/model")
    assert (said["width"], said["licence"], said["revision"]) == (16, "mit", COMMIT)
    assert "maker/model/pytorch_model.bin" not in hub.sent and "maker/model/model.safetensors" in hub.sent


def test_what_embeds_nothing_is_not_fetched(hub: Hub, tmp_path: Path) -> None:
    for name, config in (("maker/empty", None), ("maker/words", '{"model_type": "bert"}')):
        folder = hub.repos[name] = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"of something")
        if config is not None:
            (folder / "config.json").write_text(config)
    empty, words, other = hub.ask(tmp_path / "home", ASK, "maker/empty", "maker/words", "maker/other")
    assert "no model that embeds pictures" in empty["error"] and "kind of model: bert" in words["error"]
    assert "no such model repository" in other["error"]
    assert hub.sent == {"maker/words/config.json"}
