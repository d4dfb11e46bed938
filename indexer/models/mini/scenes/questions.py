"""The questions about a scene, each with its true answer of one word."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from indexer.models.mini.scenes.phrases import NUMBERS, with_article
from indexer.models.mini.scenes.phrases import plural as plural
from indexer.models.mini.scenes.scenes import (
    BACKGROUNDS,
    COLOURS,
    OPPOSITE,
    RELATIONS,
    SHAPES,
    Look,
    Relation,
    Scene,
)

Subject = Literal["colour", "shape", "size", "count", "presence", "place", "background"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
MAX_QUESTION_WORDS = 16

# Words that are asked with and never occur in a caption.
ASKING_WORDS: tuple[str, ...] = ("contain", "describe", "present", "size", "this", "caption")
INSTRUCTION = "describe the picture"

_PICTURES = ("the picture", "the image", "the photo", "the drawing")
_HUES = ("colour", "color")


@dataclass(frozen=True)
class Question:
    """A question about one scene, what it asks about, and the one word that answers it."""

    subject: Subject
    text: str
    answer: str


def questions(scene: Scene, rng: random.Random) -> tuple[Question, ...]:
    """Ask about everything the scene allows: each kind of question at least once."""
    asked: list[Question] = []
    for ask in _ASKERS:
        asked += ask(scene, rng)
    return tuple(asked)


def _looks(scene: Scene) -> list[Look]:
    return [thing.look for thing in scene.objects]


def _distinct(looks: Sequence[Look]) -> list[Look]:
    return list(dict.fromkeys(looks))


def _colours(scene: Scene, rng: random.Random) -> list[Question]:
    looks = _distinct(_looks(scene))
    shapes = Counter(look.shape for look in looks)
    asked = []
    for look in looks:
        hue = rng.choice(_HUES)
        if shapes[look.shape] > 1:
            continue
        if scene.kind == "same":
            texts = [f"what {hue} are the {plural(look.shape)}?"]
        else:
            texts = [
                f"what {hue} is the {look.shape}?",
                f"what is the {hue} of the {look.shape}?",
                f"which {hue} is the {look.shape}?",
                f"what {hue} is the {look.size} {look.shape}?",
            ]
        if scene.kind == "one":
            texts += [f"what {hue} is the shape?", f"what is the {hue} of the object?"] * 2
        if scene.kind == "same":
            texts += [f"what {hue} are the shapes?"]
        asked.append(Question("colour", rng.choice(texts), look.colour))
    return asked


def _shapes(scene: Scene, rng: random.Random) -> list[Question]:
    looks = _distinct(_looks(scene))
    colours = Counter(look.colour for look in looks)
    picture = rng.choice(_PICTURES)
    asked = []
    for look in looks:
        if colours[look.colour] > 1 or scene.kind == "same":
            continue
        texts = [
            f"what shape is the {look.colour} object?",
            f"what is the {look.colour} shape?",
            f"which shape is {look.colour}?",
        ]
        if scene.kind == "one":
            texts += [
                f"what shape is in {picture}?",
                "what shape is there?",
                f"what is in {picture}?",
                "what shape is present?",
                f"what shape does {picture} contain?",
            ]
        asked.append(Question("shape", rng.choice(texts), look.shape))
    return asked


def _sizes(scene: Scene, rng: random.Random) -> list[Question]:
    if scene.kind == "same":
        look = scene.objects[0].look
        return [Question("size", f"what size are the {plural(look.shape)}?", look.size)]
    look = rng.choice(_looks(scene))
    named = f"{look.colour} {look.shape}"
    texts = [f"what size is the {named}?", f"how big is the {named}?"]
    return [Question("size", rng.choice(texts), look.size)]


def _counts(scene: Scene, rng: random.Random) -> list[Question]:
    looks = _looks(scene)
    number = {1: "one", **NUMBERS}
    picture = rng.choice(_PICTURES)
    asked = []
    things = rng.choice(("shapes", "objects"))
    whole = rng.choice((f"how many {things} are there?", f"how many {things} are in {picture}?"))
    asked.append(Question("count", whole, number[len(looks)]))
    look = rng.choice(looks)
    alike = sum(other.shape == look.shape for other in looks)
    shape = plural(look.shape)
    text = rng.choice((f"how many {shape} are there?", f"how many {shape} are in {picture}?"))
    asked.append(Question("count", text, number[alike]))
    same = sum((other.shape, other.colour) == (look.shape, look.colour) for other in looks)
    asked.append(Question("count", f"how many {look.colour} {shape} are there?", number[same]))
    return asked


def _presence(scene: Scene, rng: random.Random) -> list[Question]:
    looks = _looks(scene)
    asked = []
    for holds in (True, False):
        what = _held(looks, rng) if holds else _lacked(looks, rng)
        asked.append(_asked_presence(what, holds, rng))
    what, holds = (_held(looks, rng), True) if rng.random() < 0.5 else (_lacked(looks, rng), False)
    asked.append(_asked_absence(what, holds, rng))
    return asked


def _asked_presence(what: str, holds: bool, rng: random.Random) -> Question:
    some, picture = with_article(what), rng.choice(_PICTURES)
    texts = (
        f"is there {some}?",
        f"is there {some} in {picture}?",
        f"does {picture} contain {some}?",
        f"is {some} present?",
    )
    return Question("presence", rng.choice(texts), "yes" if holds else "no")


def _asked_absence(what: str, holds: bool, rng: random.Random) -> Question:
    some, picture = with_article(what), rng.choice(_PICTURES)
    texts = (
        f"is there not {some}?",
        f"is there not {some} in {picture}?",
        f"does {picture} not contain {some}?",
        f"is no {what} present?",
    )
    return Question("presence", rng.choice(texts), "no" if holds else "yes")


def _held(looks: Sequence[Look], rng: random.Random) -> str:
    look = rng.choice(looks)
    names = (f"{look.colour} {look.shape}", look.shape, f"{look.colour} shape")
    return rng.choice((*names, f"{look.size} {look.colour} {look.shape}"))


def _lacked(looks: Sequence[Look], rng: random.Random) -> str:
    colours, shapes = {look.colour for look in looks}, {look.shape for look in looks}
    pairs = {(look.colour, look.shape) for look in looks}
    other_colour = rng.choice([colour for colour in COLOURS if colour not in colours])
    other_shape = rng.choice([shape for shape in SHAPES if shape not in shapes])
    look = rng.choice(looks)
    names = [
        f"{other_colour} {look.shape}",
        f"{look.colour} {other_shape}",
        other_shape,
        f"{other_colour} shape",
    ]
    # The hard ones bind one object's colour to another's shape.
    crossed = [(c, s) for c in colours for s in shapes if (c, s) not in pairs]
    names += [f"{colour} {shape}" for colour, shape in sorted(crossed)[:3]]
    return rng.choice(names)


def _places(scene: Scene, rng: random.Random) -> list[Question]:
    if scene.relation is None:
        return []
    first, second = (f"{look.colour} {look.shape}" for look in _looks(scene))
    relation: Relation = scene.relation
    if rng.random() < 0.5:
        first, second, relation = second, first, OPPOSITE[relation]
    asked = [
        Question("place", f"where is the {first}?", _place(relation)),
        Question("place", f"is the {first} {relation} the {second}?", "yes"),
    ]
    others = [other for other in RELATIONS if other != relation]
    wrong = OPPOSITE[relation] if rng.random() < 0.6 else rng.choice(others)
    asked.append(Question("place", f"is the {first} {wrong} the {second}?", "no"))
    looks = _looks(scene)
    if looks[0].colour != looks[1].colour and looks[0].shape != looks[1].shape:
        colour, shape = first.split()
        hue = rng.choice(_HUES)
        asked += [
            Question("colour", f"what {hue} is the shape {relation} the {second}?", colour),
            Question("shape", f"what is {relation} the {second}?", shape),
        ]
    return asked


def _place(relation: Relation) -> str:
    return {"left of": "left", "right of": "right", "above": "top", "below": "bottom"}[relation]


def _backgrounds(scene: Scene, rng: random.Random) -> list[Question]:
    other = rng.choice([each for each in BACKGROUNDS if each != scene.background])
    is_it = (scene.background, "yes") if rng.random() < 0.5 else (other, "no")
    return [
        Question("background", "what is the background?", scene.background),
        Question("background", f"is the background {is_it[0]}?", is_it[1]),
    ]


_ASKERS: tuple[Callable[[Scene, random.Random], list[Question]], ...] = (
    _colours,
    _shapes,
    _sizes,
    _counts,
    _presence,
    _places,
    _backgrounds,
)
