"""What was seen of two pictures, for a person to judge by."""

from dataclasses import dataclass, fields

from search.dedup.detect.kinds import Kind


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why two pictures are called what they are called; what was not looked at is None."""

    kind: Kind
    hash_distance: int | None = None  # bits of 256
    quality: int | None = None  # the lower of the two, 0 to 100
    turned: str | None = None  # "90", "mirror", …: how the second lies beside the first
    agreement: float | None = None  # share of blocks, 0 to 1
    colour: float | None = None  # mean difference of the channels, 0 to 255
    patch: float | None = None  # gray levels, of the block that differs most
    contrast: float | None = None  # of the second by the first; 1 is the same
    brightness: float | None = None  # gray levels that the second is lighter
    saturation: float | None = None  # of the second by the first; 1 is the same
    inliers: int | None = None  # local features that agree on how one lies on the other
    scale: float | None = None
    rotation: float | None = None  # degrees
    overlap: float | None = None  # share of the smaller, 0 to 1
    # At full detail: whether something differs, by how many times the pair's noise the window that
    # differs most does, in what ("light", "colour", "transparency", "noise"), and where (0 to 1).
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
        """Return what is known, by name, without the kind."""
        known = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in known
            if name != "kind" and value is not None
        }
