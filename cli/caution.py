"""A word where a model answers for what it does not understand."""

from pathlib import Path

from indexer.models import RECOMMENDED, is_mini
from storage import Library

DEMO_MARKER = ".sightline-demo"
_CAUTION = "{name} {knows}; for photos: sightline index --model {better}, sightline use {better}"
_MINI = "knows drawn shapes only"
_STAND_IN = "is for tests and understands nothing"


def caution(library: Library) -> str | None:
    """Return where a model answers for what it does not understand; None where all is well."""
    space = library.space()
    if space is None or (is_mini(space) and _is_drawn(library)):
        return None
    knows = _STAND_IN if space.name == "stand-in" else _MINI if is_mini(space) else ""
    return _CAUTION.format(name=space.name, knows=knows, better=RECOMMENDED) if knows else None


def _is_drawn(library: Library) -> bool:
    """Return whether the library holds nothing but what `sightline demo` has drawn."""
    home = library.path.parent
    marked = (home / DEMO_MARKER).exists()
    return marked and all(Path(root.path).is_relative_to(home) for root in library.roots())
