import io
import math

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from schemas.errors import RowError  # noqa: E402
from trainers.pictures import Kept, cropped, decoded, mirrored, near_or_far  # noqa: E402
from trainers.training.draws import At  # noqa: E402


def ramp(width: int, height: int) -> Image.Image:
    """Red rises from left to right, green from top to bottom, both from 0 to 255 across the picture."""
    pixels = np.zeros((height, width, 3))
    pixels[..., 0] = (np.arange(width) + 0.5)[None, :] * 255 / width
    pixels[..., 1] = (np.arange(height) + 0.5)[:, None] * 255 / height
    return Image.fromarray(pixels.round().astype(np.uint8))


def levels(pixels: "torch.Tensor") -> np.ndarray:
    return ((pixels.permute(1, 2, 0).numpy() + 1) * 127.5).round()


@pytest.mark.parametrize("shape", [(90, 60), (60, 150), (64, 64), (300, 40), (20, 16)])
def test_the_size_told_is_that_of_what_was_cut(shape: tuple[int, int]) -> None:
    """The middle of the square shows the place that its coordinates name; it is the crop of the resized picture."""
    picture = ramp(*shape)
    for step in range(20):
        pixels, (height, width, top, left, *target), prefix, mask = cropped(picture, 32, 0.75, At(0, step, 0), "a")
        assert pixels.shape == (3, 32, 32) and pixels.dtype == torch.float32 and target == [32, 32]
        assert (prefix, mask) == ("", None)
        assert 32 <= min(width, height) <= 43 and 0 <= left <= width - 32 and 0 <= top <= height - 32
        assert math.isclose(width / height, shape[0] / shape[1], rel_tol=0.04)
        seen = levels(pixels)
        assert abs(seen[16, 16, 0] - 255 * (left + 16.5) / width) < 3
        assert abs(seen[16, 16, 1] - 255 * (top + 16.5) / height) < 3
        whole = picture.resize((width, height), Image.Resampling.LANCZOS)
        assert np.abs(seen - np.asarray(whole.crop((left, top, left + 32, top + 32)), float)).max() <= 1


def test_ratios_are_even_and_places_too() -> None:
    picture = ramp(80, 80)
    sizes = [cropped(picture, 96, 0.75, At(0, step, 0), "a").size for step in range(2000)]
    short = [size[0] for size in sizes]
    assert min(short) == 96 and max(short) == 128  # 96 / 0.75
    # an even ratio has the mean 0.875 and the variance 1/192; the limit is five standard errors and the rounding
    assert abs(np.mean([96 / side for side in short]) - 0.875) < 5 * math.sqrt(1 / 192 / 2000) + 0.001
    wide = [size for size in sizes if size[0] >= 120]
    assert {size[3] for size in wide} >= set(range(25)) and {size[2] for size in wide} >= set(range(25))
    tops, lefts = np.array([size[2:4] for size in wide]).T
    assert abs(np.corrcoef(tops, lefts)[0, 1]) < 0.25


def test_a_ratio_of_one_keeps_all_that_fits() -> None:
    assert {cropped(ramp(50, 50), 32, 1.0, At(0, step, 0), "a").size for step in range(20)} == {(32, 32, 0, 0, 32, 32)}


def test_pixels_span_minus_one_to_one() -> None:
    black_and_white = Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 3).reshape(1, 2, 3).repeat(2, 0))
    black_and_white = black_and_white.resize((64, 64), Image.Resampling.NEAREST)
    pixels = cropped(black_and_white, 64, 1.0, At(0, 0, 0), "a").pixels
    assert (pixels[:, :, 0] == -1).all() and (pixels[:, :, -1] == 1).all()


def test_half_are_mirrored_and_what_is_told_is_of_the_mirror_image() -> None:
    picture = ramp(60, 40)
    turned = [mirrored(picture, At(0, step, 0), "a") is not picture for step in range(1000)]
    assert abs(sum(turned) - 500) < 5 * math.sqrt(250)
    image = mirrored(picture, At(0, turned.index(True), 0), "a")
    assert np.array_equal(np.asarray(image), np.asarray(picture)[:, ::-1])


def test_near_or_far_says_which_and_masks_the_rest() -> None:
    """Told by a white picture: what is not 1 is ground. Cells are 8 pixels."""
    white, far, words = Image.new("RGB", (50, 40), "white"), 0, set()
    for step in range(600):
        pixels, size, prefix, mask = near_or_far(white, 64, (8, 8), At(0, step, 0), "a")
        assert pixels.shape == (3, 64, 64) and mask is not None and mask.shape == (1, 8, 8)
        words.add(prefix)
        if size[0] > 64:
            assert 76 <= size[0] <= 88 and size[0] == size[1] and size[4:] == (64, 64)  # 1.2 and 1.4 times 64
            assert 0 <= size[2] <= size[0] - 64 and 0 <= size[3] <= size[0] - 64
            assert prefix in ("zoomed in", "close up") and mask.all() and (pixels == 1).all()
            continue
        far += 1
        ys, xs = np.nonzero((pixels == 1).all(0).numpy())
        top, left, side = ys.min(), xs.min(), xs.max() - xs.min() + 1
        assert size == (64, 64, 0, 0, 64, 64) and 21 <= side <= 64 and side == ys.max() - ys.min() + 1
        assert (pixels == 1).all(0).sum() == side**2 and (pixels == 0).all(0).sum() == 64**2 - side**2
        assert prefix in (("a far away", "very small") if side < 38.4 else ("",))
        for y in range(8):
            for x in range(8):
                inside = top // 8 < y < (top + side) // 8 - 1 and left // 8 < x < (left + side) // 8 - 1
                assert mask[0, y, x] == inside
    assert words == {"", "a far away", "very small", "zoomed in", "close up"}
    assert abs(far - 396) < 5 * math.sqrt(600 * 0.66 * 0.34)


class Rows(list[dict[str, object]]):
    """A dataset's rows that count how often they were asked for."""

    asked = 0

    def __getitem__(self, number):  # type: ignore[no-untyped-def]
        self.asked += 1
        return super().__getitem__(number)


def cell(picture: Image.Image, **options: object) -> dict[str, object]:
    made = io.BytesIO()
    picture.save(made, "PNG", **options)
    return {"image": {"bytes": made.getvalue(), "path": None}}


def test_pictures_used_last_are_kept_within_so_many_bytes() -> None:
    rows = Rows(cell(Image.new("RGB", (10, 10), (number, 0, 0))) for number in range(4))
    kept = Kept(enough=10, limit=650)  # two of 300 bytes
    for number, asked in [(0, 1), (1, 2), (0, 2), (2, 3), (0, 3), (1, 4), (2, 5)]:
        assert kept.picture(number, rows).getpixel((0, 0)) == (number, 0, 0)
        assert rows.asked == asked


def test_a_photograph_is_kept_smaller_and_still_large_enough() -> None:
    rows = Rows([cell(ramp(500, 400)), cell(ramp(70, 39))])
    kept = Kept(enough=20)
    assert kept.picture(0, rows).size == (50, 40)  # a tenth: 400 // (2 * 20)
    assert kept.picture(1, rows).size == (70, 39)
    square = cropped(kept.picture(0, rows), 15, 0.75, At(0, 0, 0), "a")
    straight = cropped(ramp(500, 400), 15, 0.75, At(0, 0, 0), "a")
    assert square.size == straight.size and (square.pixels - straight.pixels).abs().max() < 2 / 127.5


def test_pictures_are_upright_and_without_transparency(tmp_path) -> None:  # type: ignore[no-untyped-def]
    turned = Image.new("RGB", (30, 20))
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    (tmp_path / "one.png").write_bytes(cell(turned, exif=exif)["image"]["bytes"])  # type: ignore[index]
    assert decoded({"bytes": None, "path": str(tmp_path / "one.png")}).size == (20, 30)
    assert decoded(cell(Image.new("RGBA", (2, 2), (9, 9, 9, 0)))["image"]).getpixel((0, 0)) == (255,) * 3  # type: ignore[arg-type]
    with pytest.raises(RowError, match="truncated"):
        decoded({"bytes": cell(turned)["image"]["bytes"][:50], "path": None})  # type: ignore[index]
    for none in (None, {"bytes": None, "path": None}):
        with pytest.raises(RowError, match="missing_file"):
            decoded(none)
