"""Right answers are counted by subject, and captions by what they name."""

from benchmarks.answers import Put, by_subject, named, names_rightly, of_scenes
from indexer.models.mini.scenes.phrases import captions
from indexer.models.mini.scenes.scenes import held_out


def test_answers_are_right_in_the_form_that_vqa_compares() -> None:
    put = [
        Put(0, "count", "how many?", "two"),
        Put(0, "colour", "what?", "red"),
        Put(1, "colour", "what?", "blue"),
    ]
    counts = by_subject(put, ["2", "Red", "green"])
    assert counts == {"count": [1, 1], "colour": [1, 2], "all": [2, 3]}


def test_every_scene_is_asked_something_and_the_same_each_time() -> None:
    scenes = held_out(20)
    put = of_scenes(scenes)
    assert {one.image for one in put} == set(range(20))
    assert put == of_scenes(scenes)


def test_a_caption_names_colours_with_their_shapes() -> None:
    assert named("Two big red crosses and a teal heart on a dotted background") == {
        ("red", "cross"),
        ("teal", "heart"),
    }
    assert named("a red kite") == set()


def test_a_scenes_own_captions_name_what_is_there() -> None:
    scenes = held_out(100)
    assert all(names_rightly(scenes, [captions(scene)[0] for scene in scenes]))
    others = scenes[1:] + scenes[:1]
    wrong = names_rightly(scenes, [captions(scene)[0] for scene in others])
    assert sum(wrong) < 5
