import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from indexer.images.icc import gamma_curve, grey_profile
from indexer.images.rgb import to_rgb
from tests.indexer.images.encoded import EXCHANGED, PROPHOTO, profile


def pixel(image: Image.Image) -> tuple[int, ...]:
    assert image.mode == "RGB"
    return tuple(int(value) for value in np.asarray(image)[0, 0])


def near(found: tuple[int, ...], expected: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("mode", ["RGB", "RGBX", "P", "YCbCr", "HSV", "CMYK"])
def test_a_colour_keeps_its_look_in_every_mode(mode: str) -> None:
    image = Image.new("RGB", (4, 4), (200, 60, 20)).convert(mode)
    assert near(pixel(to_rgb(image)), (200, 60, 20), by=30 if mode == "P" else 6)


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_and_line_art_become_rgb(mode: str) -> None:
    assert pixel(to_rgb(Image.new(mode, (4, 4), 255))) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "La", "RGBa"])
def test_what_is_transparent_is_seen_as_white_paper(mode: str) -> None:
    image = Image.new(mode, (4, 4), (0,) * len(Image.new(mode, (1, 1)).getbands()))
    assert pixel(to_rgb(image)) == (255, 255, 255)


def test_half_transparent_is_half_paper() -> None:
    assert near(pixel(to_rgb(Image.new("RGBA", (4, 4), (255, 0, 0, 128)))), (255, 127, 127))


def test_a_transparent_palette_entry_is_paper_too() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30] * 256)
    image.info["transparency"] = 0
    assert pixel(to_rgb(image)) == (255, 255, 255)


def test_a_tall_image_is_laid_on_paper_strip_by_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.images.rgb._STRIP", 50)
    image = Image.effect_noise((10, 64), 80).convert("RGBA")
    assert np.array_equal(np.asarray(to_rgb(image)), np.asarray(image.convert("RGB")))


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    ramp = np.array([[0, 32768, 65535]], np.uint16)
    seen = np.asarray(to_rgb(Image.fromarray(ramp)))
    assert seen[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 100, 255]], np.int32), [0, 100, 255]),
        (np.array([[-1000, 0, 1000]], np.int32), [0, 128, 255]),
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 1e6, 4e6]], np.float32), [0, 64, 255]),
        (np.array([[np.nan, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[7e9, 7e9, 7e9]], np.float32), [0, 0, 0]),
    ],
)
def test_numbers_without_a_white_are_stretched(
    values: npt.NDArray[np.generic], expected: list[int]
) -> None:
    assert np.asarray(to_rgb(Image.fromarray(values)))[0, :, 0].tolist() == expected


def test_a_profile_and_an_opacity_of_ones_own_count() -> None:
    image = Image.new("RGB", (4, 4), (255, 0, 0))
    content = profile(EXCHANGED, 2.2)  # its red is green
    assert near(pixel(to_rgb(image.copy(), content)), (0, 255, 0))
    half = Image.new("L", (4, 4), 128)
    assert near(pixel(to_rgb(image.copy(), content, half)), (127, 255, 127))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "CMYK", "I;16"])
def test_colours_are_converted_strip_by_strip(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Image.effect_noise((10, 64), 80)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(noise).astype(np.uint16) * np.uint16(257))
    else:
        image = noise.convert(mode)
    grey = mode in ("L", "I;16")
    content = grey_profile(gamma_curve(1.0)) if grey else profile(PROPHOTO, 1.8)
    whole = np.asarray(to_rgb(image.copy(), content))
    monkeypatch.setattr("indexer.images.rgb._STRIP", 50)
    assert np.array_equal(np.asarray(to_rgb(image.copy(), content)), whole)


def test_lab_is_converted_by_its_profile() -> None:
    lab = ImageCms.createProfile("LAB")
    red = Image.new("RGB", (4, 4), (200, 30, 30))
    image = ImageCms.profileToProfile(red, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    assert image is not None
    assert near(pixel(to_rgb(image)), (200, 30, 30), by=6)
