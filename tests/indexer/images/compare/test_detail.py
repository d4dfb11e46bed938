"""What differs in a detail is told from what a codec, a resize or another light did."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from indexer.images.compare.detail import DIFFERS, Difference, difference, difference_of_alpha
from tests.drawn_images import boxes, receipt, soft_ground

Change = Callable[[Image.Image], Image.Image]
SIZE = (900, 700)


def _letter(word: str = "harbour", ink: str = "#202024") -> Image.Image:
    image = Image.new("RGB", SIZE, "#faf9f6")
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 30, 330, 80), "#2b4fa0")
    for line in range(16):
        words = f"{line:02} we met at the old station near the {'harbour' if line != 7 else word}"
        draw.text((60, 110 + 36 * line), words, ink, ImageFont.load_default(22))
    return image


def _scene(eyes: str = "open", car: int | None = 500, noise: int | None = None) -> Image.Image:
    rng = np.random.default_rng(4)
    image = soft_ground(rng, SIZE, (50, 205))
    draw = ImageDraw.Draw(image)
    for box, colour in boxes(rng, SIZE, 70, (10, 90), (20, 235)):
        draw.ellipse(box, colour)
    draw.ellipse((300, 200, 480, 430), "#e0b496")
    for left in (350, 420):
        if eyes == "open":
            draw.ellipse((left - 9, 290, left + 9, 304), "white")
            draw.ellipse((left - 4, 292, left + 4, 302), "#28386e")
        else:
            draw.line((left - 9, 297, left + 9, 297), "#785046", 3)
    if car is not None:
        draw.rectangle((car, 600, car + 28, 614), "#962020")
    image = image.filter(ImageFilter.GaussianBlur(0.7))
    if noise is None:
        return image
    shot = np.asarray(image) + np.random.default_rng(noise).normal(0, 4, (*SIZE[::-1], 1))
    return Image.fromarray(np.clip(shot, 0, 255).astype(np.uint8))


def _encoded(form: str, quality: int) -> Change:
    def change(image: Image.Image) -> Image.Image:
        stream = BytesIO()
        image.save(stream, form, quality=quality)
        return Image.open(stream).convert("RGB")

    return change


def _resized(share: float, by: Image.Resampling) -> Change:
    return lambda image: image.resize((round(image.width * share), round(image.height * share)), by)


def _between(first: Image.Image, second: Image.Image) -> Difference:
    one, other = (np.asarray(image) for image in (first, second))
    found = difference(one, other)
    again = difference(other, one)
    assert (found.excess > DIFFERS) == (again.excess > DIFFERS)
    return found


COPIES: dict[str, Change] = {
    "png": lambda image: image.copy(),
    "jpeg 90": _encoded("JPEG", 90),
    "jpeg 50": _encoded("JPEG", 50),
    "jpeg 20": _encoded("JPEG", 20),
    "webp 60": _encoded("WEBP", 60),
    "three quarters": _resized(0.75, Image.Resampling.LANCZOS),
    "half, bicubic": _resized(0.5, Image.Resampling.BICUBIC),
    "half, box": _resized(0.5, Image.Resampling.BOX),
    "a third, jpeg 60": lambda image: _encoded("JPEG", 60)(
        _resized(1 / 3, Image.Resampling.LANCZOS)(image)
    ),
    "a little lighter": lambda image: ImageEnhance.Brightness(image).enhance(1.04),
    "a little flatter": lambda image: ImageEnhance.Contrast(image).enhance(0.94),
}
ORIGINALS: dict[str, Image.Image] = {
    "letter": _letter(),
    "faint letter": _letter(ink="#d8d6d2"),
    "scene": _scene(),
    "noisy scene": _scene(noise=1),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("original", ORIGINALS.values(), ids=ORIGINALS)
def test_a_copy_does_not_differ(original: Image.Image, change: Change) -> None:
    assert _between(original, change(original)).excess < DIFFERS


OTHERS: dict[str, tuple[Image.Image, Image.Image]] = {
    "a word": (_letter(), _letter("airport")),
    "a letter of a word": (_letter(), _letter("harbeur")),
    "a faint word": (_letter(ink="#d8d6d2"), _letter("airport", ink="#d8d6d2")),
    "closed eyes": (_scene(), _scene("closed")),
    "a car gone": (_scene(), _scene(car=None)),
    "a car moved": (_scene(), _scene(car=540)),
    "closed eyes in noise": (_scene(noise=1), _scene("closed", noise=1)),
}


@pytest.mark.parametrize(
    "change", [COPIES[name] for name in ("png", "jpeg 20", "webp 60", "three quarters")]
)
@pytest.mark.parametrize(("first", "second"), OTHERS.values(), ids=OTHERS)
def test_one_other_detail_differs(first: Image.Image, second: Image.Image, change: Change) -> None:
    assert _between(first, change(second)).excess > DIFFERS


@pytest.mark.parametrize("ink", ["#ebebeb", "#f4f4f2", "#fff9a0"])
def test_a_pale_word_counts_between_files_without_losses(ink: str) -> None:
    pages = []
    for year in ("2021", "2027"):
        page = _letter()
        draw = ImageDraw.Draw(page)
        draw.text((500, 60), f"valid until {year}", ink, ImageFont.load_default(16))
        pages.append(page)
    assert _between(pages[0], pages[1]).excess > DIFFERS
    assert _between(pages[0], _encoded("JPEG", 90)(pages[0])).excess < DIFFERS


def test_a_thin_line_of_another_colour_counts_between_files_without_losses() -> None:
    charts = []
    for colour in ((120, 100, 30), (104, 104, 104)):  # of about one gray
        chart = _letter()
        points = [(60 + 8 * step, 500 + 3 * (step * 37 % 20)) for step in range(95)]
        ImageDraw.Draw(chart).line(points, colour, 1)
        charts.append(chart)
    assert _between(*charts).excess > DIFFERS


def test_what_is_longer_than_a_part_is_compared_whole_and_at_its_place() -> None:
    roll, other = receipt(500, 290, 16), receipt(500, 290, 16, "12.90", 200)
    found = _between(roll, _encoded("JPEG", 80)(other))
    assert found.excess > DIFFERS
    assert abs(found.y * 9_000 - (20 + 31 * 200)) < 30
    assert _between(roll, _encoded("JPEG", 20)(roll)).excess < DIFFERS


def test_the_place_of_a_difference_is_told() -> None:
    found = _between(_scene(), _scene(car=None))
    assert 500 <= found.x * SIZE[0] <= 528
    assert 600 <= found.y * SIZE[1] <= 614


def test_what_differs_in_colour_alone_differs() -> None:
    first, second = (Image.new("RGB", (300, 200), "#808080") for _ in range(2))
    ImageDraw.Draw(first).rectangle((100, 80, 130, 110), (150, 100, 120))
    ImageDraw.Draw(second).rectangle((100, 80, 130, 110), (84, 134, 117))  # of the same gray
    found = _between(first, second)
    assert (found.channel, found.excess > DIFFERS) == ("colour", True)


@pytest.mark.parametrize("size", [(94, 128), (300, 90), (1600, 90), (60, 60)])
def test_colour_counts_in_small_and_narrow_images(size: tuple[int, int]) -> None:
    images = []
    for colour in ("#ff0000", "#008200"):  # of one gray
        image = _scene().resize(size)
        ImageDraw.Draw(image).ellipse((20, 20, 28, 28), colour)
        images.append(image)
    assert _between(*images).excess > DIFFERS
    assert _between(images[0], _encoded("JPEG", 20)(images[0])).excess < DIFFERS


def test_two_exposures_are_told_by_their_grain_and_copies_of_one_are_not() -> None:
    first, second = _scene(noise=1), _scene(noise=2)
    found = _between(_encoded("JPEG", 92)(first), _encoded("JPEG", 92)(second))
    assert (found.channel, found.excess > DIFFERS) == ("noise", True)
    for quality in (92, 50, 20):
        assert _between(first, _encoded("JPEG", quality)(first)).excess < DIFFERS


def test_pages_with_other_words_throughout_differ() -> None:
    """Most windows differ, so that no noise can be estimated."""
    pages = []
    for seed in range(2):
        image = Image.new("RGB", (600, 800), "#ececea")
        draw, rng = ImageDraw.Draw(image), np.random.default_rng(seed)
        for line in range(24):
            words = " ".join("".join(map(chr, rng.integers(97, 122, 6))) for _ in range(7))
            draw.text((30, 20 + 32 * line), words, "#cfcfca", ImageFont.load_default(20))
        pages.append(image)
    assert _between(pages[0], _encoded("JPEG", 30)(pages[1])).excess > DIFFERS


def test_alpha_planes_with_other_words_differ() -> None:
    planes = []
    for word in ("NORTH", "SOUTH", "NORTH"):
        plane = Image.new("L", (400, 200))
        ImageDraw.Draw(plane).text((40, 60), word, 255, ImageFont.load_default(60))
        planes.append(np.asarray(plane))
    assert difference_of_alpha(planes[0], planes[1]).excess > DIFFERS
    assert difference_of_alpha(planes[0], planes[2]).excess < DIFFERS


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (5, 7), (47, 48), (96, 20)])
def test_images_of_any_shape_are_compared(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    assert difference(noise, noise).excess < DIFFERS
    assert difference(noise, np.ascontiguousarray(noise[::2, ::2])).excess >= 0
