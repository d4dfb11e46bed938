"""The evidence that two images are duplicates: what was measured of the pair."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from search.dedup.detect.kinds import Kind

_STORED = {
    "orientation": "turned"
}  # names in rows of the catalogue and of plans, where they differ


@dataclass(frozen=True, slots=True)
class Evidence:
    """The measurements behind a pair's kind; None for what was not measured."""

    kind: Kind
    hash_distance: int | None = None  # bits of 256
    quality: int | None = None  # the lower of the two, 0 to 100
    orientation: str | None = None  # "90", "mirror", …: of the second beside the first
    agreement: float | None = None  # share of blocks, 0 to 1
    colour: float | None = None  # mean difference of the channels, 0 to 255
    patch: float | None = None  # gray levels, of the block that differs most
    contrast: float | None = None  # of the second by the first; 1 is the same
    brightness: float | None = None  # gray levels by which the second is lighter
    saturation: float | None = None  # of the second by the first; 1 is the same
    inliers: int | None = None  # local features that agree on how one lies on the other
    scale: float | None = None
    rotation: float | None = None  # degrees
    overlap: float | None = None  # share of the smaller, 0 to 1
    # At full detail: whether the pair differs; for the window that differs most the difference as
    # a multiple of the pair's noise, its channel ("light", "colour", "transparency", "noise"), and
    # its place (0 to 1).
    differs: bool | None = None
    detail: float | None = None
    detail_in: str | None = None
    detail_x: float | None = None
    detail_y: float | None = None
    cosine: float | None = None  # in the library's space, -1 to 1
    seconds_apart: float | None = None
    metres_apart: float | None = None
    camera: str | None = None

    def as_row(self) -> dict[str, object]:
        """Return the known measurements by their stored names, without the kind."""
        known = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {
            _STORED.get(name, name): round(value, 3) if isinstance(value, float) else value
            for name, value in known
            if name != "kind" and value is not None
        }

    @classmethod
    def from_row(cls, kind: Kind, row: Mapping[str, Any]) -> Self:
        """Return the evidence of a row that `as_row` made."""
        names = {stored: name for name, stored in _STORED.items()}
        return cls(kind, **{names.get(key, key): value for key, value in row.items()})
