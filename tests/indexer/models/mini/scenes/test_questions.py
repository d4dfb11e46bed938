import random

from indexer.models.mini.scenes.questions import MAX_QUESTION_WORDS, SUBJECTS, questions
from indexer.models.mini.scenes.scenes import Look, Scene, Thing, scenes
from indexer.models.mini.scenes.words import ids

RED_STAR = Thing(Look("small", "red", "star"), 0.2, 0.5)
BLUE_RING = Thing(Look("big", "blue", "ring"), 0.8, 0.5)
PAIR = Scene("two", "plain", (RED_STAR, BLUE_RING), relation="left of")


def answers_to(scene: Scene, *texts: str) -> set[str]:
    found = set()
    for seed in range(200):
        for question in questions(scene, random.Random(seed)):
            if question.text in texts:
                found.add(question.answer)
    return found


def test_questions_have_the_answers_of_the_scene() -> None:
    assert answers_to(PAIR, "what colour is the star?", "what color is the star?") == {"red"}
    assert answers_to(PAIR, "which shape is blue?") == {"ring"}
    assert answers_to(PAIR, "how big is the blue ring?") == {"big"}
    assert answers_to(PAIR, "how many shapes are there?") == {"two"}
    assert answers_to(PAIR, "where is the red star?") == {"left"}
    assert answers_to(PAIR, "is the red star left of the blue ring?") == {"yes"}
    assert answers_to(PAIR, "is the red star right of the blue ring?") == {"no"}
    assert answers_to(PAIR, "what is left of the blue ring?") == {"star"}
    assert answers_to(PAIR, "is there a red star?") == {"yes"}
    assert answers_to(PAIR, "is there a red ring?") == {"no"}
    assert answers_to(PAIR, "is there not a red star?") == {"no"}
    assert answers_to(PAIR, "is no red ring present?") == {"yes"}
    assert answers_to(PAIR, "what is the background?") == {"plain"}


def test_nothing_ambiguous_is_asked() -> None:
    twins = Scene(
        "two", "plain", (RED_STAR, Thing(Look("big", "red", "ring"), 0.8, 0.5)), "left of"
    )
    assert not answers_to(twins, "which shape is red?", "what is the red shape?")


def test_every_word_is_known_and_every_subject_is_asked_about() -> None:
    known, subjects = ids(), set()
    for seed, scene in enumerate(scenes(5, 300)):
        for question in questions(scene, random.Random(seed)):
            words = question.text.replace("?", " ?").split()
            assert len(words) <= MAX_QUESTION_WORDS
            assert {*words, question.answer} <= set(known)
            subjects.add(question.subject)
    assert subjects == set(SUBJECTS)
