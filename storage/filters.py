"""Exact predicates over the catalogue: folder, date, camera, place, tags, rating, keywords.

A filter is one field of `Filters`, annotated with a `FilterField` that holds all that is known of
it: the check of its value, its SQL, and how people type it. Options and messages follow from it.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_type_hints

from sqlalchemy import ColumnElement, and_, func, or_, select

from storage import schema
from storage.errors import InvalidArgument
from storage.fields import check_fields, filled, path_text
from storage.tables.files import under
from storage.tables.items import is_shown

Conditions = Sequence[ColumnElement[bool]]
_KM_PER_DEGREE = 111.0  # of latitude, rounded down so that the box holds the circle
_MOMENT = "0000-01-01T00:00:00"  # what a date that is cut short begins with
_PERIOD = re.compile(r"^\d{4}(-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?)?)?$")
_RATING_FORM = re.compile(r"=?[0-5]|[0-5]\.\.[0-5]|rejected")
_REJECTED = -1
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
            written = f"{latitude:g},{longitude:g},{kilometres:g}"
            raise InvalidArgument(
                f"{{near}} {written} is off the map: "
                "give latitude −90…90, longitude −180…180 and kilometres above 0",
                parameter="near",
                value=written,
            )

    @classmethod
    def parse(cls, written: str) -> "Near":
        """Parse `LAT,LON,KM`, as in `46.95,7.45,20`."""
        try:
            latitude, longitude, kilometres = (float(part) for part in written.split(","))
        except ValueError:
            raise InvalidArgument(
                f"{{near}} {written!r} is not LAT,LON,KM: write it like 46.95,7.45,20",
                parameter="near",
                value=written,
            ) from None
        return cls(latitude, longitude, kilometres)


def parse_date(written: str) -> str:
    """Read a year, a month, a day or a moment (`2020`, `2020-06`, `2020-06-30T18:00`).

    Raises ValueError for what is none.
    """
    padded = _moment(written)
    try:
        if not _PERIOD.match(written):
            raise ValueError
        datetime.fromisoformat(padded)
    except ValueError:
        raise ValueError("a date, written like 2020, 2020-06 or 2020-06-30") from None
    return written.replace(" ", "T")


def absolute_folder(written: str) -> str:
    """Return the absolute path of a folder, also for `~`; raises ValueError."""
    try:
        return str(Path(path_text(written)).expanduser().resolve())
    except RuntimeError:
        raise ValueError("the path of a folder, and there is no such user") from None


def single_spaced(written: str) -> str:
    """Return a text with one blank between its words; raises ValueError for a blank text."""
    text = " ".join(written.split())
    if not text:
        raise ValueError("a text that is not blank")
    return text


def rating_text(written: str | int) -> str:
    """Read a rating, "4" (or more), "4..5", "=3" or "rejected"; raises ValueError."""
    text = str(written).strip().lower()
    if not _RATING_FORM.fullmatch(text) or (".." in text and text[0] > text[-1]):
        raise ValueError("stars from 0 to 5 as in 4 (or more), 4..5 or =3, or rejected")
    return text


def _stars(rating: str) -> tuple[int, int]:
    """Return the fewest and the most stars that a rating allows."""
    if rating == "rejected":
        return _REJECTED, _REJECTED
    return int(rating.lstrip("=")[0]), int(rating[-1]) if rating[0] == "=" or ".." in rating else 5


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
    """Return the shortest name of the first moment of a period: 2020 for 2020-01-01.

    Against it a stored date that is cut short compares, as text, by its own beginning.
    """
    for length, first in _FIRSTS:
        if len(date) == length and date.endswith(first):
            date = date.removesuffix(first)
    return date


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterField:
    """A filter: its value's check, the items that pass it, and how people type it.

    `check` returns a value as it is kept, or raises ValueError saying what it must be. `where`
    returns the conditions on `schema.items` for a value and for whether missing items count.
    """

    check: Callable[[Any], Any] = lambda value: value
    where: Callable[[Any, bool], Conditions] | None = None  # None: it leaves nothing out
    help: str
    metavar: str | None = None  # None: it is there or not
    option: str | None = None  # the name that people type, where it is not the field's
    repeatable: bool = False
    read: Callable[[str], Any] = str  # what was typed → value
    written: Callable[[Any], str] = str  # value → as it is typed

    def __call__(self, value: Any) -> Any:
        """Return a value as it is kept, as `storage.fields` asks for it."""
        return self.check(value)


def _in_folder(folder: str, missing: bool) -> Conditions:
    items, files, passages = schema.items, schema.files, schema.passages
    shown = files.c.excluded.is_(False) if missing else is_shown()
    held = select(files.c.item_id).where(and_(under(files.c.path, folder), shown))
    part = select(passages.c.item_id).where(passages.c.document_id.in_(held))
    return [or_(items.c.id.in_(held), items.c.id.in_(part))]


def _with_camera(camera: str, _: bool) -> Conditions:
    folded = func.fold_case(schema.items.c.camera)  # of `storage.catalogue`
    return [func.instr(folded, fold_case(camera)) > 0]


def _in_box(near: Near, _: bool) -> Conditions:
    """Select what lies between two parallels; `storage.selection` then measures the distance."""
    latitude, longitude = schema.items.c.latitude, schema.items.c.longitude
    reach = near.kilometres / _KM_PER_DEGREE
    bounds = near.latitude - reach, near.latitude + reach
    by_people = schema.annotations.c.latitude.between(*bounds)
    between = and_(longitude.is_not(None), latitude.between(*bounds))
    return [or_(between, _annotated(by_people))]


def _annotated(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Select the items of which people say such a thing."""
    return schema.items.c.id.in_(select(schema.annotations.c.item_id).where(condition))


def _taken(condition: Callable[[Any], ColumnElement[bool]]) -> Conditions:
    """Select by the date of the camera or, where it wrote none, of people."""
    by_people = _annotated(condition(schema.annotations.c.taken_at))
    return [or_(condition(schema.items.c.taken_at), by_people)]


def _with_rating(rating: str, _: bool) -> Conditions:
    least, most = _stars(rating)
    stars = schema.annotations.c.rating
    if least <= 0 <= most:  # which an image without a rating has
        others = ~_annotated(or_(stars < least, stars > most))
        return [others, schema.items.c.kind == "image"]
    return [_annotated(and_(stars >= least, stars <= most))]


def _with_keyword(word: str, _: bool) -> Conditions:
    table = schema.keywords
    held = select(table.c.item_id).where(table.c.folded == fold_case(word))
    return [schema.items.c.id.in_(held)]


def _with_tag(label: str, _: bool) -> Conditions:
    tagged = select(schema.tags.c.item_id).where(schema.tags.c.label == label)
    return [schema.items.c.id.in_(tagged)]


_AFTER = FilterField(
    check=parse_date,
    where=lambda date, _: _taken(lambda taken: taken >= beginning(date)),
    metavar="DATE",
    help="Taken in or after 2020, 2020-06 or 2020-06-30.",
)
_BEFORE = FilterField(
    check=parse_date,
    where=lambda date, _: _taken(lambda taken: taken < beginning(date)),
    metavar="DATE",
    help="Taken before 2020, 2020-06 or 2020-06-30.",
)
_FOLDER = FilterField(
    check=absolute_folder,
    where=_in_folder,
    option="in",
    metavar="FOLDER",
    help="In this folder or below.",
)
_CAMERA = FilterField(
    check=single_spaced,
    where=_with_camera,
    metavar="TEXT",
    help="The camera's maker or model contains this text.",
)
_NEAR = FilterField(
    where=_in_box,
    read=Near.parse,
    written=lambda near: f"{near.latitude:g},{near.longitude:g},{near.kilometres:g}",
    metavar="LAT,LON,KM",
    help="Taken within KM kilometres of a place.",
)
_TAGS = FilterField(
    check=filled,
    where=_with_tag,
    option="tag",
    repeatable=True,
    metavar="LABEL",
    help="Labelled with this label.",
)
_RATING = FilterField(
    check=rating_text,
    where=_with_rating,
    metavar="STARS",
    help="Stars: 4 (or more), 4..5, =3 or rejected.",
)
_KEYWORD = FilterField(
    check=single_spaced,
    where=_with_keyword,
    repeatable=True,
    metavar="WORD",
    help="Has this keyword, in upper or lower case; if repeated, all of them.",
)
_MISSING = FilterField(help="Include items whose files are gone.")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a search; a field that is None allows everything.

    `after` counts from the beginning of the named period on, `before` ends just before it;
    both compare the local time that the camera wrote, and of a date that is known in part its
    beginning. `camera` matches any part of maker and model, in any case of any script. `folder` is
    a path, kept as an absolute one. `missing` lets in items whose files are all gone. An item must
    carry every one of the `tags`, whichever model gave it, and every `keyword`, in any case, which
    people gave it. `rating` is of stars: 4 for that many or more, "4..5", "=3" or "rejected"; an
    image without a rating has none, 0. Raises InvalidArgument for what is no
    such thing, an empty text among them, and for a period that ends before it begins.
    """

    after: Annotated[str, _AFTER] | None = None
    before: Annotated[str, _BEFORE] | None = None
    folder: Annotated[str, _FOLDER] | None = None
    camera: Annotated[str, _CAMERA] | None = None
    near: Annotated[Near, _NEAR] | None = None
    missing: Annotated[bool, _MISSING] = False
    tags: tuple[Annotated[str, _TAGS], ...] = ()
    rating: Annotated[str | int, _RATING] | None = None
    keyword: tuple[Annotated[str, _KEYWORD], ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        if self.after and self.before and _moment(self.after) >= _moment(self.before):
            raise InvalidArgument(
                f"{{after}} {self.after} {{before}} {self.before} leaves no moment: "
                "{before} ends just before the period it names, give a later one",
                parameter="before",
                value=self.before,
                others=("after",),
            )

    @classmethod
    def read(cls, typed: Mapping[str, Any]) -> "Filters":
        """Return filters parsed from typed text, by field; raises InvalidArgument."""
        values: dict[str, Any] = {}
        for name, field in FILTERS.items():
            if field.repeatable:
                values[name] = tuple(dict.fromkeys(map(field.read, typed.get(name, ()))))
            elif field.metavar is None:
                values[name] = typed.get(name, False)
            elif typed.get(name) is not None:
                values[name] = field.read(typed[name])
        return cls(**values)

    @property
    def narrows(self) -> bool:
        """Return whether anything is left out; `missing` lets more in."""
        return next(self.given(), None) is not None

    def given(self) -> Iterator[tuple[str, Any]]:
        """Yield the name of each field that narrows and its value, each of several alone."""
        for name, field in FILTERS.items():
            value = getattr(self, name)
            several = value if field.repeatable else (value,)
            if field.where is not None:
                yield from ((name, one) for one in several if one not in (None, False))

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on `schema.items` that all must hold."""
        return [
            condition
            for name, value in self.given()
            if (where := FILTERS[name].where) is not None
            for condition in where(value, self.missing)
        ]


def _entry(hint: Any) -> FilterField:
    """Return the entry in an annotation, at any depth."""
    metadata = getattr(hint, "__metadata__", ())
    inside = (_entry(one) for one in get_args(hint) if get_args(one))
    return next((one for one in metadata if isinstance(one, FilterField)), None) or next(inside)


FILTERS: Mapping[str, FilterField] = MappingProxyType(
    {name: _entry(hint) for name, hint in get_type_hints(Filters, include_extras=True).items()}
)
