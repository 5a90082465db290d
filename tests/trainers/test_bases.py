"""Opening bases: from a name, a folder and a Hub that speaks its protocol; and what they say of texts and pictures."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from annotators.weights import files_digest  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from trainers import tiny  # noqa: E402
from trainers.bases import Base, open_base  # noqa: E402

TEXTS = ["a photo of a olis backpack on a cobblestone street", "", "zeppelin"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    whole = tmp_path_factory.mktemp("bases")
    for kind in ("tiny", "tiny-sdxl"):
        open_base(kind, whole)
    return whole


def test_a_tiny_base_is_drawn_once_and_opened_frozen(place: Path, tmp_path: Path) -> None:
    base = open_base("tiny", tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["tiny"]
    there = (tmp_path / "new" / "tiny" / "model_index.json").stat().st_mtime_ns
    assert open_base("tiny", tmp_path / "new").sha256 == base.sha256 == open_base("tiny", place).sha256
    assert (tmp_path / "new" / "tiny" / "model_index.json").stat().st_mtime_ns == there
    assert (base.family, base.resolution, base.latent_shape(32)) == ("sd", 64, (4, 8, 8))
    assert sorted(base.modules) == ["text_encoder", "unet", "vae"]
    assert not any(one.requires_grad or module.training or one.dtype != torch.float32
                   for module in base.modules.values() for one in module.parameters())
    said = base.provenance()
    assert said["name"] == "tiny" and said["prediction_type"] == "epsilon" and "revision" not in said
    assert str(tmp_path) not in json.dumps(said)
    xl = open_base("tiny-sdxl", place)
    assert (xl.family, len(xl.text_encoders), len(xl.tokenizers)) == ("sdxl", 2, 2)
    assert sorted(xl.modules) == ["text_encoder", "text_encoder_2", "unet", "vae"]


def test_of_two_processes_that_draw_it_one_is_first(place: Path, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    def beaten(kind: str, folder: Path) -> None:
        shutil.copytree(place / kind, folder)
        save(kind, folder)

    save = tiny.save
    monkeypatch.setattr(tiny, "save", beaten)
    assert open_base("tiny", tmp_path).sha256 == open_base("tiny", place).sha256
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        open_base("tiny", tmp_path / "file")


def test_the_digest_is_of_what_is_read(place: Path, tmp_path: Path) -> None:
    wanted = open_base("tiny", place).sha256
    assert wanted == files_digest(place / "tiny")  # a drawn one holds nothing else
    folder = Path(shutil.copytree(place / "tiny", tmp_path / "mine"))
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"half")
    (folder / "README.md").write_text("notes")
    base = open_base(str(folder), tmp_path)
    assert base.sha256 == wanted and base.name == "mine"
    (folder / "scheduler" / "scheduler_config.json").write_text(
        (folder / "scheduler" / "scheduler_config.json").read_text().replace("epsilon", "v_prediction"))
    changed = open_base(str(folder), tmp_path)
    assert changed.sha256 != wanted and changed.scheduler.config.prediction_type == "v_prediction"


def test_training_adds_noise_with_the_base_s_own_betas(place: Path) -> None:
    base = open_base("tiny", place)
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    assert torch.allclose(base.scheduler.alphas_cumprod.double(), torch.cumprod(1 - betas, 0), rtol=1e-4)


def test_words_of_sd_are_those_of_a_plain_pipeline(place: Path) -> None:
    plain = StableDiffusionPipeline.from_pretrained(place / "tiny")
    ids = plain.tokenizer(TEXTS, padding="max_length", return_tensors="pt").input_ids
    words = open_base("tiny", place).encode(TEXTS)
    with torch.no_grad():
        assert torch.equal(words.embeds, plain.text_encoder(ids).last_hidden_state)
    assert words.pooled is None and words.embeds.shape == (3, 77, 32)


def test_words_of_sdxl_are_the_last_but_one_layers_and_the_second_s_sentence(place: Path) -> None:
    plain = StableDiffusionXLPipeline.from_pretrained(place / "tiny-sdxl")
    assert plain.text_encoder_2.text_model.eos_token_id == 2  # the quirk of the real ones, which changes nothing here
    said = []
    with torch.no_grad():
        for tokenizer, encoder in ((plain.tokenizer, plain.text_encoder), (plain.tokenizer_2, plain.text_encoder_2)):
            ids = tokenizer(TEXTS, padding="max_length", return_tensors="pt").input_ids
            said.append(encoder(ids, output_hidden_states=True))
    words = open_base("tiny-sdxl", place).encode(TEXTS)
    assert torch.equal(words.embeds, torch.cat([one.hidden_states[-2] for one in said], dim=-1))
    assert words.pooled is not None and torch.equal(words.pooled, said[1].text_embeds)


@pytest.mark.parametrize("kind", ["tiny", "tiny-sdxl"])
def test_latents_are_drawn_with_the_noise_given_and_scaled(place: Path, kind: str) -> None:
    base = open_base(kind, place)
    pixels = torch.full((1, 3, 8, 8), 0.5)
    still, moved = (base.latents(pixels, torch.full((1, 4, 2, 2), noise)) for noise in (0.0, 3.0))
    assert torch.allclose(still, torch.tensor(1.0), atol=1e-3)  # 0.5 times its factor 2
    assert torch.allclose(moved - still, torch.tensor(2 * 3 * 0.02), atol=1e-3)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(base.latents(pixels, torch.zeros(1, 4, 2, 2)), still)


def test_pictures_are_encoded_one_by_one(place: Path) -> None:
    """In float32 a picture of 1024 px takes gigabytes."""
    base, seen = open_base("tiny", place), []
    base.vae.encoder.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    pixels = torch.linspace(-1, 1, 3 * 3 * 64).reshape(3, 3, 8, 8)
    whole = base.latents(pixels, torch.zeros(3, 4, 2, 2))
    assert seen == [1, 1, 1]
    assert all(torch.equal(whole[[row]], base.latents(pixels[[row]], torch.zeros(1, 4, 2, 2))) for row in range(3))


def test_sides_must_divide(place: Path) -> None:
    base = open_base("tiny", place)
    for side in (0, 1, 63):
        with pytest.raises(UsageError, match=f"got {side}.*a multiple of 4.*--resolution 64"):
            base.latent_shape(side)


def _without_a_tensor(part: str) -> object:
    def spoil(folder: Path) -> None:
        (path,) = (folder / part).glob("*.safetensors")
        weights = load_file(path)
        del weights[sorted(weights)[0]]
        save_file(weights, path, metadata={"format": "pt"})
    return spoil


def _said(name: str, old: str, new: str) -> object:
    return lambda folder: (folder / name).write_text((folder / name).read_text().replace(old, new))


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda folder: (folder / "model_index.json").unlink(), "no model_index.json in that folder"),
    (lambda folder: (folder / "model_index.json").write_text("{"), "(got 'model without a class'"),
    (_said("model_index.json", "StableDiffusionPipeline", "FluxPipeline"), "(got 'FluxPipeline'); allowed: Stable"),
    (_said("model_index.json", "StableDiffusionPipeline", "StableDiffusionInpaintPipeline"), "InpaintPipeline"),
    (_said("unet/config.json", '"in_channels": 4', '"in_channels": 9'), "inpainting do (got '9 channels')"),
    (_said("scheduler/scheduler_config.json", "epsilon", "flow_prediction"), "another kind of diffusion"),
    (lambda folder: (folder / "unet/diffusion_pytorch_model.safetensors").rename(
        folder / "unet/diffusion_pytorch_model.bin"), "no safetensors in full precision (got 'model/unet'"),
    (lambda folder: (folder / "text_encoder/model.safetensors").rename(
        folder / "text_encoder/model.fp16.safetensors"), "no safetensors in full precision (got 'model/text_encoder'"),
    (lambda folder: (folder / "unet/diffusion_pytorch_model.safetensors").write_bytes(b"no weights"),
     "cannot read the base"),
    (lambda folder: shutil.rmtree(folder / "tokenizer"), "its tokenizer has no words"),
    (_without_a_tensor("unet"), "1 of its tensors are missing"),
    (_without_a_tensor("vae"), "1 of its tensors are missing"),
    (_without_a_tensor("text_encoder"), "1 of its tensors are missing"),
])
def test_what_is_no_base_is_told_in_one_line(place: Path, tmp_path: Path, spoil: object, said: str) -> None:
    folder = Path(shutil.copytree(place / "tiny", tmp_path / "model"))
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(UsageError) as told:
        open_base(str(folder), tmp_path)
    assert said in str(told.value) and "\n" not in str(told.value)


def test_names_that_name_nothing(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match=r"no single file.*from_single_file"):
        open_base(str(tmp_path / "model.safetensors"), tmp_path)
    with pytest.raises(UsageError, match=r"no such base.*'tinny'.*tiny, tiny-v, tiny-sdxl"):
        open_base("tinny", tmp_path)


class Hub(http.server.BaseHTTPRequestHandler):
    """The repository `maker/base`, of one commit, and `maker/other`, which is no base."""

    files: dict[str, bytes]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        asked = unquote(self.path).partition("?")[0]
        self.server.asked.append(asked)  # type: ignore[attr-defined]
        files = self.files if "/maker/base/" in asked else {"model_index.json": b'{"_class_name": "FluxPipeline"}'}
        if asked.startswith("/api/models/"):
            listed = [{"type": "file", "path": name, "rfilename": name, "size": len(data), "oid": "0" * 40}
                      for name, data in files.items()]
            data = json.dumps(listed if "/tree/" in asked else {
                "id": "maker/base", "sha": COMMIT, "siblings": listed, "tags": []}).encode()
        else:
            data = files.get(asked.partition("/resolve/")[2].partition("/")[2], b"")
        self.send_response(200 if data else 404)
        if not data:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_request(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def hub(place: Path) -> Iterator[http.server.ThreadingHTTPServer]:
    Hub.files = {path.relative_to(place / "tiny").as_posix(): path.read_bytes()
                 for path in (place / "tiny").rglob("*") if path.is_file()}
    index = json.loads(Hub.files["model_index.json"])
    # as SD 1.5: with a safety checker, weights in other precisions and kinds, and a card
    index |= {"safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"], "requires_safety_checker": True,
              "feature_extractor": ["transformers", "CLIPImageProcessor"]}
    Hub.files |= {"model_index.json": json.dumps(index).encode(), "README.md": b"---\nlicense: openrail\n---\n",
                  "safety_checker/model.safetensors": b"large", "feature_extractor/preprocessor_config.json": b"{}",
                  "unet/diffusion_pytorch_model.fp16.safetensors": b"half",
                  "unet/diffusion_pytorch_model.non_ema.safetensors": b"raw", "v1-5.ckpt": b"old",
                  "unet/diffusion_pytorch_model.bin": b"old"}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_base_of_the_hub_is_fetched_without_what_is_not_needed(
    hub: http.server.ThreadingHTTPServer, place: Path, tmp_path: Path
) -> None:
    code = ("import json, sys\nfrom pathlib import Path\nfrom schemas.errors import UsageError\n"
            "from trainers.bases import open_base\nfor name in sys.argv[1:]:\n"
            "    try: print(json.dumps(open_base(name, Path()).provenance()))\n"
            "    except UsageError as error: print(json.dumps(str(error)))\n")
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
           "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        env.pop(name, None)
    done = subprocess.run([sys.executable, "-c", code, "maker/base@main", "maker/other"], env=env, check=True,
                          capture_output=True, text=True)
    mine, other = map(json.loads, done.stdout.splitlines())
    assert (mine["name"], mine["revision"], mine["licence"]) == ("maker/base", COMMIT, "openrail")
    fetched = {asked.rpartition(f"{COMMIT}/")[2] for asked in hub.asked if "/resolve/" in asked}  # type: ignore[attr-defined]
    assert "unet/diffusion_pytorch_model.safetensors" in fetched
    unneeded = ("safety", ".fp16.", ".non_ema.", ".bin", ".ckpt")
    assert not [name for name in fetched if any(word in name for word in unneeded)]
    assert "FluxPipeline" in other and "\n" not in other


def test_a_token_of_a_sentence_s_end_is_found_behind_new_words(place: Path) -> None:
    """With a word whose id is higher than the end's, the sentence's vector still is the end's."""
    base: Base = open_base("tiny-sdxl", place)
    for tokenizer, encoder in zip(base.tokenizers, base.text_encoders, strict=True):
        tokenizer.add_tokens("<it>")
        encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    second = base.text_encoders[1]
    ids = base.tokenizers[1]("a <it>", padding="max_length", return_tensors="pt").input_ids
    assert ids[0, 3] == base.tokenizers[1].eos_token_id < ids[0, 2]
    with torch.no_grad():
        last = second.text_model(ids).last_hidden_state[0, 3]
        assert torch.allclose(base.encode(["a <it>"]).pooled[0], second.text_projection(last), atol=1e-6)
