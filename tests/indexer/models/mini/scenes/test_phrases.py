from indexer.models.mini.scenes.phrases import captions, full_captions, vocabulary
from indexer.models.mini.scenes.scenes import Content, Look, Scene, Thing, held_out, scenes

RED = Look("small", "red", "circle")
BLUE = Look("big", "blue", "square")
LEFT = Scene("two", "striped", (Thing(RED, 0.2, 0.5), Thing(BLUE, 0.7, 0.5)), relation="left of")


def test_the_first_caption_says_everything() -> None:
    assert captions(LEFT)[0] == (
        "a small red circle left of a big blue square on a striped background"
    )


def test_short_queries_are_among_the_captions() -> None:
    assert {
        "a red circle",
        "red circle",
        "red circle left of blue square",
        "a red circle left of a blue square",
        "a blue square right of a red circle",
    } <= set(captions(LEFT))


def test_several_of_the_same_are_counted() -> None:
    places = [(0.2, 0.2), (0.5, 0.8), (0.8, 0.2)]
    star = Look("big", "blue", "star")
    scene = Scene("same", "plain", tuple(Thing(star, x, y) for x, y in places))
    assert "three blue stars" in captions(scene)
    assert captions(scene)[0] == "three big blue stars on a plain background"


def test_an_orange_thing_has_its_article() -> None:
    scene = Scene("one", "plain", (Thing(Look("big", "orange", "ring"), 0.5, 0.5),))
    assert "an orange ring" in captions(scene)


def test_a_scene_named_from_either_end_has_one_content() -> None:
    turned = Scene("two", "striped", LEFT.objects[::-1], relation="right of")
    assert turned.content == LEFT.content
    assert captions(turned)[0] in captions(LEFT)


def test_captions_of_distinct_contents_are_distinct() -> None:
    said: dict[str, Content] = {}
    for scene in scenes(11, 3000):
        for caption in full_captions(scene):
            assert said.setdefault(caption, scene.content) == scene.content


def test_held_out_full_captions_are_distinct() -> None:
    assert len({captions(scene)[0] for scene in held_out()}) == 1000


def test_no_caption_is_given_twice() -> None:
    for scene in scenes(12, 300):
        assert len(captions(scene)) == len(set(captions(scene)))


def test_every_word_is_in_the_vocabulary() -> None:
    known = set(vocabulary())
    for scene in scenes(13, 1000):
        for caption in captions(scene):
            assert set(caption.replace(",", " ,").split()) <= known
