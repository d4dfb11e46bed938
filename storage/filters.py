"""Exact predicates over the catalogue: folder, date, camera, place, presence."""

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from storage.errors import InvalidArgument
from storage.fields import check_fields, filled, path_text

_MOMENT = "0000-01-01T00:00:00"  # what a date that is cut short begins with
_PERIOD = re.compile(r"^\d{4}(-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?)?)?$")
# What a date of so many characters ends with where a shorter one names the same beginning.
_FIRSTS = ((19, ":00"), (16, "T00:00"), (10, "-01"), (7, "-01"))


@dataclass(frozen=True, slots=True)
class Near:
    """A circle on the earth: degrees, degrees, kilometres."""

    latitude: float
    longitude: float
    kilometres: float

    def __post_init__(self) -> None:
        check_fields(self)
        latitude, longitude, kilometres = self.latitude, self.longitude, self.kilometres
        within = abs(latitude) <= 90 and abs(longitude) <= 180 and 0 < kilometres < math.inf
        if not within:
            raise InvalidArgument(
                f"--near {latitude:g},{longitude:g},{kilometres:g} is off the map: "
                "give latitude −90…90, longitude −180…180 and kilometres above 0"
            )

    @classmethod
    def parse(cls, written: str) -> "Near":
        """Read `LAT,LON,KM`, as in `46.95,7.45,20`."""
        try:
            latitude, longitude, kilometres = (float(part) for part in written.split(","))
        except ValueError:
            raise InvalidArgument(
                f"--near {written!r} is not LAT,LON,KM: write it like 46.95,7.45,20"
            ) from None
        return cls(latitude, longitude, kilometres)


def parse_date(written: str) -> str:
    """Read a year, a month, a day or a moment (`2020`, `2020-06`, `2020-06-30T18:00`)."""
    padded = _moment(written)
    try:
        if not _PERIOD.match(written):
            raise ValueError
        datetime.fromisoformat(padded)
    except ValueError:
        raise InvalidArgument(
            f"{written!r} is not a date: write it like 2020, 2020-06 or 2020-06-30"
        ) from None
    return written.replace(" ", "T")


def absolute_folder(written: str) -> str:
    """Read the path of a folder, from the current one or with `~`; raises ValueError."""
    try:
        return str(Path(path_text(written)).expanduser().resolve())
    except RuntimeError:
        raise ValueError("the path of a folder, and there is no such user") from None


def single_spaced(written: str) -> str:
    """Return a text with one blank between its words; raises ValueError where there are none."""
    text = " ".join(written.split())
    if not text:
        raise ValueError("a text that is not blank")
    return text


def _moment(date: str) -> str:
    return date + _MOMENT[len(date) :]


def fold_case(text: str) -> str:
    """Return a text for caseless matching: texts that differ in case or composition alone agree.

    The canonical caseless match of the Unicode Standard, section 3.13 (D145), composed again so
    that "e" is no part of "é". Halves of surrogate pairs become "?", as the catalogue stores them.
    """
    whole = text.encode("utf-8", "replace").decode("utf-8")
    folded = unicodedata.normalize("NFD", whole).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded))


def beginning(date: str) -> str:
    """Return the shortest name of the moment that a period begins with: 2020 for 2020-01-01.

    Against it a stored date that is cut short compares, as text, by its own beginning.
    """
    for length, first in _FIRSTS:
        if len(date) == length and date.endswith(first):
            date = date.removesuffix(first)
    return date


@dataclass(frozen=True, slots=True)
class Filters:
    """Which items may be hits at all; every field left None allows everything.

    `after` counts from the beginning of the named period on, `before` ends just before it;
    both compare the local time that the camera wrote, and of a date that is known in part its
    beginning. `camera` matches any part of maker and model, in any case of any script. `folder` is
    a path, kept as an absolute one. `missing` lets in items whose files are all gone. An item must
    carry every one of the `tags`, whichever model gave it. Raises InvalidArgument for what is no
    such thing, an empty text among them, and for a period that ends before it begins.
    """

    after: Annotated[str, parse_date] | None = None
    before: Annotated[str, parse_date] | None = None
    folder: Annotated[str, absolute_folder] | None = None
    camera: Annotated[str, single_spaced] | None = None
    near: Near | None = None
    missing: bool = False
    tags: tuple[Annotated[str, filled], ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        if self.after and self.before and _moment(self.after) >= _moment(self.before):
            raise InvalidArgument(
                f"--after {self.after} --before {self.before} leaves no moment: "
                "--before ends just before the period it names, give a later one"
            )
