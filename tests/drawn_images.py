"""Images that tests draw: a scene, a page, a sky, a screenshot, and what a scene is made of."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageFont

Box = tuple[int, int, int, int]  # left, top, right, bottom
Span = tuple[int, int]  # from, to before


def soft_ground(
    rng: np.random.Generator, size: tuple[int, int], levels: Span = (40, 215)
) -> Image.Image:
    """Draw soft light of 48 colours."""
    coarse = rng.integers(*levels, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def boxes(
    rng: np.random.Generator,
    size: tuple[int, int],
    count: int,
    sides: Span,
    levels: Span = (0, 256),
) -> Iterator[tuple[Box, tuple[int, ...]]]:
    """Yield where shapes lie on an image of that size, and their colours, drawn one by one."""
    for _ in range(count):
        x, y = (int(rng.integers(0, side)) for side in size)
        wide, high = (int(side) for side in rng.integers(*sides, 2))
        yield (x, y, x + wide, y + high), tuple(int(level) for level in rng.integers(*levels, 3))


def photo(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """Draw a scene of hundreds of shapes over a soft ground; no two seeds are alike."""
    rng = np.random.default_rng(seed)
    image = soft_ground(rng, size)
    draw = ImageDraw.Draw(image)
    for box, colour in boxes(rng, size, 160, (6, 60)):
        if rng.random() < 0.5:
            draw.ellipse(box, colour)
        else:
            left, top, right, bottom = box
            wide, high = right - left, bottom - top
            points = [(left, top), (right, top + high // 3), (left + wide // 3, bottom)]
            draw.polygon(points, colour)
    return image.filter(ImageFilter.GaussianBlur(0.8))


def page(seed: int, size: tuple[int, int] = (620, 877)) -> Image.Image:
    """Draw a scanned page: lines of words on white, no two pages with the same words."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, "#fdfdfb")
    draw = ImageDraw.Draw(image)
    for top in range(70, size[1] - 90, 24):
        left, end = 60, size[0] - 60 - int(rng.integers(0, 200))
        while left < end:
            letters = int(rng.integers(2, 9))
            word = "".join(chr(97 + int(letter)) for letter in rng.integers(0, 26, letters))
            draw.text((left, top), word, "#222222", font_size=16)
            left += 10 * letters + 8
    return image


def receipt(
    width: int, lines: int, font_size: int, price: str = "12.40", at: int = 0
) -> Image.Image:
    """Draw a long roll of lines, of which one may say another `price`."""
    image = Image.new("RGB", (width, 9_000), "white")
    draw = ImageDraw.Draw(image)
    for line in range(lines):
        words = f"{line:03} bread {price if line == at else '12.40'}"
        draw.text((30, 20 + 31 * line), words, "#303030", ImageFont.load_default(font_size))
    return image


def sky(seed: int, top: str, bottom: str, clouds: float = 0.0) -> Image.Image:
    """Draw a sky that runs from one colour to another, with soft `clouds`, 0 to 1, before it."""
    size = (640, 480)
    rng = np.random.default_rng(seed)
    ends = [np.array(ImageColor.getrgb(name), np.float32) for name in (top, bottom)]
    down = np.linspace(0, 1, size[1], dtype=np.float32)[:, None, None]
    ground = np.broadcast_to(ends[0] * (1 - down) + ends[1] * down, (size[1], size[0], 3))
    share = np.zeros((size[1], size[0], 1), np.float32)
    for octave in range(5):
        cells = rng.integers(0, 256, (5 << octave, 7 << octave)).astype(np.uint8)
        veil = Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)
        share += np.asarray(veil, np.float32)[..., None] / 255 * clouds / 2 ** (octave + 1)
    return Image.fromarray((ground * (1 - share) + 255 * share).astype(np.uint8))


def screen(seed: int, size: tuple[int, int] = (960, 600)) -> Image.Image:
    """Draw a screenshot of one application: its frame is always the same, what it shows is not."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, "#ffffff")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0], 40), "#2f3e52")
    draw.text((16, 10), "Mail   File   Edit   View   Help", "white", font_size=18)
    draw.rectangle((0, 40, 200, size[1]), "#e6e9ee")
    for row, name in enumerate(("Inbox", "Sent", "Drafts", "Archive", "Spam", "Trash")):
        draw.ellipse((16, 66 + row * 44, 36, 86 + row * 44), "#5b7db1")
        draw.text((50, 66 + row * 44), name, "#222222", font_size=18)
    for top in range(60, size[1] - 40, 36):
        line = "".join(chr(97 + int(letter)) for letter in rng.integers(0, 26, 40))
        words = " ".join(line[at : at + 5] for at in range(0, int(rng.integers(15, 40)), 5))
        draw.text((230, top), words, "#222222", font_size=20)
        draw.line((220, top + 30, size[0] - 20, top + 30), "#d8dce2")
    return image
