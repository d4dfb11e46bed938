from dataclasses import replace

import numpy as np
import pytest

from indexer.models.mini.scenes.drawing import draw
from indexer.models.mini.scenes.scenes import (
    BACKGROUNDS,
    COLOURS,
    SHAPES,
    Background,
    Look,
    Scene,
    Thing,
    scenes,
)


def test_the_same_scene_size_and_seed_give_the_same_pixels() -> None:
    for scene in scenes(1, 10):
        assert draw(scene, 64).tobytes() == draw(scene, 64).tobytes()


def test_another_seed_gives_another_picture_of_the_scene() -> None:
    (scene,) = scenes(1, 1)
    assert draw(scene, 64, seed=1).tobytes() != draw(scene, 64, seed=2).tobytes()


@pytest.mark.parametrize("size", [32, 64, 100, 384])
def test_a_picture_is_rgb_of_the_size_asked_for(size: int) -> None:
    (scene,) = scenes(1, 1)
    picture = draw(scene, size)
    assert picture.mode == "RGB"
    assert picture.size == (size, size)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_object_shows_on_every_background(background: Background) -> None:
    for colour in COLOURS:
        for shape in SHAPES:
            thing = Thing(Look("small", colour, shape), 0.5, 0.5)
            scene = Scene("one", background, (thing,))
            # Averaged over the small object's box, so that texture and noise fade out.
            box = np.asarray(draw(scene, 64), dtype=np.float32)[27:37, 27:37]
            without = np.asarray(draw(replace(scene, objects=()), 64), dtype=np.float32)
            change = np.abs(box - without[27:37, 27:37]).max(axis=2)
            assert np.mean(change > 40) > 0.3, (colour, shape)
