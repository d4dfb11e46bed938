"""The four kinds of duplicates, and the limits that tell them apart."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["identical", "same-picture", "edited", "similar"]
KINDS: tuple[Kind, ...] = ("identical", "same-picture", "edited", "similar")  # the surest first


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a kind begins; `benchmarks/duplicates.py` measures what these find and miss.

    Beside each stands what was seen on 917 distinct photos and 23 edits each of 200 of them.
    """

    # Bits of 256: plain edits reached 34, distinct photos came down to 82.
    hash_distance: int = 40
    # Of 100, PDQ's own: below it a picture is too plain for its hash to mean anything.
    hash_quality: int = 50
    # Share of blocks that agree: copies 0.69 at the least, crops with other words on them 0.82
    # in 95 of 100; pages of one application with other contents stay below.
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
    # Levels, of 255, by which two exposures differ at the least: a tripod's by their noise.
    exposure: float = 1.0
