import random

from indexer.models.mini.scenes.counterfactuals import CHANGES, counterfactuals, negatives
from indexer.models.mini.scenes.phrases import captions, full_captions
from indexer.models.mini.scenes.scenes import LAYOUTS, Content, Scene, scenes


def differences(a: Content, b: Content) -> set[str]:
    return {
        name for name in ("background", "layout", "looks") if getattr(a, name) != getattr(b, name)
    }


def test_negatives_are_false_of_the_scene() -> None:
    rng = random.Random(0)
    for scene in scenes(1, 1000):
        for negative in negatives(scene, rng):
            assert negative.caption not in captions(scene)
            assert negative.caption not in full_captions(scene)


def test_a_variant_differs_in_the_named_respect_alone() -> None:
    rng = random.Random(0)
    touched = {"background": {"background"}, "count": {"layout"}}
    for scene in scenes(2, 1000):
        for each in counterfactuals(scene, rng):
            changed = differences(scene.content, each.scene.content)
            assert changed == touched.get(each.kind, {"looks"})


def test_a_flipped_relation_names_the_same_objects() -> None:
    rng = random.Random(0)
    for scene in scenes(3, 500):
        for each in counterfactuals(scene, rng):
            if each.kind in ("relation", "swapped colours"):
                before, after = scene.content.looks, each.scene.content.looks
                assert sorted(x.colour for x in before) == sorted(x.colour for x in after)
                assert sorted(x.shape for x in before) == sorted(x.shape for x in after)
            if each.kind == "relation":
                assert sorted(before) == sorted(after)


def test_every_kind_of_change_turns_up() -> None:
    rng = random.Random(0)
    seen = {each.kind for scene in scenes(4, 100) for each in negatives(scene, rng)}
    assert seen == set(CHANGES)


def test_the_same_generator_gives_the_same_negatives() -> None:
    def drawn(scene: Scene) -> object:
        return negatives(scene, random.Random(5))

    assert all(drawn(scene) == drawn(scene) for scene in scenes(5, 50))


def test_a_variant_of_a_variant_is_still_a_scene() -> None:
    rng = random.Random(0)
    for scene in scenes(6, 200):
        for each in counterfactuals(scene, rng):
            assert each.scene.layout in LAYOUTS
            assert counterfactuals(each.scene, rng)
