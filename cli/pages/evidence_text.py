"""The evidence of a duplicate, and what was said of it, as a person would say it."""

from collections.abc import Callable, Mapping
from typing import Any

from indexer.images.metadata.description import Metadata

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


# The keys of `search.dedup.detect.evidence.Evidence.as_row`, in the order they are told.
_SAYINGS: dict[str, _Say] = {
    "turned": _turned,
    "reversed": lambda _: "measured the other way round",
    "agreement": lambda share: f"blocks of pixels agree to {share:.1%}",
    "hash_distance": lambda bits: f"hashes differ in {bits} of 256 bits",
    "inliers": lambda count: f"{count:,} points fit",
    "overlap": lambda share: f"{share:.0%} of the image in common",
    "scale": lambda factor: f"{factor:.2f} times the size",
    "rotation": lambda degrees: f"rotated by {degrees:.1f}°",
    "contrast": lambda factor: f"contrast {factor - 1:+.0%}",
    "brightness": lambda levels: (
        f"{abs(levels):.0f} levels {'lighter' if levels > 0 else 'darker'}"
    ),
    "saturation": lambda factor: f"saturation {factor - 1:+.0%}",
    "patch": lambda levels: f"largest difference of a block {levels:.1f} of 255",
    "colour": lambda levels: f"colours differ by {levels:.1f} of 255",
    "cosine": lambda cosine: f"likeness {cosine:.3f}",
    "seconds_apart": _apart,
    "metres_apart": lambda metres: (
        f"{metres:.0f} m apart" if metres < 1000 else f"{metres / 1000:,.1f} km apart"
    ),
    "camera": lambda camera: f"camera {camera}",
    "frames": lambda count: (
        f"{count:,} frames or pages, of which the first was compared"
        if count
        else "it may hold more than the first frame, which was compared"
    ),
    "compared_with": lambda path: f"measured beside {path}",
}
_LONGEST, _MOST_KEYWORDS = 300, 50  # characters and words that a card shows
# The hash's, which says nothing about how alike two are; what a file holds, told apart; and what
# `_differs` tells.
_OF_DETAIL = frozenset({"differs", "detail", "detail_in", "detail_x", "detail_y"})
_UNSAID = _OF_DETAIL | {"quality", "extras"}
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
    """Return what is known of two files in words; a key nobody foresaw is written as it is."""
    if kind == "identical":
        return "the same bytes"
    unsaid = _UNSAID | ({"frames"} if "extras" in evidence else set())
    said = [
        _said(key, evidence[key])
        for key in (*_SAYINGS, *(key for key in evidence if key not in _SAYINGS))
        if evidence.get(key) is not None and key not in unsaid
    ]
    return ", ".join(filter(None, (_differs(evidence), *said)))


def _differs(evidence: Mapping[str, object]) -> str:
    """Return what a look at full detail saw, and where."""
    if evidence.get("differs") is None:
        return ""
    if not evidence["differs"]:
        return "no detail differs at full size"
    if evidence.get("detail_in") == "noise":
        return "two shots of one view, by their noise"
    what = "the transparency" if evidence.get("detail_in") == "transparency" else "a detail"
    across, down = evidence.get("detail_x"), evidence.get("detail_y")
    if not isinstance(across, int | float) or not isinstance(down, int | float):
        return f"{what} differs"
    return f"{what} differs, {across:.0%} from the left and {down:.0%} from the top"


def _said(key: str, value: object) -> str:
    if isinstance(value, int | float) and key in _NONE:
        none, close = _NONE[key]
        if abs(value - none) < close:
            return ""
    try:
        return _SAYINGS[key](value)
    except (KeyError, TypeError, ValueError, AttributeError):  # a plan edited by hand
        return f"{key.replace('_', ' ')} {value}"


def metadata_in_words(known: Metadata) -> dict[str, str | list[str]]:
    """Return what is known of an image, by what it is called; keywords stay apart."""
    said: dict[str, str | list[str]] = {}
    if known.keywords:
        said["keywords"] = [_short(word) for word in known.keywords[:_MOST_KEYWORDS]]
    if known.rating is not None:
        said["rating"] = "rejected" if known.rating < 0 else f"{known.rating} of 5"
    if known.title:
        said["title"] = _short(known.title)
    if known.description:
        said["description"] = _short(known.description)
    if known.latitude is not None and known.longitude is not None:
        said["place"] = f"{known.latitude:.5f}, {known.longitude:.5f}"
    if known.taken_at:
        said["taken"] = known.taken_at.replace("T", " ")
    if known.created_at:
        said["created"] = known.created_at.replace("T", " ")
    if known.camera:
        said["camera"] = _short(known.camera)
    return said


def metadata_in_line(known: Metadata) -> str:
    """Return what is known of an image in one line."""
    said = metadata_in_words(known).items()
    return "; ".join(
        f"{name} {', '.join(told) if isinstance(told, list) else told}" for name, told in said
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
