"""Scenes that differ from a given one in a single respect, and the false captions they give."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, get_args

from indexer.models.mini.scenes.phrases import captions
from indexer.models.mini.scenes.scenes import (
    ALIKE,
    BACKGROUNDS,
    COLOURS,
    OPPOSITE,
    SHAPES,
    Look,
    Scene,
    Thing,
    alike_places,
)

Change = Literal["colour", "swapped colours", "count", "shape", "relation", "background", "size"]
CHANGES: tuple[Change, ...] = get_args(Change)
# Asked of the readers only: scenes are drawn in families by CHANGES, as mini CLIP saw them.
PLACES: Literal["swapped places"] = "swapped places"
Twin = Change | Literal["swapped places"]
TWINS: tuple[Twin, ...] = (*CHANGES, PLACES)

_T = TypeVar("_T")
_Edit = Callable[[Scene, random.Random], Scene | None]


@dataclass(frozen=True)
class Counterfactual:
    """A scene that is another one but for the named change."""

    kind: Change
    scene: Scene


@dataclass(frozen=True)
class Negative:
    """A full caption that is false of a scene in the named respect only."""

    kind: Twin
    caption: str


def counterfactuals(scene: Scene, rng: random.Random) -> tuple[Counterfactual, ...]:
    """Change the scene in each way it allows, once per kind of change."""
    made = []
    for kind in CHANGES:
        changed = _EDITS[kind](scene, rng)
        if changed is not None and changed.content != scene.content:
            made.append(Counterfactual(kind, changed))
    return tuple(made)


def negatives(scene: Scene, rng: random.Random) -> tuple[Negative, ...]:
    """Return one false full caption for each kind of change the scene allows."""
    return tuple(
        Negative(each.kind, captions(each.scene)[0]) for each in counterfactuals(scene, rng)
    )


def twins(scene: Scene, rng: random.Random) -> tuple[Negative, ...]:
    """Return what `negatives` gives, and the caption with two objects in each other's places."""
    changed = _exchange(scene, rng)
    if changed is None or changed.content == scene.content:
        return negatives(scene, rng)
    return (*negatives(scene, rng), Negative(PLACES, captions(changed)[0]))


def _other(rng: random.Random, choices: tuple[_T, ...], taken: set[_T]) -> _T:
    return rng.choice([choice for choice in choices if choice not in taken])


def _looks(scene: Scene) -> list[Look]:
    return [thing.look for thing in scene.objects]


def _with_looks(scene: Scene, looks: list[Look]) -> Scene | None:
    pairs = {(look.colour, look.shape) for look in looks}
    if scene.kind in ("two", "three") and len(pairs) < len(looks):
        return None
    objects = zip(scene.objects, looks, strict=True)
    return replace(scene, objects=tuple(replace(thing, look=look) for thing, look in objects))


def _one_look(scene: Scene, rng: random.Random, change: Callable[[Look], Look]) -> Scene | None:
    looks = _looks(scene)
    if scene.kind == "same":
        return _with_looks(scene, [change(looks[0])] * len(looks))
    chosen = rng.randrange(len(looks))
    looks[chosen] = change(looks[chosen])
    return _with_looks(scene, looks)


def _recolour(scene: Scene, rng: random.Random) -> Scene | None:
    colour = _other(rng, COLOURS, {look.colour for look in _looks(scene)})
    return _one_look(scene, rng, lambda look: replace(look, colour=colour))


def _reshape(scene: Scene, rng: random.Random) -> Scene | None:
    shape = _other(rng, SHAPES, {look.shape for look in _looks(scene)})
    return _one_look(scene, rng, lambda look: replace(look, shape=shape))


def _resize(scene: Scene, rng: random.Random) -> Scene | None:
    return _one_look(
        scene, rng, lambda look: replace(look, size="big" if look.size == "small" else "small")
    )


def _swap_colours(scene: Scene, rng: random.Random) -> Scene | None:
    looks = _looks(scene)
    if scene.kind not in ("two", "three"):
        return None
    a, b = rng.sample(range(len(looks)), 2)
    first, second = looks[a], looks[b]
    looks[a] = replace(first, colour=second.colour)
    looks[b] = replace(second, colour=first.colour)
    return _with_looks(scene, looks)


def _exchange(scene: Scene, rng: random.Random) -> Scene | None:
    if scene.relation is None and scene.arrangement is None:
        return None
    looks = _looks(scene)
    a, b = rng.sample(range(len(looks)), 2)
    looks[a], looks[b] = looks[b], looks[a]
    return _with_looks(scene, looks)


def _recount(scene: Scene, rng: random.Random) -> Scene | None:
    if scene.kind not in ("one", "same"):
        return None
    count = _other(rng, tuple(ALIKE), {len(scene.objects)})
    look = scene.objects[0].look
    places = alike_places(rng, count)
    things = tuple(Thing(look, round(x, 4), round(y, 4)) for x, y in places)
    return Scene("same", scene.background, things)


def _flip(scene: Scene, rng: random.Random) -> Scene | None:
    if scene.arrangement is not None:
        return _with_looks(scene, _looks(scene)[::-1])
    if scene.relation is None:
        return None
    first, second = scene.objects
    objects = (replace(second, look=first.look), replace(first, look=second.look))
    return replace(scene, objects=objects, relation=OPPOSITE[scene.relation])


def _reground(scene: Scene, rng: random.Random) -> Scene | None:
    return replace(scene, background=_other(rng, BACKGROUNDS, {scene.background}))


_EDITS: dict[Change, _Edit] = {
    "colour": _recolour,
    "swapped colours": _swap_colours,
    "count": _recount,
    "shape": _reshape,
    "relation": _flip,
    "background": _reground,
    "size": _resize,
}
