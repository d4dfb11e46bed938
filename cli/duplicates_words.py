"""The evidence of a duplicate as a person would say it."""

from collections.abc import Callable, Mapping
from typing import Any

_Say = Callable[[Any], str]


def _turned(turn: str) -> str:
    if turn == "mirror":
        return "mirrored"
    return f"turned by {turn}°" if turn.lstrip("-").isdigit() else f"turned: {turn}"


def _apart(seconds: float) -> str:
    if seconds < 120:
        return f"taken {seconds:.3g} s apart"
    if seconds < 7200:
        return f"taken {seconds / 60:.0f} minutes apart"
    return f"taken {seconds / 3600:,.0f} hours apart"


# The keys of `search.duplicates.evidence.Evidence.as_row`, in the order they are told.
_SAYINGS: dict[str, _Say] = {
    "turned": _turned,
    "reversed": lambda _: "measured the other way round",
    "agreement": lambda share: f"pixels agree to {share:.1%}",
    "hash_distance": lambda bits: f"hashes differ in {bits} of 256 bits",
    "inliers": lambda count: f"{count:,} points fit",
    "overlap": lambda share: f"{share:.0%} of the picture in common",
    "scale": lambda factor: f"{factor:.2f} times the size",
    "rotation": lambda degrees: f"rotated by {degrees:.1f}°",
    "contrast": lambda factor: f"contrast {factor - 1:+.0%}",
    "brightness": lambda levels: (
        f"{abs(levels):.0f} levels {'lighter' if levels > 0 else 'darker'}"
    ),
    "saturation": lambda factor: f"saturation {factor - 1:+.0%}",
    "colour": lambda levels: f"colours differ by {levels:.1f} of 255",
    "cosine": lambda cosine: f"likeness {cosine:.3f}",
    "seconds_apart": _apart,
    "camera": lambda camera: f"camera {camera}",
    "compared_with": lambda path: f"measured beside {path}",
}
_UNSAID = frozenset({"quality"})  # of the hash, which says nothing about how alike two are
# What is so close to this is no difference that a person would see: (nothing, how close).
_NONE = {
    "rotation": (0.0, 0.05),  # degrees
    "scale": (1.0, 0.005),
    "contrast": (1.0, 0.02),
    "saturation": (1.0, 0.02),
    "brightness": (0.0, 1.0),  # gray levels
    "colour": (0.0, 1.0),
}


def in_words(kind: str, evidence: Mapping[str, object]) -> str:
    """Tell what is known of two files, the telling first; a key nobody foresaw is told as it is."""
    if kind == "identical":
        return "the same bytes"
    said = [
        _said(key, evidence[key])
        for key in (*_SAYINGS, *(key for key in evidence if key not in _SAYINGS))
        if evidence.get(key) is not None and key not in _UNSAID
    ]
    return ", ".join(filter(None, said))


def _said(key: str, value: object) -> str:
    if isinstance(value, int | float) and key in _NONE:
        none, close = _NONE[key]
        if abs(value - none) < close:
            return ""
    try:
        return _SAYINGS[key](value)
    except (KeyError, TypeError, ValueError, AttributeError):  # a plan edited by hand
        return f"{key.replace('_', ' ')} {value}"
