"""Libraries of drawn scenes, and what is true of the scenes in them by the drawer's own plan."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from indexer import IndexConfig
from indexer.images.preprocess import prepare
from indexer.ingest import Indexer
from indexer.models.mini.scenes.drawing import draw
from indexer.models.mini.scenes.scenes import HELD_OUT_SEED, Look, Scene, scenes
from indexer.models.protocols import DualEncoder, ImageSpec, Pixels
from storage import Library

ABSENT_SEED = HELD_OUT_SEED + 7
_DRAWS = 100_000  # scenes looked through for absent ones; far more than ever needed


@contextmanager
def indexed(
    drawn: Sequence[Scene], folder: Path, encoder: DualEncoder, size: int
) -> Iterator[Library]:
    """Draw scenes as PNG files named by their numbers and index them with the real line."""
    images = folder / "scenes"
    images.mkdir()
    for number, scene in enumerate(drawn):
        draw(scene, size).save(images / f"{number:04}.png")
    with Library.create(folder / "library") as library:
        Indexer(library, encoder, IndexConfig(paths=(str(images),))).run()
        yield library


def squares(drawn: Sequence[Scene], spec: ImageSpec, size: int = 64) -> Pixels:
    """Draw scenes and prepare them: (n, size, size, 3) uint8."""
    return np.stack([prepare(draw(scene, size), spec) for scene in drawn])


def absent(drawn: Sequence[Scene], count: int, seed: int = ABSENT_SEED) -> list[Scene]:
    """Return scenes, no two alike, whose full caption is false of every one of those drawn."""
    found: dict[object, Scene] = {}
    for scene in scenes(seed, _DRAWS):
        if not any(holds(scene, other) for other in drawn):
            found.setdefault(scene.content, scene)
        if len(found) == count:
            return list(found.values())
    raise SystemExit(f"no {count} scenes are absent from a library of {len(drawn)}")


def holds(said: Scene, image: Scene) -> bool:
    """Return whether a scene's full caption is true of another image, read generously.

    What a caption leaves unsaid does not make it false: "a red star" holds where two shapes are,
    "two red stars" where there are three, "a star left of a ring" in a row of both and another.
    """
    if said.background != image.background:
        return False
    wanted = [thing.look for thing in said.objects]
    there = [thing.look for thing in image.objects]
    if any(there.count(look) < wanted.count(look) for look in wanted):
        return False
    if said.relation is not None:
        return _related(said, image)
    return len(wanted) != 3 or said.kind == "same" or said.content == image.content


def _related(said: Scene, image: Scene) -> bool:
    first, second = (_places(image, thing.look) for thing in said.objects)
    # Two objects stand in one relation only, for they were placed so; of three, any pair may.
    if image.relation is not None:
        return said.content == image.content
    axis = 0 if said.relation in ("left of", "right of") else 1
    sign = 1 if said.relation in ("left of", "above") else -1
    return any(sign * (b[axis] - a[axis]) > 0 for a in first for b in second)


def _places(image: Scene, look: Look) -> list[tuple[float, float]]:
    return [(thing.x, thing.y) for thing in image.objects if thing.look == look]


def asked(drawn: Sequence[Scene], count: int, seed: int = 0) -> list[int]:
    """Choose that many of the scenes' numbers by a seed, in order."""
    return sorted(random.Random(seed).sample(range(len(drawn)), count))
