"""Filters in SQL select what their twins in Python do."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import Filters, Library, schema
from storage.errors import InvalidArgument
from storage.filters import beginning, fold_case
from storage.records import Capture
from storage.selection import select_items
from storage.tables import items
from storage.tables.items import Content

DATES = (
    "2014-12-31T23:59:59",
    "2015",
    "2015-01",
    "2015-01-01",
    "2015-01-01T00:00:00.250+02:00",
    "2015-06-30",
    "2015-07",
    "2015-07-01T00:00:00",
    "2015-07-04",
    "2015-07-04T00:00",
    "2015-07-04T12:30",
    "2015-07-04T12:30:00+02:00",
    "2015-07-04T12:30:05",
    "2016",
)
BOUNDS = (
    "2015",
    "2015-01",
    "2015-01-01",
    "2015-07",
    "2015-07-01",
    "2015-07-01T00:00",
    "2015-07-04",
    "2015-07-04T00:00:00",
    "2015-07-04T12:30:00",
    "2015-07-04T12:31",
    "2016-01-01T00:00:00",
)
CAMERAS = (
    "Canon EOS 40D",
    "ÉCLAIR Caméra",
    "ЗЕНИТ-Е",
    "Ζενίθ ΣΑΣ",
    "小米 红米 Note",
    "STRASSE 5",
    "ﬁlm",
    "100% _",
    "ԵՐԵՎԱՆ",
)


def moment(date: str) -> str:
    """When a period begins, to the second."""
    return date[:19] + "0000-01-01T00:00:00"[len(date[:19]) :]


def chosen(library: Library, captures: list[Capture], filters: Filters) -> list[Capture]:
    with library.catalogue.reading() as connection:
        return [captures[number - 1] for number in select_items(connection, "image", filters)]


@pytest.fixture
def dated(library: Library) -> list[Capture]:
    return stored(library, [Capture(taken_at=date) for date in DATES])


def stored(library: Library, captures: list[Capture]) -> list[Capture]:
    with library.catalogue.writing() as connection:
        for number, capture in enumerate(captures):
            items.add(connection, Content(f"{number:064x}", "image", 1, "JPEG", 1, 1, capture))
        connection.execute(schema.items.update().values(present=True))
    return captures


def test_a_date_in_part_counts_as_its_beginning(library: Library, dated: list[Capture]) -> None:
    for after, before in product((None, *BOUNDS), repeat=2):
        if after is not None and before is not None and moment(after) >= moment(before):
            continue  # a period of no moment is refused
        found = chosen(library, dated, Filters(after=after, before=before))
        expected = [
            capture
            for capture in dated
            if (after is None or moment(capture.taken_at or "") >= moment(after))
            and (before is None or moment(capture.taken_at or "") < moment(before))
        ]
        assert found == expected, (after, before)


@pytest.mark.parametrize(
    ("date", "shortest"),
    [
        # Pairs of dates, as a test of EXIF has them, about another function.
        ("2015-01-01T00:00:00", "2015"),
        ("2015-07-01T00:00", "2015-07"),
        ("2015-07-04T00:00:00", "2015-07-04"),
        ("2015-07-04T12:00:00", "2015-07-04T12:00"),
        ("2015-07-04T12:30:05", "2015-07-04T12:30:05"),
        ("2015-10-01", "2015-10"),
    ],
)
def test_a_moment_has_a_shortest_name(date: str, shortest: str) -> None:
    assert beginning(date) == shortest


@pytest.mark.parametrize(
    ("wanted", "camera"),
    [
        ("canon eos", "Canon EOS 40D"),
        ("éclair", "ÉCLAIR Caméra"),
        ("CAME\u0301RA", "ÉCLAIR Caméra"),
        ("зенит", "ЗЕНИТ-Е"),
        ("ζενίθ σας", "Ζενίθ ΣΑΣ"),
        ("红米", "小米 红米 Note"),
        ("straße", "STRASSE 5"),
        ("FILM", "ﬁlm"),
        ("100% _", "100% _"),
        (" Canon \t EOS\u00a0", "Canon EOS 40D"),
        ("երեվան", "ԵՐԵՎԱՆ"),
    ],
)
def test_a_camera_is_found_in_any_case_of_its_script(
    library: Library, wanted: str, camera: str
) -> None:
    captures = stored(library, [Capture(camera=name) for name in (*CAMERAS, None)])
    assert chosen(library, captures, Filters(camera=wanted)) == [Capture(camera=camera)]


@pytest.mark.parametrize("nothing", ["", " ", "\t\n", "\u3000"])
def test_a_camera_that_is_blank_is_refused(nothing: str) -> None:
    with pytest.raises(InvalidArgument, match="^camera is .*: it must be a text that is not blank"):
        Filters(camera=nothing)


def test_a_tag_that_is_empty_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="^tags is '': it must be a text that is not empty"):
        Filters(tags=("kite", ""))


@given(st.text(max_size=6), st.text(max_size=6))
def test_case_and_composition_are_all_that_folding_takes_away(first: str, second: str) -> None:
    assert fold_case(fold_case(first)) == fold_case(first)
    if first.isascii() and second.isascii():
        assert (fold_case(first) == fold_case(second)) == (first.lower() == second.lower())


def test_what_no_catalogue_holds_is_folded_as_it_is_stored() -> None:
    assert fold_case("cam\udcff") == fold_case("CAM?")
