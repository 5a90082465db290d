import io
import os
import random
import struct
import zlib
from pathlib import Path

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from annotators.images import FORMATS, crop, decode, read, shrunk, upright
from schemas.errors import RowError
from schemas.records import REASONS

# A picture whose four quarters have known, different colours: orientation and channels can be read off.
RED, GREEN, BLUE, WHITE = (200, 10, 10), (10, 200, 10), (10, 10, 200), (250, 250, 250)


def quarters(width: int = 40, height: int = 24) -> Image.Image:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2:] = GREEN
    pixels[height // 2:, : width // 2] = BLUE
    pixels[height // 2:, width // 2:] = WHITE
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def reason(data: bytes, **options: int) -> str:
    with pytest.raises(RowError) as caught:
        decode(data, **options)
    return caught.value.reason


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@pytest.mark.parametrize(("kind", "options"), [
    ("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 95, "subsampling": 0}),
])
def test_formats_give_the_same_pixels(kind, options):
    decoded = decode(encoded(quarters(), kind, **options))
    assert (decoded.width, decoded.height, decoded.format) == (40, 24, kind)
    assert decoded.picture.dtype == np.uint8 and decoded.picture.shape == (24, 40, 3)
    for (y, x), colour in {(4, 4): RED, (4, 36): GREEN, (20, 4): BLUE, (20, 36): WHITE}.items():
        assert np.abs(decoded.picture[y, x].astype(int) - colour).max() <= 4


def test_still_gif_is_read():
    decoded = decode(encoded(quarters().quantize(4), "GIF"))
    assert decoded.format == "GIF"
    assert np.abs(decoded.picture[4, 4].astype(int) - RED).max() <= 2


# Where the red quarter of the upright picture comes from for each EXIF orientation: the transform that the
# standard asks of the viewer, written as the numpy operation on the stored pixels.
UPRIGHT = {
    1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = quarters()
    data = encoded(stored, "PNG", exif=exif)
    decoded = decode(data)
    np.testing.assert_array_equal(decoded.picture, UPRIGHT[orientation](np.asarray(stored)))
    np.testing.assert_array_equal(np.asarray(upright(data)), decoded.picture)
    assert (decoded.width, decoded.height) == ((40, 24) if orientation < 5 else (24, 40))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_sizes_equal_those_that_datasets_will_see(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(quarters(), "JPEG", exif=exif)
    seen = datasets.Image(mode="RGB").decode_example({"bytes": data, "path": None})
    decoded = decode(data)
    assert (decoded.width, decoded.height) == seen.size
    np.testing.assert_array_equal(decoded.picture, np.asarray(seen))


def test_cmyk():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[..., 1:3] = 255  # magenta + yellow = red
    data = encoded(Image.fromarray(pixels, "CMYK"), "JPEG", quality=95)
    np.testing.assert_allclose(decode(data).picture[4, 4], (255, 0, 0), atol=6)


def test_16_bit_grey_is_scaled_not_clipped():
    wide = np.array([[0, 257, 32896, 65535]], np.uint16).repeat(4, axis=0)
    decoded = decode(encoded(Image.fromarray(wide), "PNG"))
    np.testing.assert_array_equal(decoded.picture[0], [[0] * 3, [1] * 3, [128] * 3, [255] * 3])


def test_16_bit_colour():
    rows = b"".join(b"\0" + struct.pack(">3H", 65535, 32896, 0) * 2 for _ in range(2))
    data = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    np.testing.assert_array_equal(decode(data).picture[0, 0], (255, 128, 0))


def test_transparency_is_laid_over_white():
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[0, 0] = (10, 20, 30, 255)
    rgba[0, 1] = (0, 0, 0, 51)  # a fifth of black over white: 204
    picture = decode(encoded(Image.fromarray(rgba), "PNG")).picture
    np.testing.assert_array_equal(picture[0, :3], [(10, 20, 30), (204, 204, 204), (255, 255, 255)])
    grey = np.array([[[0, 255], [0, 0]]], np.uint8)
    picture = decode(encoded(Image.fromarray(grey, "LA"), "PNG")).picture
    np.testing.assert_array_equal(picture[0, :, 0], (0, 255))


def test_transparent_palette_and_colour_key():
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 10, 10, 10, 10, 200])
    palette.putpixel((1, 0), 1)
    picture = decode(encoded(palette, "PNG", transparency=1)).picture
    np.testing.assert_array_equal(picture[0], [(200, 10, 10), (255, 255, 255)])
    keyed = Image.new("RGB", (2, 1), (1, 2, 3))
    keyed.putpixel((1, 0), (9, 9, 9))
    picture = decode(encoded(keyed, "PNG", transparency=(9, 9, 9))).picture
    np.testing.assert_array_equal(picture[0], [(1, 2, 3), (255, 255, 255)])


def test_one_bit_and_grey():
    np.testing.assert_array_equal(decode(encoded(Image.new("1", (2, 2), 1), "PNG")).picture, 255)
    np.testing.assert_array_equal(decode(encoded(Image.new("L", (2, 2), 77), "PNG")).picture, 77)


def wide_gamut_profile() -> bytes:
    """An RGB matrix profile with sRGB's primaries in another order: red and green are exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    entries = {bytes(profile[132 + 12 * i:136 + 12 * i]): 132 + 12 * i
               for i in range(struct.unpack(">I", profile[128:132])[0])}
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    profile[red + 4:red + 12], profile[green + 4:green + 12] = (
        profile[green + 4:green + 12], profile[red + 4:red + 12])
    return bytes(profile)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_valid_profile_is_applied_on_every_path(kind):
    options = {"PNG": {}, "JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}}[kind]
    data = encoded(quarters(), kind, icc_profile=wide_gamut_profile(), **options)
    picture = decode(data).picture
    np.testing.assert_allclose(picture[4, 4], GREEN, atol=6)  # stored red means green in this profile
    np.testing.assert_allclose(picture[4, 36], RED, atol=6)
    np.testing.assert_allclose(picture[20, 4], BLUE, atol=6)


@pytest.mark.parametrize("profile", [b"not a profile", b"\0" * 128, wide_gamut_profile()[:200]])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_broken_profile_is_ignored(kind, profile):
    plain, tagged = encoded(quarters(), kind), encoded(quarters(), kind, icc_profile=profile)
    np.testing.assert_array_equal(decode(tagged).picture, decode(plain).picture)


def test_a_profile_of_another_colour_space_is_ignored():
    grey = encoded(Image.new("L", (4, 4), 90), "PNG", icc_profile=wide_gamut_profile())
    np.testing.assert_array_equal(decode(grey).picture, 90)


def test_animated():
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("GIF", "WEBP", "PNG"):
        assert reason(encoded(frames[0], kind, save_all=True, append_images=frames[1:])) == "animated"


def test_a_multi_picture_jpeg_is_one_photograph():
    data = encoded(quarters(), "MPO", save_all=True, append_images=[Image.new("RGB", (40, 24))], quality=95)
    decoded = decode(data)
    assert decoded.format == "JPEG"
    np.testing.assert_allclose(decoded.picture[4, 4], RED, atol=12)


def test_bombs_stop_at_the_header():
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    assert reason(head + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")) == "too_large"
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 12_000, 8_000, 8, 2, 0, 0, 0))
    assert reason(head + chunk(b"IDAT", b"") + chunk(b"IEND", b"")) == "too_large"
    picture = encoded(quarters(), "PNG")
    assert reason(picture, max_pixels=40 * 24 - 1) == "too_large"
    assert decode(picture, max_pixels=40 * 24).width == 40


def test_not_images():
    assert reason(b"") == "empty"
    for data in (b"<!DOCTYPE html><html><body>404</body></html>", b"BMW is no bitmap", b"\0" * 500, b"GIF",
                 b"%PDF-1.4", encoded(quarters(), "TIFF"), encoded(quarters(), "PPM")):
        assert reason(data) == "not_an_image"


@pytest.mark.parametrize("kind", FORMATS)
def test_every_cut_is_a_reason(kind):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    for share in (0.1, 0.5, 0.9):
        assert reason(data[: int(len(data) * share)]) in ("truncated", "corrupt")
    assert reason(data[: len(data) // 2]) == "truncated"


def test_a_damaged_middle_is_corrupt():
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = bytearray(encoded(Image.fromarray(noise), "PNG"))
    data[200:400] = bytes(200)
    assert reason(bytes(data)) == "corrupt"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_handled_as_readers_will_see_it():
    for tail in (b"\xff\xff" + b"\x01" * 40, b"", b"\0\1\x01\x12\0\x0c\0\0\0\1", b"\0\1\x01\x12\0\3\0\0\0\1\0\x63\0\0"):
        check_only_row_errors(encoded(quarters(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08" + tail))
    check_only_row_errors(encoded(quarters(), "PNG", exif=b"Exif\0\0no header"))


def test_huge_metadata():
    text = b"comment\0" + b"x" * 5_000_000
    png = encoded(quarters(), "PNG")
    assert decode(png[:33] + chunk(b"tEXt", text) + png[33:]).width == 40
    bomb = b"comment\0\0" + zlib.compress(b"x" * 50_000_000)
    assert reason(png[:33] + chunk(b"zTXt", bomb) + png[33:]) in ("corrupt", "too_large")


def test_crop():
    picture = np.asarray(quarters())
    part = crop(picture, (20, -5, 99, 12))
    assert part.shape == (12, 20, 3) and (part == GREEN).all()
    assert part.base is None
    with pytest.raises(RowError, match="no_figure"):
        crop(picture, (50, 0, 60, 5))


def test_read(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    assert read(tmp_path / "a", 3) == b"abc"
    for name, limit, expected in [
        ("a", 2, "too_large"), ("empty", 9, "empty"), ("folder", 9, "unreadable"), ("pipe", 9, "unreadable"),
        ("loop", 9, "unreadable"), ("gone", 9, "missing_file"), ("a/b", 9, "missing_file"),
        ("n" * 300, 9, "unreadable"),
    ]:
        with pytest.raises(RowError) as caught:
            read(tmp_path / name, limit)
        assert caught.value.reason == expected, name


@pytest.mark.parametrize("mode", [0o000, 0o200, 0o311])
def test_what_nobody_may_read_the_superuser_does_not_read_either(tmp_path: Path, mode: int):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "a").chmod(mode)
    with pytest.raises(RowError, match="unreadable: EACCES"):
        read(tmp_path / "a")


def test_a_huge_limit_takes_no_memory(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    assert read(tmp_path / "a", 2**62) == b"abc"
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(RowError, match="too_large: over 5 bytes"):
        read(tmp_path / "hole", 5)


def test_a_file_that_memory_cannot_hold_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Full(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise MemoryError

    (tmp_path / "a").write_bytes(b"abc")
    monkeypatch.setattr(os, "fdopen", lambda *_, **__: Full())
    with pytest.raises(RowError, match="too_large: more bytes than memory"):
        read(tmp_path / "a")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no list of open files here")
def test_no_file_stays_open(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    os.mkfifo(tmp_path / "pipe")
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert read(tmp_path / "a") == b"abc"
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(RowError):
            read(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


SEEDS = [encoded(quarters(16, 12), kind) for kind in FORMATS]
SEEDS += [encoded(quarters(16, 12), "JPEG", progressive=True, icc_profile=wide_gamut_profile()),
          encoded(quarters(16, 12).convert("RGBA"), "WEBP"), encoded(quarters(16, 12).quantize(4), "PNG")]


def check_only_row_errors(data: bytes) -> None:
    try:
        decoded = decode(data, max_pixels=1_000_000)
    except RowError as error:
        assert REASONS[error.reason][0] == "file"
    else:
        assert decoded.picture.shape == (decoded.height, decoded.width, 3)
        # What is kept is published as it is: every reader must be able to open it, at the same size.
        seen = datasets.Image(mode="RGB").decode_example({"bytes": data, "path": None})
        assert seen.size == (decoded.width, decoded.height)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_random_bytes(data):
    check_only_row_errors(data)


@given(st.sampled_from(SEEDS), st.integers(0, 2**32 - 1), st.integers(1, 12), st.floats(0, 1))
@settings(max_examples=400, deadline=None)
def test_mutated_pictures(data, seed, changes, keep):
    rng = random.Random(seed)
    mutated = bytearray(data)
    for _ in range(changes):
        position = rng.randrange(len(mutated))
        mutated[position:position + rng.choice((1, 1, 4))] = rng.randbytes(rng.choice((0, 1, 1, 4)))
    check_only_row_errors(bytes(mutated[: int(len(mutated) * keep)] if rng.random() < 0.3 else mutated))


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {}), ("JPEG", {"quality": 95}), ("BMP", {})])
@pytest.mark.parametrize(("size", "small"), [((800, 480), (167, 100)), ((300, 500), (100, 167)),
                                             ((101, 3000), (100, 2970)), ((400, 400), (100, 100))])
def test_a_shrunk_picture_keeps_its_ratio_and_its_quarters(kind, options, size, small):
    """800 x 480 at a shorter side of 100 is 166.7 x 100; the quarters' colours are where they were."""
    with Image.open(io.BytesIO(shrunk(encoded(quarters(*size), kind, **options), 100))) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", small)
        pixels = np.asarray(image).astype(int)
    height, width = pixels.shape[:2]
    for (y, x), colour in {(1, 1): RED, (1, 3): GREEN, (3, 1): BLUE, (3, 3): WHITE}.items():
        assert np.abs(pixels[height * y // 4, width * x // 4] - colour).max() <= 12


def test_what_is_small_enough_is_left_as_it_is():
    data = encoded(quarters(100, 400), "PNG")
    assert shrunk(data, 100) is data and shrunk(data[:-30], 100) == data[:-30]  # it is not decoded at all
    assert shrunk(data, 99) != data


def test_a_shrunk_picture_is_upright_opaque_and_the_same_each_time():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    data = encoded(quarters(800, 480), "JPEG", quality=95, exif=exif)
    assert shrunk(data, 100) == shrunk(data, 100)
    turned = decode(shrunk(data, 100))
    assert (turned.width, turned.height) == (100, 167)
    assert np.abs(turned.picture[10, 10].astype(int) - BLUE).max() <= 12
    clear = encoded(Image.new("RGBA", (300, 300), (9, 9, 9, 0)), "PNG")
    assert decode(shrunk(clear, 100)).picture.min() >= 254


@pytest.mark.parametrize(("data", "why"), [
    (b"", "empty"), (b"<html>", "not_an_image"), (encoded(quarters(400, 400), "JPEG")[:2000], "truncated"),
    (encoded(quarters(400, 400), "PNG")[:200], "truncated"), (encoded(quarters(1100, 1000), "PNG"), "too_large"),
])
def test_what_cannot_be_shrunk_has_a_reason(data, why):
    with pytest.raises(RowError) as caught:
        shrunk(data, 100, max_pixels=1_000_000)
    assert caught.value.reason == why
