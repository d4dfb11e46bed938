"""The true phrases about a scene: full descriptions first, then short ones as people type."""

from collections.abc import Iterable

from indexer.models.mini.scenes.scenes import OPPOSITE, Look, Relation, Scene

NUMBERS = {2: "two", 3: "three", 4: "four"}
_LONGER: dict[Relation, str] = {
    "left of": "to the left of",
    "right of": "to the right of",
    "above": "over",
    "below": "under",
}
_Noun = tuple[bool, bool]  # with its size, with an article
_WHOLE: _Noun = (True, True)


def captions(scene: Scene) -> tuple[str, ...]:
    """Return what is true of the scene; the first caption alone determines its content."""
    return full_captions(scene) + short_captions(scene)


def full_captions(scene: Scene) -> tuple[str, ...]:
    """Return full captions of the scene's content, in several wordings."""
    backdrop = f"a {scene.background} background"
    subjects = _subjects(scene, _WHOLE)
    texts = [f"{subject} on {backdrop}" for subject in subjects]
    texts += [f"{backdrop} with {subjects[0]}", f"a picture of {subjects[-1]} on {backdrop}"]
    return tuple(dict.fromkeys(texts))


def short_captions(scene: Scene) -> tuple[str, ...]:
    """Return short captions of a part of the scene, as people type in a hurry."""
    looks = dict.fromkeys(thing.look for thing in scene.objects)
    texts = [*_subjects(scene, _WHOLE), *_subjects(scene, (False, True))]
    texts += _subjects(scene, (False, False))
    texts += [f"{texts[0]} on a {scene.background} background"]
    texts += [f"{_subjects(scene, (False, True))[0]} on a {scene.background} background"]
    if scene.kind in ("two", "three"):
        texts += _listings([_noun(look, (False, True)) for look in looks])
        texts += [", ".join(_noun(look, (False, False)) for look in looks)]
    for look in looks:
        texts += [_noun(look, (False, True)), _noun(look, (False, False)), look.shape]
        texts += [_noun(look, _WHOLE)]
    texts += [f"a {scene.background} background"]
    full = set(full_captions(scene))
    return tuple(text for text in dict.fromkeys(texts) if text not in full)


def vocabulary() -> tuple[str, ...]:
    """List every word a caption may hold, and a few more that people type, sorted."""
    return tuple(sorted(set(_WORDS.split())))


def plural(name: str) -> str:
    """Return the word, or words, for several things of that name."""
    return name + ("es" if name.endswith("cross") else "s")


def with_article(name: str) -> str:
    """Put "a" or "an" before a name."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _subjects(scene: Scene, noun: _Noun) -> list[str]:
    looks = [thing.look for thing in scene.objects]
    if scene.kind == "one":
        return [_noun(looks[0], noun)]
    if scene.kind == "same":
        several = plural(_noun(looks[0], (noun[0], False)))
        return [f"{NUMBERS[len(looks)]} {several}", f"{len(looks)} {several}"]
    names = [_noun(look, noun) for look in looks]
    if scene.relation is not None:
        return list(_relations(names[0], scene.relation, names[1]))
    if scene.arrangement is None:
        return [f"{text} scattered" for text in _listings(names)]
    order = {"row": "from left to right", "column": "from top to bottom"}[scene.arrangement]
    listing = _listing(names)
    line = f"a {scene.arrangement}"
    return [f"{listing} in {line}", f"{listing} in {line} {order}", f"{line} of {listing}"]


def _relations(first: str, relation: Relation, second: str) -> Iterable[str]:
    for words in ({r: r for r in OPPOSITE}, _LONGER):
        yield f"{first} {words[relation]} {second}"
        yield f"{second} {words[OPPOSITE[relation]]} {first}"


def _listings(names: list[str]) -> list[str]:
    return [_listing(names), _listing(names[::-1])]


def _listing(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _noun(look: Look, noun: _Noun) -> str:
    sized, article = noun
    name = f"{look.colour} {look.shape}"
    if sized:
        name = f"{look.size} {name}"
    return with_article(name) if article else name


_WORDS = """
small big large little tiny red green blue black gray grey teal brown yellow orange purple
circle square triangle star diamond cross heart ring rectangle
circles squares triangles stars diamonds crosses hearts rings rectangles
plain striped checked dotted shaded background stripes checks dots
left right above below over under of to the top bottom row column in on from with and between
scattered a an one two three four some is are there picture photo image drawing shape shapes
object objects , . ?
what how many which colour color where yes no it does not
1 2 3 4
"""
