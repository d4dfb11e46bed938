"""A caption and its twin: false in one respect, and how often a model tells the two apart."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.metrics import Floats
from benchmarks.scene_images import squares
from indexer.models.mini.scenes.counterfactuals import CHANGES, negatives
from indexer.models.mini.scenes.phrases import captions
from indexer.models.mini.scenes.scenes import Scene
from indexer.models.protocols import ImageSpec, Pixels

PLACES = "swapped places"
KINDS: tuple[str, ...] = tuple(dict.fromkeys((*CHANGES, PLACES)))
Score = Callable[[Pixels, Sequence[str]], Floats]  # one image and t texts → (1, t)


@dataclass(frozen=True)
class Twin:
    """A full caption that is false of a scene in the named respect only."""

    kind: str
    caption: str


def twins(scene: Scene, rng: random.Random) -> list[Twin]:
    """Return one false caption for each kind of change that the scene allows."""
    made: dict[str, str] = {each.kind: each.caption for each in negatives(scene, rng)}
    swapped = swapped_places(scene, rng)
    if swapped is not None:
        made.setdefault(PLACES, captions(swapped)[0])
    return [Twin(kind, caption) for kind, caption in made.items()]


def swapped_places(scene: Scene, rng: random.Random) -> Scene | None:
    """Exchange two objects where places are spoken of: in pairs, rows and columns.

    Said of a pair, the words of the relation stay and the objects change sides; of three in a
    line, two change places. None where the caption would stay true.
    """
    if scene.relation is None and scene.arrangement is None:
        return None
    looks = [thing.look for thing in scene.objects]
    a, b = rng.sample(range(len(looks)), 2)
    looks[a], looks[b] = looks[b], looks[a]
    things = zip(scene.objects, looks, strict=True)
    swapped = replace(scene, objects=tuple(replace(thing, look=look) for thing, look in things))
    return swapped if swapped.content != scene.content else None


def told_apart(
    scenes: Sequence[Scene],
    score: Score,
    spec: ImageSpec,
    seed: int = 0,
) -> dict[str, list[bool]]:
    """Return for each kind of change, pair by pair, whether the true caption scored higher.

    A tie is a failure.
    """
    rng = random.Random(seed)
    won: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for scene in scenes:
        false = twins(scene, rng)
        texts = [captions(scene)[0], *(twin.caption for twin in false)]
        true, *others = score(squares([scene], spec), texts)[0].tolist()
        for twin, other in zip(false, others, strict=True):
            won[twin.kind].append(true > other)
    return {kind: each for kind, each in won.items() if each}
