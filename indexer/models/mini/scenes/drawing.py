"""Scenes drawn as pictures, the same pixels for the same scene, size and seed."""

import math
from collections.abc import Callable
from zlib import crc32

import numpy as np
from PIL import Image, ImageDraw

from indexer.models.mini.scenes.scenes import Background, Colour, Scene, Shape, Size, Thing

RADIUS: dict[Size, float] = {"small": 0.08, "big": 0.145}
PAINT: dict[Colour, tuple[int, int, int]] = {
    "red": (222, 32, 38),
    "green": (38, 170, 60),
    "blue": (40, 70, 225),
    "black": (18, 18, 18),
    "gray": (128, 128, 128),
    "teal": (0, 140, 140),
    "brown": (125, 68, 28),
    "yellow": (248, 222, 20),
    "orange": (255, 138, 0),
    "purple": (140, 45, 180),
}
_SUPERSAMPLING = 3
_CELLS = 8
_NOISE_LEVELS = 4.0

_Tone = tuple[int, int, int]
_Points = list[tuple[float, float]]


def draw(scene: Scene, size: int, seed: int = 0) -> Image.Image:
    """Draw the scene as an RGB picture of `size` x `size` pixels.

    The seed changes only what no caption speaks of: tints, tilts, phases and noise.
    """
    rng = np.random.default_rng([seed, crc32(repr(scene).encode())])
    side = size * _SUPERSAMPLING
    light = _tint(rng, 246)
    dark: _Tone = (light[0] - 46, light[1] - 46, light[2] - 46)
    canvas = _BACKDROPS[scene.background](side, light, dark, rng)
    pen = ImageDraw.Draw(canvas)
    for thing in scene.objects:
        _paint(pen, thing, side, rng)
    return _noisy(canvas.reduce(_SUPERSAMPLING), rng)


def _tint(rng: np.random.Generator, level: int) -> _Tone:
    red, green, blue = (int(value) for value in level + rng.integers(-9, 10, 3))
    return min(red, 255), min(green, 255), min(blue, 255)


def _noisy(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(picture, dtype=np.float32)  # (size, size, 3)
    grain = rng.standard_normal(pixels.shape, dtype=np.float32)
    strength = rng.uniform(0, _NOISE_LEVELS)
    return Image.fromarray(np.clip(pixels + grain * strength, 0, 255).astype(np.uint8))


def _plain(side: int, light: _Tone, dark: _Tone, rng: np.random.Generator) -> Image.Image:
    return Image.new("RGB", (side, side), light)


def _stripes(side: int, light: _Tone, dark: _Tone, rng: np.random.Generator) -> Image.Image:
    canvas = Image.new("RGB", (side, side), light)
    pen = ImageDraw.Draw(canvas)
    step, phase = side / _CELLS, rng.uniform(-1, 0)
    upright = rng.random() < 0.5
    for cell in range(_CELLS + 1):
        low, high = (cell + phase) * step, (cell + phase + 0.5) * step - 1
        pen.rectangle((low, 0, high, side) if upright else (0, low, side, high), fill=dark)
    return canvas


def _checks(side: int, light: _Tone, dark: _Tone, rng: np.random.Generator) -> Image.Image:
    canvas = Image.new("RGB", (side, side), light)
    pen = ImageDraw.Draw(canvas)
    step, across, down = side / _CELLS, rng.uniform(-1, 0), rng.uniform(-1, 0)
    for row in range(_CELLS + 1):
        for column in range(row % 2, _CELLS + 1, 2):
            left, top = (column + across) * step, (row + down) * step
            pen.rectangle((left, top, left + step - 1, top + step - 1), fill=dark)
    return canvas


def _dots(side: int, light: _Tone, dark: _Tone, rng: np.random.Generator) -> Image.Image:
    canvas = Image.new("RGB", (side, side), light)
    pen = ImageDraw.Draw(canvas)
    step, across, down = side / _CELLS, rng.uniform(-1, 0), rng.uniform(-1, 0)
    reach = step * 0.26
    for row in range(_CELLS + 2):
        for column in range(_CELLS + 2):
            x, y = (column + across) * step, (row + down) * step
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=dark)
    return canvas


def _shade(side: int, light: _Tone, dark: _Tone, rng: np.random.Generator) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((side, side))
    turned = ramp.rotate(90 * int(rng.integers(4)))
    deep = (dark[0] - 18, dark[1] - 18, dark[2] - 18)
    return Image.composite(
        Image.new("RGB", (side, side), light), Image.new("RGB", (side, side), deep), turned
    )


_Backdrop = Callable[[int, _Tone, _Tone, np.random.Generator], Image.Image]
_BACKDROPS: dict[Background, _Backdrop] = {
    "plain": _plain,
    "striped": _stripes,
    "checked": _checks,
    "dotted": _dots,
    "shaded": _shade,
}


def _paint(pen: ImageDraw.ImageDraw, thing: Thing, side: int, rng: np.random.Generator) -> None:
    radius = RADIUS[thing.look.size] * side * rng.uniform(0.96, 1.04)
    fill = _near(PAINT[thing.look.colour], rng)
    # A darker rim of the same colour keeps yellow and gray visible on every backdrop.
    rim: _Tone = (fill[0] * 11 // 20, fill[1] * 11 // 20, fill[2] * 11 // 20)
    tilt = rng.uniform(-0.09, 0.09)
    width = max(round(radius * 0.09), 1)
    x, y = thing.x * side, thing.y * side
    if thing.look.shape == "circle":
        pen.ellipse(_box(x, y, radius), fill=fill, outline=rim, width=width)
    elif thing.look.shape == "ring":
        pen.ellipse(_box(x, y, radius), outline=rim, width=round(radius * 0.5))
        pen.ellipse(_box(x, y, radius - width), outline=fill, width=round(radius * 0.5) - 2 * width)
    else:
        points = _placed(_OUTLINES[thing.look.shape], x, y, radius, tilt)
        pen.polygon(points, fill=fill, outline=rim, width=width)


def _near(colour: _Tone, rng: np.random.Generator) -> _Tone:
    red, green, blue = (int(value) for value in np.asarray(colour) + rng.integers(-10, 11, 3))
    return min(max(red, 0), 255), min(max(green, 0), 255), min(max(blue, 0), 255)


def _box(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return (x - radius, y - radius, x + radius, y + radius)


def _placed(outline: _Points, x: float, y: float, radius: float, tilt: float) -> _Points:
    cos, sin = math.cos(tilt) * radius, math.sin(tilt) * radius
    return [(x + cos * px - sin * py, y + sin * px + cos * py) for px, py in outline]


def _star() -> _Points:
    turns = [math.pi * (step / 5 - 0.5) for step in range(10)]
    reach = [1.1 if step % 2 == 0 else 0.46 for step in range(10)]
    return [
        (far * math.cos(turn), far * math.sin(turn)) for far, turn in zip(reach, turns, strict=True)
    ]


def _heart() -> _Points:
    points = []
    for step in range(40):
        turn = step * math.tau / 40
        y = 13 * math.cos(turn) - 5 * math.cos(2 * turn) - 2 * math.cos(3 * turn)
        points.append((math.sin(turn) ** 3, -(y - math.cos(4 * turn)) / 16 - 0.1))
    return points


def _plus(arm: float) -> _Points:
    corner = [(arm, -1.0), (arm, -arm), (1.0, -arm)]
    points: _Points = []
    for _ in range(4):
        points += corner
        corner = [(-y, x) for x, y in corner]
    return points


_OUTLINES: dict[Shape, _Points] = {
    "square": [(-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)],
    "rectangle": [(-1.0, -0.5), (1.0, -0.5), (1.0, 0.5), (-1.0, 0.5)],
    "triangle": [(0.0, -1.0), (0.98, 0.8), (-0.98, 0.8)],
    "diamond": [(0.0, -1.05), (0.72, 0.0), (0.0, 1.05), (-0.72, 0.0)],
    "star": _star(),
    "cross": _plus(0.34),
    "heart": _heart(),
}
