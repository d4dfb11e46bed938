from collections import Counter
from itertools import combinations, islice

import pytest

from indexer.models.mini.scenes.scenes import (
    BACKGROUNDS,
    COLOURS,
    KIND_SHARES,
    KINDS,
    RELATIONS,
    SHAPES,
    Relation,
    Scene,
    held_out,
    scenes,
)


def holds(relation: Relation, scene: Scene) -> bool:
    first, second = scene.objects
    along, across = second.x - first.x, second.y - first.y
    if relation in ("above", "below"):
        along, across = across, along
    forward = along if relation in ("left of", "above") else -along
    return forward > 2 * abs(across)


def test_the_same_seed_gives_the_same_scenes() -> None:
    assert list(scenes(7, 50)) == list(scenes(7, 50))
    assert list(scenes(7, 50)) != list(scenes(8, 50))


def test_a_longer_stream_begins_like_a_shorter_one() -> None:
    assert list(islice(scenes(7, 90), 40)) == list(scenes(7, 40))


def test_kinds_come_in_their_shares() -> None:
    seen = Counter(scene.kind for scene in scenes(1, 5000))
    for kind, share in zip(KINDS, KIND_SHARES, strict=True):
        assert seen[kind] / 5000 == pytest.approx(share, abs=0.025)


def test_every_shape_colour_and_background_turns_up() -> None:
    drawn = list(scenes(2, 1000))
    looks = [thing.look for scene in drawn for thing in scene.objects]
    assert {look.shape for look in looks} == set(SHAPES)
    assert {look.colour for look in looks} == set(COLOURS)
    assert {scene.background for scene in drawn} == set(BACKGROUNDS)


def test_a_stated_relation_is_the_only_one_that_holds() -> None:
    for scene in scenes(3, 2000):
        if scene.relation is not None:
            others = [each for each in RELATIONS if each != scene.relation]
            assert holds(scene.relation, scene)
            assert not any(holds(other, scene) for other in others)


def test_objects_stand_whole_and_apart() -> None:
    for scene in scenes(4, 2000):
        assert all(0.15 <= at <= 0.85 for thing in scene.objects for at in (thing.x, thing.y))
        for a, b in combinations(scene.objects, 2):
            assert (a.x - b.x) ** 2 + (a.y - b.y) ** 2 > 0.3**2


def test_rows_run_left_to_right_and_columns_top_to_bottom() -> None:
    for scene in scenes(5, 1000):
        if scene.arrangement is not None:
            along = [t.x if scene.arrangement == "row" else t.y for t in scene.objects]
            across = [t.y if scene.arrangement == "row" else t.x for t in scene.objects]
            assert along == sorted(along)
            assert max(across) - min(across) < 0.05


def test_held_out_scenes_are_of_distinct_content() -> None:
    kept = held_out(300)
    assert len(kept) == 300
    assert len({scene.content for scene in kept}) == 300
    assert kept == held_out(300)
