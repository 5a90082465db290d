"""The matte annotator over a tiny network of IS-Net's architecture, against torch and a plain computation."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from annotators.masks import Masks  # noqa: E402

_spec = importlib.util.spec_from_file_location("tiny_isnet", Path(__file__).with_name("tiny_isnet.py"))
assert _spec and _spec.loader
tiny_isnet = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny_isnet)
SIDE = tiny_isnet.SIDE

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's older exporter, which the original used


def scaled(planes: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Planes C x H x W at another size."""
    made = torch.nn.functional.interpolate(planes[None], (height, width), mode="bilinear", antialias=True)[0]
    return torch.as_tensor(made)


def plain(net: torch.nn.Module, picture: np.ndarray) -> np.ndarray:
    """The matte as the original's inference script describes it: longest side to 1024, black round the middle, no mean
    or deviation taken off; the first output cut out and brought to the picture's size. Edges that were enlarged are
    made steep again, which is ours."""
    torch.set_num_threads(1)
    height, width = picture.shape[:2]
    if height >= width:
        inner_height, inner_width = SIDE, round(SIDE * width / height)
    else:
        inner_height, inner_width = round(SIDE * height / width), SIDE
    top, left = (SIDE - inner_height) // 2, (SIDE - inner_width) // 2
    given = torch.zeros(1, 3, SIDE, SIDE)
    small = scaled(torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1), inner_height, inner_width)
    given[0, :, top : top + inner_height, left : left + inner_width] = small.round() / 255
    with torch.inference_mode():
        matte = net(given)[0, :, top : top + inner_height, left : left + inner_width]
    steep = max(1.0, width / inner_width)
    return ((scaled(matte, height, width)[0] - 0.5) * steep + 0.5).clamp(0, 1).mul(255).round().numpy()


def test_mattes_are_those_of_the_original_pipeline(tmp_path: Path) -> None:
    net = tiny_isnet.isnet()
    rng = np.random.default_rng(11)
    noise = rng.integers(0, 256, (45, 27, 3)).astype(np.uint8)
    pictures = [np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC))
                for size in ((180, 300), (1100, 700), (1024, 1024))]
    wanted = [plain(net, picture) for picture in pictures]
    for free in (False, True):
        masks = Masks(str(tiny_isnet.export(net, tmp_path / f"isnetis{free}.onnx", free)))
        answer = masks({"image": pictures})
        for picture, matte, coverage, right in zip(pictures, answer["mask"], answer["coverage"], wanted, strict=True):
            made = np.asarray(Image.open(io.BytesIO(matte)))
            assert made.shape == picture.shape[:2]
            off = np.abs(made - right)
            assert off.mean() < 0.4 and np.quantile(off, 0.999) <= 3  # Pillow rounds between its two passes
            assert coverage == pytest.approx(right.mean() / 255, abs=0.001)
            assert right.std() > 30  # a matte of one level would be equal whatever was done
