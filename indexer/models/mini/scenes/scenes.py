"""Seeded scenes of plain shapes, drawn and described by us, with everything true written down."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Shape = Literal[
    "circle", "square", "triangle", "star", "diamond", "cross", "heart", "ring", "rectangle"
]
Colour = Literal[
    "red", "green", "blue", "black", "gray", "teal", "brown", "yellow", "orange", "purple"
]
Size = Literal["small", "big"]
Background = Literal["plain", "striped", "checked", "dotted", "shaded"]
Kind = Literal["one", "same", "two", "three"]
Relation = Literal["left of", "right of", "above", "below"]
Arrangement = Literal["row", "column"]
Layout = Literal[
    "alone",
    "two alike",
    "three alike",
    "four alike",
    "side by side",
    "stacked",
    "row",
    "column",
    "scattered",
]

SHAPES: tuple[Shape, ...] = get_args(Shape)
COLOURS: tuple[Colour, ...] = get_args(Colour)
SIZES: tuple[Size, ...] = get_args(Size)
BACKGROUNDS: tuple[Background, ...] = get_args(Background)
KINDS: tuple[Kind, ...] = get_args(Kind)
RELATIONS: tuple[Relation, ...] = get_args(Relation)
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
KIND_SHARES = (0.12, 0.17, 0.46, 0.25)
HELD_OUT_SEED = 1_000_003

ALIKE: dict[int, Layout] = {2: "two alike", 3: "three alike", 4: "four alike"}
OPPOSITE: dict[Relation, Relation] = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
}
# Big objects reach 0.15 from their centre: this margin and gap keep them whole and apart, and
# every object is placed as if it were big, so a changed size never needs a new place.
_MARGIN = 0.17
_GAP = 0.31
# A relation's own axis must outweigh the other by this much, so that no second relation is true.
_DOMINANCE = 4.0


@dataclass(frozen=True, order=True)
class Look:
    """The size, colour and shape of an object, without its place."""

    size: Size
    colour: Colour
    shape: Shape


@dataclass(frozen=True)
class Thing:
    """An object and its centre, in fractions of the picture from the top left."""

    look: Look
    x: float
    y: float


@dataclass(frozen=True)
class Content:
    """The content of a full caption in canonical order; equal contents count as one scene."""

    background: Background
    layout: Layout
    looks: tuple[Look, ...]


@dataclass(frozen=True)
class Scene:
    """One picture's plan: its objects, how they stand, and what they stand on."""

    kind: Kind
    background: Background
    objects: tuple[Thing, ...]
    relation: Relation | None = None
    arrangement: Arrangement | None = None

    @property
    def content(self) -> Content:
        """Return the canonical key that keeps training scenes and held-out scenes apart."""
        looks = tuple(thing.look for thing in self.objects)
        if self.relation in ("right of", "below"):
            looks = looks[::-1]
        if self.layout == "scattered":
            looks = tuple(sorted(looks))
        if self.kind == "same":
            looks = looks[:1]
        return Content(self.background, self.layout, looks)

    @property
    def layout(self) -> Layout:
        """Return the arrangement of the objects, whichever is named first."""
        if self.kind == "one":
            return "alone"
        if self.kind == "same":
            return ALIKE[len(self.objects)]
        if self.kind == "two":
            return "side by side" if self.relation in ("left of", "right of") else "stacked"
        return self.arrangement or "scattered"


def scenes(seed: int, count: int) -> Iterator[Scene]:
    """Yield `count` scenes that depend on the seed alone."""
    rng = random.Random(seed)
    for _ in range(count):
        yield _scene(rng)


def held_out(count: int = 1000, seed: int = HELD_OUT_SEED) -> list[Scene]:
    """Return the scenes kept out of training, no two of the same content."""
    rng = random.Random(seed)
    kept: dict[Content, Scene] = {}
    while len(kept) < count:
        scene = _scene(rng)
        kept.setdefault(scene.content, scene)
    return list(kept.values())


def alike_places(rng: random.Random, count: int) -> list[tuple[float, float]]:
    """Pick `count` centres that leave room between big objects."""
    while True:
        places = [(_anywhere(rng), _anywhere(rng)) for _ in range(count)]
        if _apart(places):
            return places


def _scene(rng: random.Random) -> Scene:
    kind = rng.choices(KINDS, KIND_SHARES)[0]
    background = rng.choice(BACKGROUNDS)
    if kind == "one":
        return Scene(kind, background, _things([_look(rng)], alike_places(rng, 1)))
    if kind == "same":
        count = rng.choice(tuple(ALIKE))
        return Scene(kind, background, _things([_look(rng)] * count, alike_places(rng, count)))
    if kind == "two":
        relation = rng.choice(RELATIONS)
        things = _things(_looks(rng, 2), _related_places(rng, relation))
        return Scene(kind, background, things, relation=relation)
    return _three(rng, background)


def _three(rng: random.Random, background: Background) -> Scene:
    choices: tuple[Arrangement | None, ...] = ("row", "column", None)
    arrangement = rng.choice(choices)
    places = _scattered_places(rng) if arrangement is None else _lined_places(rng, arrangement)
    return Scene("three", background, _things(_looks(rng, 3), places), arrangement=arrangement)


def _things(looks: list[Look], places: list[tuple[float, float]]) -> tuple[Thing, ...]:
    pairs = zip(looks, places, strict=True)
    return tuple(Thing(look, round(x, 4), round(y, 4)) for look, (x, y) in pairs)


def _look(rng: random.Random) -> Look:
    return Look(rng.choice(SIZES), rng.choice(COLOURS), rng.choice(SHAPES))


def _looks(rng: random.Random, count: int) -> list[Look]:
    # Size alone must not tell two objects apart: short captions leave it out.
    while True:
        looks = [_look(rng) for _ in range(count)]
        if len({(look.colour, look.shape) for look in looks}) == count:
            return looks


def _anywhere(rng: random.Random) -> float:
    return rng.uniform(_MARGIN, 1 - _MARGIN)


def _apart(places: list[tuple[float, float]]) -> bool:
    pairs = [(a, b) for i, a in enumerate(places) for b in places[:i]]
    return all((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 >= _GAP**2 for a, b in pairs)


def _related_places(rng: random.Random, relation: Relation) -> list[tuple[float, float]]:
    distance = rng.uniform(_GAP + 0.02, 1 - 2 * _MARGIN)
    start = rng.uniform(_MARGIN, 1 - _MARGIN - distance)
    across = _anywhere(rng)
    slack = distance / _DOMINANCE
    other = min(max(across + rng.uniform(-slack, slack), _MARGIN), 1 - _MARGIN)
    near, far = (start, across), (start + distance, other)
    first, second = (near, far) if relation in ("left of", "above") else (far, near)
    if relation in ("above", "below"):
        return [first[::-1], second[::-1]]
    return [first, second]


def _lined_places(rng: random.Random, arrangement: Arrangement) -> list[tuple[float, float]]:
    across = _anywhere(rng)
    places = []
    for step in range(3):
        along = _MARGIN + step * (0.5 - _MARGIN) + rng.uniform(-0.01, 0.01)
        places.append((along, across + rng.uniform(-0.02, 0.02)))
    return places if arrangement == "row" else [(x, y) for y, x in places]


def _scattered_places(rng: random.Random) -> list[tuple[float, float]]:
    # Neither a row nor a column: the three spread along both axes.
    while True:
        places = alike_places(rng, 3)
        spreads = [max(axis) - min(axis) for axis in zip(*places, strict=True)]
        if min(spreads) >= 0.3:
            return places
