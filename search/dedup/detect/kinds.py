"""The four kinds of duplicates, and the limits that tell them apart."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from typing import Literal, Self
from zlib import crc32

from storage.errors import InvalidArgument
from storage.fields import check_fields

Kind = Literal["identical", "same-picture", "edited", "similar"]
KINDS: tuple[Kind, ...] = ("identical", "same-picture", "edited", "similar")  # the surest first
CHECKED: tuple[Kind, ...] = KINDS[1:3]  # that pixels decide: looked at closely before a drop
_RULES = 2  # rises with what pairs are judged by, so that those found before are judged anew


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a kind begins; `benchmarks/duplicates.py` measures what these find and miss.

    Beside each stands what was seen on 914 distinct photos and 29 edits each of 200 of them.
    """

    # Bits of 256: plain edits reached 34, distinct photos came down to 82.
    hash_distance: int = 40
    # The same, of pictures whose features lie at the same places: pages of one application came
    # down to 78.
    page_distance: int = 60
    # Of 100, PDQ's own: below it a picture is too plain for its hash to mean anything.
    hash_quality: int = 50
    # Share of blocks that agree: copies 0.69 at the least, crops with other words on them 0.82
    # in 95 of 100; pages of one application with other contents stay below. Of crops as many of
    # the blocks with texture: true ones 0.63 in 998 of 1,000, two photos with one caption 0.49.
    agreement: float = 0.6
    # Blocks with something to see in them; skies and blank pages have none.
    textured: int = 6
    # Share of the smaller picture that the other covers.
    overlap: float = 0.6
    # Sides, as a ratio: a picture that is stretched is not a re-encoding.
    aspect: float = 0.04
    # Change of light and of saturation (1 is none) and of brightness (gray levels): JPEG at
    # quality 10 stays within 0.03, 0.1 and 1.3, a change by 30 % is beyond.
    contrast: float = 0.07
    brightness: float = 6.0
    saturation: float = 0.12
    # Gray levels by which a block may differ in a copy: JPEG at quality 20 reached 15, words
    # written over a picture began at 14 and were 58 in the median.
    patch: float = 20.0
    # At full detail, times the pair's noise: copies came to 2.8 (JPEG at quality 10 and 20), one
    # digit to 4.4 at half the size and to 3.0 where that was of quality 20 as well: the same number
    # as `indexer.images.compare.detail.DIFFERS`.
    detail: float = 3.1
    # In the library's space. One scene in a CLIP's; models differ, and so may you.
    cosine: float = 0.95
    # Of one camera's shots within seconds and metres of each other less will do.
    burst_cosine: float = 0.9
    burst_seconds: float = 10.0
    burst_metres: float = 100.0
    # Pictures that each is held against: more of a long burst are found by their own neighbours.
    neighbours: int = 32
    # Levels, of 255, by which two exposures differ at the least: a tripod's by their noise.
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

    def changed(self, settings: Iterable[str]) -> Self:
        """Return these limits with some set otherwise: "cosine=0.9", each a field of this class.

        Raises InvalidArgument for a name there is not, or no number that is 0 or more.
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
        """Return a number that other limits, and other rules, do not have."""
        return crc32(repr((_RULES, *astuple(self))).encode())
