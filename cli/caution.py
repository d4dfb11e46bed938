"""A warning where a model answers about what it does not understand."""

from pathlib import Path

from indexer.models import Role, default_for, is_mini
from storage import Library

DEMO_MARKER = ".sightline-demo"
_MINI = "knows drawn shapes only"
_STAND_IN = "is for tests and understands nothing"
# What reads photos in place of a mini, by the command that asks.
_INSTEAD = {
    "captioner": "sightline describe --model {better}",
    "answerer": "sightline ask --model {better}",
    "dialogue": "sightline chat --model {better}",
    "pair-scorer": "sightline search --rerank-model {better}",
}
_SWITCH = "first sightline index --model {better}, then sightline use {better}"


def caution(library: Library, role: Role = "dual-encoder") -> str | None:
    """Return a warning where the default model of a role does not understand photos, or None."""
    space = library.space()
    if space is None or (is_mini(space) and _is_drawn(library)):
        return None
    knows = _STAND_IN if space.name == "stand-in" else _MINI if is_mini(space) else ""
    if not knows or (role != "dual-encoder" and not is_mini(space)):
        return None
    name = space.name if role == "dual-encoder" else default_for(role, space)
    better = _INSTEAD.get(role, _SWITCH).format(better=default_for(role))
    return f"{name} {knows}; for photos: {better}"


def _is_drawn(library: Library) -> bool:
    """Return whether the library holds nothing but what `sightline demo` has drawn."""
    home = library.path.parent
    marked = (home / DEMO_MARKER).exists()
    return marked and all(Path(root.path).is_relative_to(home) for root in library.roots())
