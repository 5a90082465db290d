from PIL import Image

from schemas import colours


def test_what_is_transparent_shows_white() -> None:
    half = Image.new("RGBA", (1, 1), (255, 0, 0, 51))  # a fifth of red over white: 255 - 51 in green and blue
    assert colours.plain(half).getpixel((0, 0)) == (255, 204, 204)


def test_sixteen_bits_are_scaled_to_eight() -> None:
    grey = colours.plain(Image.new("I;16", (1, 1), 257 * 90))
    assert (grey.mode, grey.getpixel((0, 0))) == ("L", 90)


def test_cmyk_without_a_profile_is_the_plain_complement() -> None:
    ink = Image.new("CMYK", (1, 1), (255, 0, 0, 0))
    assert colours.plain(ink) is ink
    assert colours.srgb(ink, None).getpixel((0, 0)) == (0, 255, 255)


def test_a_profile_that_is_no_profile_changes_nothing() -> None:
    red = Image.new("RGB", (1, 1), "red")
    for profile in (None, b"", b"no profile", "text"):
        assert colours.srgb(red, profile).getpixel((0, 0)) == (255, 0, 0)
