"""The four kinds of duplicates, and the thresholds between them."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from typing import Literal, Self
from zlib import crc32

from storage.errors import InvalidArgument
from storage.fields import check_fields

Kind = Literal["identical", "same-picture", "edited", "similar"]
KINDS: tuple[Kind, ...] = ("identical", "same-picture", "edited", "similar")  # most certain first
CHECKED: tuple[Kind, ...] = KINDS[1:3]  # compared at full detail before a file is dropped
_RULES = 2  # version of the comparison; a new one has all pairs compared again


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The thresholds of the kinds; `benchmarks/duplicates.py` measures recall and precision.

    The comments give measurements on 914 distinct photos and 29 edits each of 200 of them.
    """

    # Bits of 256: plain edits reached 34, distinct photos came down to 82.
    hash_distance: int = 40
    # The same for images whose features lie at the same places: pages of one application came
    # down to 78.
    page_distance: int = 60
    # PDQ's own quality, of 100: the hash of a plainer image is meaningless.
    hash_quality: int = 50
    # Share of blocks that agree: copies have at least 0.69, 95 of 100 crops with other words on
    # them 0.82; pages of one application with other contents have less. For crops, the share of
    # the textured blocks: 998 of 1,000 true ones have 0.63, two photos with one caption 0.49.
    agreement: float = 0.6
    # Number of textured blocks; skies and blank pages have none.
    textured: int = 6
    # Share of the smaller image that the other one covers.
    overlap: float = 0.6
    # Difference of the aspect ratios (logarithm): a stretched image is not a re-encoding.
    aspect: float = 0.04
    # Change of light and of saturation (1 is none) and of brightness (gray levels): JPEG at
    # quality 10 stays within 0.03, 0.1 and 1.3; an edit by 30 % is above.
    contrast: float = 0.07
    brightness: float = 6.0
    saturation: float = 0.12
    # Gray levels by which a block may differ in a copy: JPEG at quality 20 reached 15, words
    # written over an image began at 14 and were 58 in the median.
    patch: float = 20.0
    # Difference at full detail, as a multiple of the pair's noise: copies reached 2.8 (JPEG at
    # quality 10 and 20), one changed digit 4.4 at half the size and 3.0 if that had quality 20 as
    # well. The same number as `indexer.images.compare.detail.DIFFERS`.
    detail: float = 3.1
    # Cosine in the library's space: one scene in CLIP's space; other models need other values.
    cosine: float = 0.95
    # The lower threshold for shots of one camera within these seconds and metres of each other.
    burst_cosine: float = 0.9
    burst_seconds: float = 10.0
    burst_metres: float = 100.0
    # Nearest neighbours of each image; a longer burst is found through its members' neighbours.
    neighbours: int = 32
    # Least difference of two exposures, in levels of 255: even on a tripod their noise differs.
    exposure: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self)
        for field in fields(self):
            if not 0 <= getattr(self, field.name) < float("inf"):
                value = getattr(self, field.name)
                raise InvalidArgument(
                    f"{{{field.name}}} is {value}: give 0 or more",
                    parameter=field.name,
                    value=value,
                )

    def with_overrides(self, settings: Iterable[str]) -> Self:
        """Return these thresholds with some replaced, each given as "field=value".

        Raises InvalidArgument for an unknown field, or a value that is not 0 or more.
        """
        whole = {field.name: isinstance(field.default, int) for field in fields(self)}
        chosen: dict[str, float] = {}
        for setting in settings:
            name, _, number = setting.partition("=")
            name = name.strip().replace("-", "_")
            if name not in whole:
                known = ", ".join(f"{each}={getattr(self, each)}" for each in whole)
                raise InvalidArgument(
                    f"{{settings}} {setting!r}: there is no limit of that name; the limits are "
                    + known,
                    parameter="settings",
                    value=setting,
                )
            try:
                chosen[name] = int(number) if whole[name] else float(number)
            except ValueError:
                chosen[name] = -1
            if not 0 <= chosen[name] < float("inf"):
                what = "whole number" if whole[name] else "number"
                raise InvalidArgument(
                    f"{{settings}} {setting!r}: {name} is a {what}, 0 or more",
                    parameter="settings",
                    value=setting,
                )
        return replace(self, **chosen)  # type: ignore[arg-type]

    def digest(self) -> int:
        """Return a checksum of the thresholds and of the version of the comparison."""
        return crc32(repr((_RULES, *astuple(self))).encode())
