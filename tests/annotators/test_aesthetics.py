"""LAION's head, tiny and of its true widths, read from files through the code that reads the real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
safetensors = pytest.importorskip("safetensors.torch")

from annotators import aesthetics  # noqa: E402
from annotators.aesthetics import Aesthetics, open_aesthetics  # noqa: E402
from annotators.embeddings import Embeddings, open_embeddings  # noqa: E402
from annotators.light_embeddings import LightEmbeddings  # noqa: E402
from benchmarks import random_diffusion  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from tests.annotators.model_hub import COMMIT, Hub  # noqa: E402

CLIP_WIDTH = 16


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the Hub's client keeps what others make."""
    folder = tmp_path / "assets"
    monkeypatch.setattr("huggingface_hub.utils._cache_assets.HF_ASSETS_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Embeddings:
    return open_embeddings(str(random_diffusion.save_clip(tmp_path_factory.mktemp("clip"))))


def layered(width: int) -> Any:
    """The head as its author wrote it, with weights drawn so that scores lie around 5."""
    nn = torch.nn
    torch.manual_seed(1)
    layers = nn.Sequential(nn.Linear(width, 1024), nn.Dropout(0.2), nn.Linear(1024, 128), nn.Dropout(0.2),
                           nn.Linear(128, 64), nn.Dropout(0.1), nn.Linear(64, 16), nn.Linear(16, 1))
    with torch.no_grad():
        for at in (0, 2, 4, 6):
            layers[at].weight.mul_(3)
        layers[7].bias.fill_(5)
    return layers.eval()


def state(width: int) -> dict[str, Any]:
    return {f"layers.{name}": tensor.clone() for name, tensor in layered(width).state_dict().items()}


def pth(path: Path, width: int = CLIP_WIDTH) -> str:
    torch.save(state(width), path)
    return str(path)


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (40, 50, 3)).astype(np.uint8) for _ in range(count)]


def test_scores_are_those_of_the_layers(clip: Embeddings, tmp_path: Path) -> None:
    found = open_aesthetics(pth(tmp_path / "head.pth"), clip)
    assert isinstance(found, Aesthetics) and found.needs == ("embedding",) and found.embeddings is None
    seen = clip({"image": pictures(11)})["embedding"]
    said = found({"embedding": seen})["aesthetic"]
    with torch.inference_mode():
        expected = layered(CLIP_WIDTH)(torch.from_numpy(np.stack(seen)))[:, 0].numpy()
    assert np.ptp(expected) > 0.05 and said == pytest.approx(expected, abs=1e-4)
    as_stored = [one.tolist() for one in seen]
    assert found({"embedding": as_stored[:3]})["aesthetic"] == said[:3]
    assert found({"embedding": []}) == {"aesthetic": []}


def test_scores_are_clipped_to_ten(clip: Embeddings, tmp_path: Path) -> None:
    steep = state(CLIP_WIDTH)
    for at in (0, 2, 4, 6, 7):  # one path through all layers: 100 times the first number of the embedding
        steep[f"layers.{at}.weight"].zero_()[0, 0] = 1
        steep[f"layers.{at}.bias"].zero_()
    steep["layers.7.weight"][0, 0] = 100
    safetensors.save_file(steep, tmp_path / "head.safetensors")
    unit = np.eye(CLIP_WIDTH, dtype=np.float32)
    seen = [unit[0], -unit[0], unit[1], (0.06 * unit[0] + np.sqrt(1 - 0.06**2) * unit[1]).astype(np.float32)]
    said = open_aesthetics(str(tmp_path / "head.safetensors"), clip)({"embedding": seen})["aesthetic"]
    assert said == pytest.approx([10, 0, 0, 6], abs=1e-5)


def test_a_pth_is_opened_once_and_kept_as_safetensors(clip: Embeddings, tmp_path: Path, assets: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    read = torch.load
    monkeypatch.setattr(torch, "load", lambda *said, **more: opened.append(more["weights_only"]) or read(*said, **more))
    there = pth(tmp_path / "head.pth")
    first = open_aesthetics(there, clip)
    seen = {"embedding": clip({"image": pictures(2)})["embedding"]}
    assert [path.suffix for path in assets.rglob("*") if path.is_file()] == [".safetensors"]
    again = open_aesthetics(there, clip)
    assert opened == [True] and again(seen) == first(seen) and again.identity == first.identity
    next(path for path in assets.rglob("*.safetensors")).write_bytes(b"damaged")
    assert open_aesthetics(there, clip)(seen) == first(seen)
    assert opened == [True, True]


def test_a_place_that_cannot_be_written_costs_nothing(clip: Embeddings, tmp_path: Path, assets: Path) -> None:
    assets.write_bytes(b"a file where a folder should be")
    found = open_aesthetics(pth(tmp_path / "head.pth"), clip)
    assert len(found({"embedding": clip({"image": pictures(1)})["embedding"]})["aesthetic"]) == 1


def test_code_in_a_pickle_is_not_run(clip: Embeddings, tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Hostile:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.touch, (ran,)

    torch.save({"layers.0.weight": Hostile()}, tmp_path / "head.pth")
    with pytest.raises(UsageError, match="cannot read the aesthetic head"):
        open_aesthetics(str(tmp_path / "head.pth"), clip)
    assert not ran.exists()


def test_identity_is_of_head_and_embeddings(clip: Embeddings, tmp_path: Path) -> None:
    there = pth(tmp_path / "head.pth")
    first = open_aesthetics(there, clip)
    other_clip = open_embeddings(str(random_diffusion.save_clip(tmp_path / "other", seed=1)))
    assert open_aesthetics(there, other_clip).identity != first.identity
    torch.save({name: tensor + 1 for name, tensor in state(CLIP_WIDTH).items()}, tmp_path / "more.pth")
    assert open_aesthetics(str(tmp_path / "more.pth"), clip).identity != first.identity
    assert first.provenance["weights"] == "head.pth" and str(tmp_path) not in str(first.provenance)
    assert first.provenance["embeddings"] == clip.provenance["weights"]


ASK = """
import json, sys
import numpy as np
from annotators.aesthetics import open_aesthetics
from annotators.embeddings import open_embeddings
answers = {}
for pool in ("light", "paper", sys.argv[1]):
    embeddings = open_embeddings(pool)
    for head in ("paper", sys.argv[2]):
        found = open_aesthetics(head, embeddings)
        clip = found.embeddings or embeddings
        seen = clip({"image": [np.full((40, 30, 3), 90, np.uint8)]})[clip.name]
        answers[f"{head} on {pool}"] = [found.needs[0], found.provenance, *found({found.needs[0]: seen})["aesthetic"]]
print(json.dumps(answers))
"""


def test_who_reads_what(tmp_path: Path) -> None:
    """The paper's head brings the paper's CLIP where the pool's is not that very one; a file that somebody chose reads
    any CLIP of its width. Tiny models under the real names stand on a Hub of ours."""
    saved = random_diffusion.save_clip
    own, head = str(saved(tmp_path / "own", 1, aesthetics.WIDTH)), pth(tmp_path / "mine.pth", aesthetics.WIDTH)
    (tmp_path / "head").mkdir()
    safetensors.save_file(state(aesthetics.WIDTH), tmp_path / "head" / "model.safetensors")
    (tmp_path / "head" / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    with Hub() as hub:
        hub.repos = {"ttj/sac-logos-ava1-l14-linearMSE": tmp_path / "head",
                     "openai/clip-vit-large-patch14": saved(tmp_path / "clip", 0, aesthetics.WIDTH)}
        said = hub.ask(tmp_path / "home", ASK, own, head)
        hub.shutdown()
    assert {asked: column for asked, (column, *_) in said.items()} == {
        "paper on light": "clip", f"{head} on light": "clip", "paper on paper": "embedding",
        f"{head} on paper": "embedding", f"paper on {own}": "clip", f"{head} on {own}": "embedding"}
    papers = said["paper on light"]
    assert papers[1] | {"sha256": ""} == {
        "backend": "linear head on CLIP embeddings", "weights": "ttj/sac-logos-ava1-l14-linearMSE:model.safetensors",
        "revision": COMMIT, "licence": "apache-2.0", "sha256": "", "embeddings": "openai/clip-vit-large-patch14"}
    assert papers[2] == said["paper on paper"][2] == said[f"{head} on light"][2] != said[f"{head} on {own}"][2]


def test_a_head_of_another_width_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"reads embeddings of 16 numbers.*head\.pth.*768"):
        open_aesthetics(pth(tmp_path / "head.pth"), LightEmbeddings())


def spoilt(**changes: Any) -> dict[str, Any]:
    return {name: tensor for name, tensor in (state(CLIP_WIDTH) | changes).items() if tensor is not None}


@pytest.mark.parametrize("content", [
    b"", b"no weights", {"weight": "a word"}, [1, 2],
    {"weight": torch.ones(1, 16), "bias": torch.ones(1)},
    spoilt(**{"layers.7.bias": None}),
    spoilt(**{"layers.3.weight": torch.ones(1)}),
    spoilt(**{"layers.2.weight": torch.ones(128, 99)}),
    spoilt(**{"layers.7.bias": torch.tensor([float("nan")])}),
    spoilt(**{"layers.7.weight": torch.ones(2, 16), "layers.7.bias": torch.ones(2)}),
], ids=["empty", "garbage", "words", "list", "one layer", "lacking", "more", "unfit", "nan", "two scores"])
def test_what_is_no_such_head_is_told_in_one_line(clip: Embeddings, tmp_path: Path, content: Any) -> None:
    for name in ("head.pth", "head.safetensors"):
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        elif name == "head.pth":
            torch.save(content, tmp_path / name)
        elif isinstance(content, dict) and "a word" not in content.values():
            safetensors.save_file(content, tmp_path / name)
        else:
            continue
        with pytest.raises(UsageError, match="cannot read the aesthetic head") as told:
            open_aesthetics(str(tmp_path / name), clip)
        assert "\n" not in str(told.value).strip() and name in str(told.value)


def test_no_file_and_no_name(clip: Embeddings) -> None:
    with pytest.raises(UsageError, match=r"no such aesthetic scores.*nowhere\.pth.*--aesthetics light"):
        open_aesthetics("nowhere.pth", clip)
