"""Contact sheets: who is shown, and where the pixels land."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from cards import sheets
from cards.leakage import AlikePair
from cards.survey import survey


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def near(pixels: np.ndarray, colour: tuple[int, int, int], tolerance: int = 3) -> np.ndarray:
    return (np.abs(pixels.astype(int) - colour) <= tolerance).all(axis=-1)


def test_characters_with_two_outfits_come_first_and_together(row: Any, write: Any) -> None:
    rows = [row(f"a{n}", outfit="a", character="anna") for n in range(6)]
    for outfit in ("b1", "b2"):
        rows += [row(f"{outfit}{n}", outfit=outfit, character="bea") for n in range(3)]
    rows += [row(f"c{n}", outfit="c", character="cleo") for n in range(2)]
    picked = sheets.choose(survey(write({"train": rows})))
    assert [outfit.character for outfit, _ in picked] == ["bea", "bea", "anna", "cleo"]
    assert [len(ids) for _, ids in picked] == [3, 3, 6, 2]


def test_the_choice_ends_at_its_rows(row: Any, write: Any) -> None:
    rows = [row(f"{n}", outfit=f"o{n}", character=f"c{n}") for n in range(20)]
    assert len(sheets.choose(survey(write({"train": rows})), rows=5)) == 5


def test_pictures_above_sensitive_are_not_chosen(row: Any, write: Any) -> None:
    rows = [row("1", rating="explicit"), row("2", rating="questionable"), row("3", rating="unknown"),
            row("4", rating="sensitive"), row("5")]
    picked = sheets.choose(survey(write({"train": rows})))
    assert [sorted(ids) for _, ids in picked] == [["4", "5"]]


def test_unrated_pictures_are_chosen_where_nothing_is_rated(row: Any, write: Any) -> None:
    picked = sheets.choose(survey(write({"train": [row("1", rating="unknown"), row("2", rating="unknown")]})))
    assert [sorted(ids) for _, ids in picked] == [["1", "2"]]


def test_thumbnails_are_upright_rgb_on_white() -> None:
    clear = Image.new("RGBA", (20, 10), (255, 0, 0, 0))
    out = io.BytesIO()
    clear.save(out, "PNG")
    assert opened_thumb(out.getvalue()).getpixel((5, 5)) == (255, 255, 255)
    turned = Image.new("RGB", (20, 10), "red")
    turned.paste("blue", (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate a quarter clockwise to show
    out = io.BytesIO()
    turned.save(out, "PNG", exif=exif)
    upright = opened_thumb(out.getvalue())
    assert upright.size == (10, 20)
    assert (upright.getpixel((5, 2)), upright.getpixel((5, 17))) == ((0, 0, 255), (255, 0, 0))


def opened_thumb(data: bytes) -> Image.Image:
    return sheets.thumbnail(data, 512)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "I;16", "1"])
def test_thumbnails_take_every_mode(mode: str) -> None:
    out = io.BytesIO()
    kind = "TIFF" if mode in {"CMYK"} else "PNG"
    Image.new(mode, (1200, 600)).save(out, kind)
    small = sheets.thumbnail(out.getvalue(), 512)
    assert (small.mode, small.size) == ("RGB", (512, 256))


def test_sixteen_bit_greys_keep_their_tone() -> None:
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8), 0x8000, np.uint16)).save(out, "PNG")
    assert sheets.thumbnail(out.getvalue(), 8).getpixel((4, 4)) == (128, 128, 128)


def exchanged_profile() -> bytes:
    """sRGB with the primaries of red and green exchanged: stored red means green."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    entries = {profile[at:at + 4]: profile[at + 4:at + 12] for at in range(132, 132 + 12 * profile[131], 12)}
    red, green = (name + entries[name] for name in (b"rXYZ", b"gXYZ"))
    swapped = {red: b"rXYZ" + entries[b"gXYZ"], green: b"gXYZ" + entries[b"rXYZ"]}
    return profile.replace(red, swapped[red]).replace(green, swapped[green])


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "P"), ("PNG", "RGBA")])
def test_thumbnails_have_the_colours_of_the_embedded_profile(kind: str, mode: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (1200, 600), "red").convert(mode).save(out, kind, icc_profile=exchanged_profile())
    small = sheets.thumbnail(out.getvalue(), 512)
    assert small.size == (512, 256)
    assert near(np.asarray(small), (0, 255, 0), 6).all()


@pytest.mark.parametrize(("mode", "colour", "shown"), [("L", 90, (90, 90, 90)), ("RGB", "red", (255, 0, 0))])
def test_thumbnails_leave_a_profile_alone_that_is_broken_or_of_another_space(mode: str, colour: Any,
                                                                             shown: tuple[int, int, int]) -> None:
    out = io.BytesIO()
    profile = exchanged_profile() if mode == "L" else b"no profile"
    Image.new(mode, (20, 10), colour).save(out, "PNG", icc_profile=profile)
    assert sheets.thumbnail(out.getvalue(), 512).getpixel((5, 5)) == shown


def test_odd_metadata_is_not_spoken_of(row: Any, write: Any, recwarn: pytest.WarningsRecorder) -> None:
    out = io.BytesIO()
    tail = b"\xff\xff" + b"\x01" * 40  # a directory of 65,535 entries that are not there
    Image.new("RGB", (64, 80), "lime").save(out, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08" + tail)
    picture = {"bytes": out.getvalue(), "path": "1.jpg"}
    with pytest.warns(UserWarning, match="EXIF"), Image.open(io.BytesIO(out.getvalue())) as plain:
        plain.getexif()
    recwarn.clear()
    data = write({"train": [row("1", ["2"], image=picture), row("2", ["1"], image=picture)]})
    assert near(opened(sheets.outfits(data, sheets.choose(survey(data)))), (0, 255, 0)).any()
    assert not recwarn.list


def shown(box: tuple[float, float, float, float] | None = None) -> sheets.Shown:
    picture = Image.new("RGB", (100, 100), "red")
    matte = Image.new("L", (100, 100))
    matte.paste(255, (40, 20, 60, 80))
    return sheets.Shown(picture, matte, box, ())


def test_the_face_box_is_framed_where_it_is() -> None:
    pixels = np.asarray(sheets.framed(shown((0.5, 0.5, 0.4, 0.2)), (100, 100)))
    assert near(pixels[40, 45:55], (255, 255, 255), 40).all()  # top edge at 0.5 - 0.1
    assert near(pixels[45:55, 30], (255, 255, 255), 40).all()  # left edge at 0.5 - 0.2
    assert near(pixels[50, 40:60], (255, 0, 0)).all()
    assert near(np.asarray(sheets.framed(shown(), (100, 100))), (255, 0, 0)).all()


def test_the_cut_out_shows_the_figure_alone() -> None:
    pixels = np.asarray(sheets.cut_out(shown(), (112, 112)))
    figure = near(pixels, (255, 0, 0), 30)
    rows, columns = figure.any(axis=1).nonzero()[0], figure.any(axis=0).nonzero()[0]
    assert (columns[0], columns[-1]) == pytest.approx((39, 72), abs=2)  # 20 x 60 fills 33 x 100 in the middle
    assert (rows[0], rows[-1]) == pytest.approx((6, 105), abs=2)
    assert near(pixels[:, :30], (0xE9, 0xED, 0xFD)).all()


def test_names_break_at_underscores() -> None:
    assert sheets.wrap("sendai_(kantai_collection)", 18, 2) == ["sendai (kantai", "collection)"]
    assert sheets.wrap("x" * 50, 18, 2) == ["x" * 17 + "…"]


def test_outfits_show_published_pictures(trio: dict[str, Any], row: Any, write: Any) -> None:
    trio["train"] = [row("1", colour="lime"), row("2", colour="lime"), row("3", colour="lime")]
    data = write(trio)
    pixels = opened(sheets.outfits(data, sheets.choose(survey(data))))
    assert pixels.shape[1] == 1600
    assert near(pixels[:, 320:920], (0, 255, 0)).mean() > 0.1
    assert near(pixels[:, 960:], (0, 255, 0)).mean() > 0.1


def test_nothing_to_show_is_said(row: Any, write: Any) -> None:
    data = write({"train": [row("1", rating="explicit")]})
    assert opened(sheets.outfits(data, sheets.choose(survey(data)))).shape == (160, 1600, 3)
    assert opened(sheets.alike(data, [])).shape == (160, 1600, 3)


def test_alike_pairs_stand_side_by_side(row: Any, write: Any) -> None:
    data = write({"train": [row("1", colour="lime"), row("2", colour="blue")]})
    pixels = opened(sheets.alike(data, [AlikePair(("1", "2"), (3.0, float("nan"), 0.5))]))
    lime, blue = near(pixels, (0, 255, 0)).any(axis=0).nonzero()[0], near(pixels, (0, 0, 255)).any(axis=0).nonzero()[0]
    assert lime.max() < blue.min()
