"""Objects on a plain ground: drawn catalogue shots, specimens, logos and icons, no two alike.

The corners of such images agree whatever they show, and what their local features lie on is one
outline. Each object stands on black or on white, and beside each are its own re-encodings, crops,
tilts and turns. Everything follows from the seed.
"""

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from search.dedup.detect.kinds import Kind

SIZE = 600  # pixels a side, before the edits
_Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Shot:
    """One file to be: which object it shows, how it was made, its bytes."""

    family: str
    truth: int
    edit: str
    kind: Kind | None  # as which it should be found beside the original; None for that itself
    suffix: str
    content: bytes


def shots(count: int, seed: int = 0) -> Iterator[Shot]:
    """Draw `count` objects, each with its copies and edits."""
    families = list(_FAMILIES)
    for truth in range(count):
        family = families[truth % len(families)]
        rng = np.random.default_rng((seed, truth))
        ground: _Colour = (0, 0, 0) if truth // len(families) % 2 else (255, 255, 255)
        image = _FAMILIES[family](rng, ground)
        yield Shot(family, truth, "original", None, "jpg", _saved(image, 92))
        for name, kind, change, quality in _EDITS:
            yield Shot(family, truth, name, kind, "jpg", _saved(change(image, ground), quality))


def _saved(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


Change = Callable[[Image.Image, _Colour], Image.Image]


def _cropped(share: float) -> Change:
    def change(image: Image.Image, _: _Colour) -> Image.Image:
        cut = round(image.width * (1 - share) / 2)
        return image.crop((cut, cut, image.width - cut, image.height - cut))

    return change


def _tilted(degrees: float) -> Change:
    return lambda image, ground: image.rotate(
        degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=ground
    )


def _half(image: Image.Image, _: _Colour) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


_EDITS: tuple[tuple[str, Kind, Change, int], ...] = (
    ("jpeg q50", "same-picture", lambda image, _: image, 50),
    ("jpeg q20", "same-picture", lambda image, _: image, 20),
    ("half", "same-picture", _half, 92),
    ("crop 90", "edited", _cropped(0.9), 92),
    ("crop 80", "edited", _cropped(0.8), 92),
    ("tilt +10", "edited", _tilted(10), 92),
    ("tilt -10", "edited", _tilted(-10), 92),
    ("mirror", "edited", lambda image, _: ImageOps.mirror(image), 92),
    ("brightness -30", "edited", lambda image, _: ImageEnhance.Brightness(image).enhance(0.7), 92),
)


def _colour(rng: np.random.Generator, low: int = 30, high: int = 226) -> _Colour:
    red, green, blue = (int(level) for level in rng.integers(low, high, 3))
    return red, green, blue


def _shaded(
    rng: np.random.Generator, mask: Image.Image, skin: np.ndarray, ground: _Colour
) -> Image.Image:
    """Lay a skin (SIZE, SIZE, 3) float over the ground where the mask is, lit from one side."""
    turn = rng.uniform(0, 2 * math.pi)
    across, down = np.meshgrid(np.linspace(-1, 1, SIZE), np.linspace(-1, 1, SIZE))
    light = 1 + 0.35 * (across * math.cos(turn) + down * math.sin(turn))
    lit = np.clip(skin * light[..., None], 0, 255)
    inside = np.asarray(mask.filter(ImageFilter.GaussianBlur(1)), np.float32)[..., None] / 255
    whole = lit * inside + np.array(ground, np.float32) * (1 - inside)
    return Image.fromarray(whole.astype(np.uint8))


def _grain(rng: np.random.Generator, fine: int) -> np.ndarray:
    """Return a soft random field (SIZE, SIZE) about 0, of several scales down to `fine` cells."""
    field = np.zeros((SIZE, SIZE), np.float32)
    for octave in range(4):
        cells = max(2, fine >> octave)
        drawn = rng.integers(0, 256, (cells, cells)).astype(np.uint8)
        layer = Image.fromarray(drawn).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        field += (np.asarray(layer, np.float32) / 127.5 - 1) * 0.8**octave
    return field


def _catalogue(rng: np.random.Generator, ground: _Colour) -> Image.Image:
    """A bottle, a box or a mug with a label: shapes that a shop has in many colours."""
    mask = Image.new("L", (SIZE, SIZE))
    draw = ImageDraw.Draw(mask)
    shape = int(rng.integers(3))
    wide, high = int(rng.integers(150, 320)), int(rng.integers(260, 460))
    left, top = (SIZE - wide) // 2, (SIZE - high) // 2
    if shape == 0:
        neck = wide // 3
        draw.rounded_rectangle((left, top + high // 4, left + wide, top + high), 30, 255)
        draw.rectangle((left + neck, top, left + 2 * neck, top + high // 3), 255)
    elif shape == 1:
        draw.rectangle((left, top, left + wide, top + high), 255)
    else:
        draw.rounded_rectangle((left, top, left + wide, top + high), 40, 255)
        draw.arc((left + wide - 50, top + 60, left + wide + 80, top + 220), -90, 90, 255, 26)
    skin = np.ones((SIZE, SIZE, 3), np.float32) * np.array(_colour(rng), np.float32)
    skin *= 1 + 0.05 * _grain(rng, 64)[..., None]
    label = Image.fromarray(np.clip(skin, 0, 255).astype(np.uint8))
    paint = ImageDraw.Draw(label)
    paint.rectangle((left, 300, left + wide, 420), _colour(rng))
    words = "".join(chr(65 + int(letter)) for letter in rng.integers(0, 26, 6))
    paint.text((left + 12, 320), words, _colour(rng), ImageFont.load_default(wide / 5))
    for _ in range(int(rng.integers(2, 8))):
        x, y = left + int(rng.integers(wide)), top + int(rng.integers(high))
        size = int(rng.integers(8, 40))
        paint.ellipse((x, y, x + size, y + size), _colour(rng))
    return _shaded(rng, mask, np.asarray(label, np.float32), ground)


def _specimen(rng: np.random.Generator, ground: _Colour) -> Image.Image:
    """A stone, a leaf, a shell: an outline of its own, and a skin full of texture."""
    turns = np.linspace(0, 2 * math.pi, 120, endpoint=False)
    radius = np.full(120, rng.uniform(150, 220))
    for wave in range(2, 7):
        radius += rng.normal(0, 30 / wave) * np.cos(wave * turns + rng.uniform(0, 6.3))
    squeeze = rng.uniform(0.6, 1.0)
    points = [
        (SIZE / 2 + r * math.cos(t), SIZE / 2 + squeeze * r * math.sin(t))
        for r, t in zip(radius, turns, strict=True)
    ]
    mask = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(mask).polygon(points, 255)
    skin = np.ones((SIZE, SIZE, 3), np.float32) * np.array(_colour(rng, 60, 200), np.float32)
    skin *= 1 + 0.22 * _grain(rng, 160)[..., None]
    skin += _grain(rng, 24)[..., None] * np.array(_colour(rng, 0, 40), np.float32)
    return _shaded(rng, mask, skin, ground)


def _logo(rng: np.random.Generator, ground: _Colour) -> Image.Image:
    """A few letters and shapes in flat colours."""
    image = Image.new("RGB", (SIZE, SIZE), ground)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 7))):
        x, y = (int(side) for side in rng.integers(110, 400, 2))
        wide, high = (int(side) for side in rng.integers(40, 190, 2))
        box, colour = (x, y, min(SIZE - 80, x + wide), min(SIZE - 80, y + high)), _colour(rng)
        shape = int(rng.integers(4))
        if shape == 0:
            draw.ellipse(box, colour)
        elif shape == 1:
            draw.rounded_rectangle(box, 14, colour)
        elif shape == 2:
            draw.regular_polygon(((x + box[2]) / 2, (y + box[3]) / 2, high / 2 + 20), 3, 0, colour)
        else:
            draw.arc(box, int(rng.integers(360)), int(rng.integers(360)), colour, 16)
    letters = "".join(chr(65 + int(letter)) for letter in rng.integers(0, 26, 4))
    place = (int(rng.integers(90, 180)), int(rng.integers(380, 440)))
    draw.text(place, letters, _colour(rng), ImageFont.load_default(int(rng.integers(70, 130))))
    return image


def _icon(rng: np.random.Generator, ground: _Colour) -> Image.Image:
    """A rounded tile, as applications have, with a sign on it."""
    image = Image.new("RGB", (SIZE, SIZE), ground)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((90, 90, 510, 510), 90, _colour(rng))
    for _ in range(int(rng.integers(4, 10))):
        x, y = (int(side) for side in rng.integers(140, 420, 2))
        size, colour = int(rng.integers(20, 90)), _colour(rng, 0, 256)
        shape = int(rng.integers(3))
        if shape == 0:
            draw.ellipse((x - size, y - size, x + size, y + size), outline=colour, width=14)
        elif shape == 1:
            draw.line((x, y, *(int(side) for side in rng.integers(140, 460, 2))), colour, 16)
        else:
            draw.regular_polygon((x, y, size), int(rng.integers(3, 7)), 0, colour)
    return image


_FAMILIES: dict[str, Callable[[np.random.Generator, _Colour], Image.Image]] = {
    "catalogue": _catalogue,
    "specimen": _specimen,
    "logo": _logo,
    "icon": _icon,
}
