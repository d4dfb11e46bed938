"""What is true of a drawn scene by its own plan, and the twins that are false of it."""

import random
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.hard_negatives import PLACES, swapped_places, told_apart, twins
from benchmarks.scene_images import absent, asked, holds
from indexer.models.mini.scenes.phrases import captions
from indexer.models.mini.scenes.scenes import Look, Scene, Thing, held_out
from indexer.models.protocols import ImageSpec

STAR, RING, HEART = (
    Look("big", "red", "star"),
    Look("small", "blue", "ring"),
    Look("big", "teal", "heart"),
)
SPEC = ImageSpec(64, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
ONE = Scene("one", "plain", (Thing(STAR, 0.5, 0.5),))
TWO = Scene("same", "plain", (Thing(STAR, 0.2, 0.2), Thing(STAR, 0.8, 0.8)))
PAIR = Scene("two", "plain", (Thing(STAR, 0.2, 0.5), Thing(RING, 0.8, 0.5)), relation="left of")
ROW = Scene(
    "three",
    "plain",
    (Thing(STAR, 0.2, 0.5), Thing(HEART, 0.5, 0.5), Thing(RING, 0.8, 0.5)),
    arrangement="row",
)


@pytest.mark.parametrize(
    ("said", "image", "true"),
    [
        (ONE, ONE, True),
        (ONE, PAIR, True),  # a star is there, and another thing
        (ONE, replace(ONE, background="dotted"), False),
        (PAIR, ONE, False),
        (TWO, PAIR, False),
        (ONE, TWO, True),
        (PAIR, replace(PAIR, objects=PAIR.objects[::-1], relation="right of"), True),
        (replace(PAIR, relation="right of"), PAIR, False),
        (replace(PAIR, relation="above"), PAIR, False),
        (PAIR, ROW, True),  # the star is left of the ring, with a heart between
        (replace(PAIR, relation="right of"), ROW, False),
        (ROW, ROW, True),
        (replace(ROW, arrangement="column"), ROW, False),
    ],
)
def test_a_caption_holds_where_nothing_it_says_is_false(
    said: Scene, image: Scene, true: bool
) -> None:
    assert holds(said, image) is true


def test_absent_scenes_hold_of_no_image_drawn() -> None:
    drawn = held_out(60)
    missing = absent(drawn, 20)
    assert len({scene.content for scene in missing}) == 20
    assert not any(holds(scene, other) for scene in missing for other in drawn)
    assert missing == absent(drawn, 20)


def test_what_is_asked_is_chosen_by_the_seed() -> None:
    assert asked(held_out(30), 10) == asked(held_out(30), 10)
    assert len(set(asked(held_out(30), 30))) == 30


def test_swapped_places_exchange_two_objects_and_keep_the_words() -> None:
    swapped = swapped_places(PAIR, random.Random(0))
    assert swapped is not None
    assert captions(PAIR)[0] == ("a big red star left of a small blue ring on a plain background")
    assert captions(swapped)[0] == (
        "a small blue ring left of a big red star on a plain background"
    )
    moved = swapped_places(ROW, random.Random(0))
    assert moved is not None
    before, after = ([thing.look for thing in scene.objects] for scene in (ROW, moved))
    assert sorted(before) == sorted(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 2


def test_where_no_place_is_spoken_of_none_is_swapped() -> None:
    scattered = replace(ROW, arrangement=None)
    assert [swapped_places(one, random.Random(0)) for one in (ONE, TWO, scattered)] == [None] * 3


def test_every_twin_is_false_of_its_scene() -> None:
    rng = random.Random(3)
    for scene in held_out(80):
        found = twins(scene, rng)
        assert captions(scene)[0] not in {twin.caption for twin in found}
        assert (PLACES in {twin.kind for twin in found}) == (
            scene.relation is not None or scene.arrangement is not None
        )


def test_a_tie_tells_nothing_apart() -> None:
    won = told_apart([PAIR], lambda _, texts: np.zeros((1, len(texts))), SPEC)
    assert set(won) >= {"colour", "relation", PLACES} and not any(map(any, won.values()))


def test_the_true_caption_is_the_first_and_must_score_highest() -> None:
    won = told_apart([PAIR, ROW], lambda _, texts: -np.arange(len(texts), dtype=float)[None], SPEC)
    assert all(map(all, won.values()))
    assert len(won["colour"]) == 2
