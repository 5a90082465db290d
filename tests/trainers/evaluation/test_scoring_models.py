"""Scores by tiny models of the papers' kinds, saved and loaded through the code that loads the real ones."""

from __future__ import annotations

import base64
import http.server
import io
import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file  # noqa: E402

from annotators.clip_t import ClipT  # noqa: E402
from annotators.model_embeddings import BATCHES, ModelEmbeddings  # noqa: E402
from benchmarks import random_blip, random_captioner, random_diffusion, random_eyes  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from schemas.terminal.progress import Progress  # noqa: E402
from tests.trainers.evaluation.scored import drawn, flat, noise, plan, real  # noqa: E402
from trainers.evaluation import plans  # noqa: E402
from trainers.evaluation.models_options import Models  # noqa: E402
from trainers.evaluation.plans import Plan, Scored  # noqa: E402
from trainers.evaluation.scoring import score  # noqa: E402
from trainers.metrics.vqa import QUESTIONS  # noqa: E402

SHARED = (plans.DINO, plans.CLIP_I, plans.CLIP_T, plans.CLIP_T_OBJECT, plans.BLIP,
          plans.swd(plans.CLIP_T, plans.CLIP_I))
PICTURES = {"a": noise(100), "b": noise(101, 48)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    there = tmp_path_factory.mktemp("models")
    return Models(clip=str(random_diffusion.save_clip(there / "clip")), dino=str(random_eyes.save_dino(there / "dino")),
                  blip=str(random_captioner.save_retrieval(there / "blip")))


def asked(out: Path, count: int, metrics: tuple[str, ...] = SHARED) -> Plan:
    """A real picture and so many drawn ones with texts of their own."""
    said = [{plans.CLIP_T: f"a toy number {at}", plans.CLIP_T_OBJECT: "a duck toy", plans.BLIP: "a red toy"}
            for at in range(count)]
    jobs = [drawn(out, f"toy/{at}", noise(at, 40 + at), "a", "b", texts=said[at]) for at in range(count)]
    return plan([real("a", "b", texts={plans.CLIP_T: "a toy"}), *jobs], PICTURES, metrics)


def by_hand(models: Models, picture: np.ndarray) -> dict[str, np.ndarray]:
    """Unit vectors from the models' own forward passes."""
    torch.set_num_threads(1)
    shown, made = Image.fromarray(picture), {}
    with torch.inference_mode():
        clip = transformers.CLIPModel.from_pretrained(models.clip).eval()
        given = transformers.CLIPProcessor.from_pretrained(models.clip)(images=shown, text="-", return_tensors="pt")
        made["clip"] = clip(**given).image_embeds[0]
        dino = transformers.ViTModel.from_pretrained(models.dino, add_pooling_layer=False).eval()
        given = transformers.AutoImageProcessor.from_pretrained(models.dino)(shown, return_tensors="pt")
        made["dino"] = dino(**given).last_hidden_state[0, 0]
    return {name: (vector / vector.norm()).numpy() for name, vector in made.items()}


def test_scores_are_those_of_the_models_themselves(models: Models, tmp_path: Path) -> None:
    todo = asked(tmp_path, 2)
    found = score(todo, tmp_path, models, Progress())
    assert list(found.columns) == list(SHARED) and found.warnings == ()
    first, a, b = (by_hand(models, one) for one in (noise(0, 40), PICTURES["a"], PICTURES["b"]))
    for metric, role in ((plans.CLIP_I, "clip"), (plans.DINO, "dino")):
        wanted = [a[role] @ b[role], (first[role] @ a[role] + first[role] @ b[role]) / 2]
        assert found.columns[metric][:2] == pytest.approx(wanted, abs=1e-5)
    fits = ClipT(models.clip)({"image": [PICTURES["a"], noise(0, 40), noise(1, 41)],
                               "text": ["a toy", "a toy number 0", "a toy number 1"]})["clip_t"]
    assert found.columns[plans.CLIP_T] == pytest.approx(fits, abs=1e-5)
    assert np.isnan(found.columns[plans.CLIP_T_OBJECT]).tolist() == [True, False, False]
    product = found.columns[SHARED[-1]]
    assert np.isnan(product[0])
    assert product[1] == pytest.approx(found.columns[plans.CLIP_T][1] * found.columns[plans.CLIP_I][1])
    assert found.models[plans.BLIP]["backend"].startswith("BLIP, transformers") and "SWD" not in str(found.models)
    assert found.models[plans.DINO]["weights"] == "dino" and len(found.models[plans.CLIP_T]["sha256"]) == 64
    blip = transformers.BlipForImageTextRetrieval.from_pretrained(models.blip).eval()
    given = transformers.BlipProcessor.from_pretrained(models.blip)(images=Image.fromarray(noise(0, 40)),
                                                                    text="a red toy", return_tensors="pt")
    with torch.inference_mode():
        itc = float(blip(**given, use_itm_head=False).itm_score)
    assert found.columns[plans.BLIP][1] == pytest.approx(itc, abs=1e-5)


def test_a_picture_is_shown_to_each_model_once(models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though five of the metrics are by CLIP, and each picture is scored against the same two."""
    shown: Counter[str] = Counter()
    look = ModelEmbeddings.__call__

    def counted(eye: ModelEmbeddings, batch: Any) -> Any:
        shown[eye.kind] += len(batch["image"])
        return look(eye, batch)

    monkeypatch.setattr(ModelEmbeddings, "__call__", counted)
    todo = asked(tmp_path, 3, (*SHARED, plans.R_PRECISION, plans.FID, plans.KID))
    score(todo._replace(captions=("a cup", "a hat")), tmp_path, models, Progress())
    assert shown == {"CLIP": 2 + 3, "DINO": 2 + 3, "BLIP": 3 + 1}  # the real one that has a text, for BLIP


def test_a_score_depends_on_no_other_picture(models: Models, tmp_path: Path) -> None:
    todo = asked(tmp_path / "whole", BATCHES["CLIP"] + 2)
    whole = score(todo, tmp_path / "whole", models, Progress())
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "pictures").symlink_to(tmp_path / "whole" / "pictures")
    some = score(todo._replace(jobs=todo.jobs[:4:-1]), tmp_path / "some", models, Progress())
    for metric in SHARED:
        assert some.columns[metric].tobytes() == whole.columns[metric][:4:-1].tobytes()


def test_captions_are_found_by_their_pictures(models: Models, tmp_path: Path) -> None:
    """Against the plain way, with all captions there are: the own one is nearest, or not."""
    others = tuple(f"a toy number {at}" for at in range(12))
    todo = asked(tmp_path, 12, (plans.R_PRECISION,))._replace(captions=others)
    found = score(todo, tmp_path, models, Progress()).columns[plans.R_PRECISION]
    scorer, wanted = ClipT(models.clip), []
    for job, picture in zip(todo.jobs, [PICTURES["a"], *(noise(at, 40 + at) for at in range(12))], strict=True):
        own = job.texts[plans.CLIP_T]
        wrong = [one for one in others if one != own][:11 if own in others else 12]
        fits = scorer({"image": [picture] * (1 + len(wrong)), "text": [own, *wrong]})["clip_t"]
        wanted.append(float(fits[0] > max(fits[1:])))
    assert found[1:].tolist() == wanted[1:] and set(found) <= {0, 1}


def concepts(out: Path, metrics: tuple[str, ...]) -> Plan:
    """Four real pictures of each of two concepts, reddish and bluish, and two drawn ones of each."""
    chance = np.random.default_rng(3)

    def near(*levels: int) -> np.ndarray:
        return np.clip(flat(*levels) + chance.integers(-20, 20, (64, 64, 3)), 0, 255).astype(np.uint8)

    colors = {"ruby": (220, 30, 30), "sapphire": (30, 30, 220)}
    pictures = {f"{name}{at}": near(*color) for name, color in colors.items() for at in range(4)}
    texts = {name: {plans.CLIP_T: f"a photo of a {name}", plans.R_AMONG: f"a painting of {name}"} for name in colors}
    jobs = [real(f"{name}{at}", f"{name}{(at + 1) % 4}", subject=name, texts=texts[name])
            for name in colors for at in range(4)]
    jobs += [drawn(out, f"{name}/{at}", near(*color), f"{name}0", subject=name, texts=texts[name])
             for name, color in colors.items() for at in range(2)]
    return plan(jobs, pictures, metrics)._replace(classes=tuple(f"a painting of thing {at}" for at in range(200)))


def test_the_measures_of_cotis_code(models: Models, tmp_path: Path) -> None:
    todo = concepts(tmp_path, (plans.R_CLASSIFIER, plans.R_AMONG))
    found = score(todo, tmp_path, models, Progress())
    sure = found.columns["R-precision (classifier)"]
    assert np.isnan(sure[:8]).all() and (sure[8:] > 0.9).all()
    swapped = {f"{name}{at}": todo.pictures[f"{other}{at}"]
               for other, name in (("ruby", "sapphire"), ("sapphire", "ruby")) for at in range(4)}
    wrong = score(todo._replace(pictures=swapped), tmp_path, models, Progress())
    assert (wrong.columns["R-precision (classifier)"][8:] < 0.1).all()
    scorer, wanted = ClipT(models.clip), []
    for job in todo.jobs:
        shown = todo.pictures[job.target] if not job.prompt else (tmp_path / f"pictures/{job.key}.png").read_bytes()
        said = [job.texts[plans.R_AMONG], *todo.classes]
        fits = scorer({"image": [np.asarray(Image.open(io.BytesIO(shown)))] * len(said), "text": said})["clip_t"]
        wanted.append(float(sum(one >= fits[0] for one in fits[1:]) < 200))
    assert found.columns["R-precision (among classes)"].tolist() == wanted
    few = todo._replace(classes=todo.classes[:199])
    with pytest.raises(UsageError, match="class captions: 199 are too few; allowed: 200 or more"):
        score(few, tmp_path, models, Progress())


def test_a_broken_clip_is_told_and_nothing_of_it_kept(models: Models, tmp_path: Path) -> None:
    """Weights that are no numbers, of the pictures' tower or of the texts'; a folder without its vocabulary."""
    for name, said in (("vision_model", "what clip sees holds NaN"), ("text_model", "what clip reads holds NaN"),
                       ("tokenizer", "cannot read the CLIP's tokenizer")):
        folder = tmp_path / name
        shutil.copytree(models.clip, folder)
        weights = load_file(folder / "model.safetensors")
        save_file({key: torch.full_like(one, torch.nan) if key.startswith(name) and one.is_floating_point() else one
                   for key, one in weights.items()}, folder / "model.safetensors", {"format": "pt"})
        for path in folder.glob("tokenizer*"):
            if name == "tokenizer":
                path.unlink()
        out = tmp_path / f"{name} out"
        with pytest.raises(UsageError, match=said) as caught:
            score(asked(out, 2, (plans.CLIP_T,)), out, Models(clip=str(folder), dino="none"), Progress())
        assert "\n" not in str(caught.value)
        assert bool(list(out.rglob("*.parquet"))) == (name != "vision_model")


def test_a_model_that_nothing_needs_is_told(models: Models, tmp_path: Path) -> None:
    named = replace(models, lpips=str(tmp_path / "none.onnx"), inception=str(tmp_path / "none.onnx"))
    found = score(asked(tmp_path, 1, (plans.CLIP_I,)), tmp_path, named, Progress())
    assert found.warnings == ("not used, as no metric of this protocol needs it: --blip, --inception, --lpips",)


class Eye(http.server.BaseHTTPRequestHandler):
    """Says "yes, red" or "no" of what it is asked, by whether the picture is red."""

    def do_GET(self) -> None:
        self._reply({"data": [{"id": "eye"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        shown, asked = body["messages"][0]["content"]
        picture = Image.open(io.BytesIO(base64.b64decode(shown["image_url"]["url"].partition(",")[2])))
        red = np.asarray(picture)[..., 0].mean() > 127
        lines = asked["text"].splitlines()[1:]
        self.server.asked.append(lines)  # type: ignore[attr-defined]
        said = {line.partition(":")[0]: "Yes, red" if red or "blue" in line else "no" for line in lines}
        self._reply({"choices": [{"message": {"content": json.dumps(said)}}]})

    def _reply(self, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def endpoint() -> Iterator[Any]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Eye) as server:
        made: Any = server
        made.asked, made.url = [], f"http://127.0.0.1:{server.server_port}/v1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


def with_vqa(models: Models, out: Path, vqa: str) -> Scored:
    conditions = ("is there something red?", "is there something blue?")
    pictures = {"red": flat(255, 0, 0), "blue": flat(0, 0, 255)}
    jobs = [drawn(out, "toy/0", flat(250, 0, 0), "red", "blue", asked=conditions),
            drawn(out, "toy/1", flat(0, 0, 250), "red", asked=conditions), real("red", "blue")]
    metrics = (plans.VQA, plans.CLIP_I, plans.swd(plans.VQA, plans.CLIP_I), plans.CONDITIONS, plans.ALL_CONDITIONS)
    return score(plan(jobs, pictures, metrics), out, Models(clip=models.clip, dino="none", vqa=vqa), Progress())


def test_answers_of_an_endpoint(models: Models, tmp_path: Path, endpoint: Any) -> None:
    found = with_vqa(models, tmp_path, endpoint.url)
    clip = transformers.CLIPModel.from_pretrained(models.clip).eval()
    words = transformers.CLIPProcessor.from_pretrained(models.clip).tokenizer(
        ["Yes, red", "no"], padding="max_length", return_tensors="pt")
    with torch.inference_mode():
        vectors = torch.nn.functional.normalize(clip.get_text_features(**words).pooler_output, dim=-1)
    apart = 1 - float(vectors[0] @ vectors[1])
    assert apart > 1e-4
    assert found.columns[plans.VQA] == pytest.approx([apart / 2, apart, apart], abs=1e-5)
    assert found.columns[plans.CONDITIONS].tolist()[:2] == [1, .5] and np.isnan(found.columns[plans.CONDITIONS][2])
    assert found.columns[plans.ALL_CONDITIONS].tolist()[:2] == [1, 0]
    assert found.columns["SWD(VQA, CLIP-I)"][:2] == pytest.approx(
        (found.columns[plans.VQA] * found.columns[plans.CLIP_I])[:2])
    told = found.models[plans.VQA]
    assert (told["weights"], told["answers_embedded_by"]) == ("eye", "clip")
    assert len(endpoint.asked) == 4 + 2  # each picture the four questions once, drawn ones their own
    before = list(endpoint.asked)
    with_vqa(models, tmp_path, endpoint.url)
    assert endpoint.asked == before
    assert sum(len(lines) == len(QUESTIONS) for lines in before) == 4


def test_answers_about_pictures_of_one_prompt_are_compared(models: Models, tmp_path: Path, endpoint: Any) -> None:
    """Two red and a blue picture of one prompt; another prompt's picture is alone. Real ones among themselves."""
    reds = {"prompt": "a sks toy"}
    jobs = [real("red", "blue"), real("blue", "red"), drawn(tmp_path, "toy/0", flat(250, 0, 0), "blue", **reds),
            drawn(tmp_path, "toy/1", flat(240, 0, 0), "blue", **reds),
            drawn(tmp_path, "toy/2", flat(0, 0, 240), "blue", **reds),
            drawn(tmp_path, "toy/3", flat(0, 0, 230), "blue", prompt="a blue sks toy")]
    pictures = {"red": flat(255, 0, 0), "blue": flat(0, 0, 255)}
    product = plans.swd(plans.VQA_AMONG, plans.CLIP_I)
    todo = plan(jobs, pictures, (plans.VQA, plans.VQA_AMONG, plans.CLIP_I, product))
    found = score(todo, tmp_path, Models(clip=models.clip, dino="none", vqa=endpoint.url), Progress())
    first, _, _, _, other, _ = found.columns[plans.VQA]
    assert found.columns["VQA (generated)"] == pytest.approx([first, first, first / 2, first / 2, first, np.nan],
                                                             abs=1e-6, nan_ok=True)
    assert first > 1e-4 and other == pytest.approx(0, abs=1e-6)
    assert np.isnan(found.columns[product]).tolist() == [True, True, False, False, False, True]
    assert found.columns[product][4] == pytest.approx(first * found.columns[plans.CLIP_I][4])
    assert found.models["VQA (generated)"]["answers_embedded_by"] == "clip"


def test_answers_of_instructblip(models: Models, tmp_path: Path) -> None:
    found = with_vqa(models, tmp_path, str(random_blip.save(tmp_path / "blip")))
    scores = found.columns[plans.VQA]
    assert np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 2).all()
    assert found.columns[plans.CONDITIONS].tolist()[:2] == [0, 0]  # a random model never says yes
    assert found.models[plans.CONDITIONS]["backend"].startswith("InstructBLIP")


@pytest.mark.parametrize(("given", "match"), [
    ({"clip": "dino"}, "--clip is a DINO.*allowed: a CLIP"), ({"dino": "clip"}, "--dino is a CLIP"),
    ({"dino": "light"}, "there is no light model for --dino.*--dino none"),
    ({"blip": "clip"}, "--blip is a CLIP"), ({"inception": "paper"}, "--inception is no ONNX file"),
    ({"vqa": "http://127.0.0.1:9/v1", "clip": "light"}, "--vqa needs a CLIP that embeds the answers"),
    ({"clip": "none", "dino": "none", "blip": "none"}, "no model is left to score with"),
    ({"clip": "no-such-folder"}, "no folder with a model"),
])
def test_models_of_the_wrong_kind_are_told(models: Models, tmp_path: Path, given: dict[str, str], match: str) -> None:
    there = {"clip": models.clip, "dino": models.dino, "blip": models.blip}
    with pytest.raises(UsageError, match=match):
        score(asked(tmp_path, 1), tmp_path, Models(**{**there, **{name: there.get(value, value)
                                                                 for name, value in given.items()}}), Progress())
