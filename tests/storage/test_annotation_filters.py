"""Filters by rating, keyword, and by date and place where people alone say them."""

import pytest

from storage import Filters, Library, schema
from storage.errors import InvalidArgument
from storage.records import Annotations, Capture
from storage.selection import select_items
from storage.tables import annotations, items
from storage.tables.items import Content

SAID = (
    Annotations(),
    Annotations(rating=-1, keywords=("Sea",)),
    Annotations(rating=0, keywords=("SEA", "Red Kite")),
    Annotations(rating=3, keywords=("seaside", "Café")),
    Annotations(4, ("red  kite",), taken_at="2019-05-02", latitude=46.9, longitude=7.4),
    Annotations(rating=5, keywords=("sea", "cafe"), taken_at="2019"),
)


@pytest.fixture
def told(library: Library) -> Library:
    """A library of images; of the n-th what is said comes n-th. The last has a camera's date."""
    with library.catalogue.writing() as connection:
        for number, said in enumerate(SAID, start=1):
            capture = Capture(taken_at="2015" if number == len(SAID) else None)
            content = Content(f"{number:064x}", "image", 1, "JPEG", 1, 1, capture)
            item, _ = items.add(connection, content)
            annotations.record_embedded(connection, item, said, 1)
        annotations.refresh(connection, range(1, len(SAID) + 1))
        items.add(connection, Content("f" * 64, "text", 1, "text", text="sea"))
        connection.execute(schema.items.update().values(present=True))
    return library


def chosen(library: Library, filters: Filters) -> list[int]:
    with library.catalogue.reading() as connection:
        return select_items(connection, "image", filters)


@pytest.mark.parametrize(
    ("rating", "expected"),
    [
        ("4", [5, 6]),
        (4, [5, 6]),
        ("=3", [4]),
        ("3..4", [4, 5]),
        ("rejected", [2]),
        (" Rejected ", [2]),
        ("0", [1, 3, 4, 5, 6]),  # an image without a rating has no stars
        (0, [1, 3, 4, 5, 6]),
        ("=0", [1, 3]),
        ("0..3", [1, 3, 4]),
        ("1", [4, 5, 6]),
        ("=5", [6]),
    ],
)
def test_a_rating_is_of_stars(told: Library, rating: str | int, expected: list[int]) -> None:
    assert chosen(told, Filters(rating=rating)) == expected


@pytest.mark.parametrize("rating", ["", "6", "-1", "4+", "5..4", "3..", "=", "many", 7])
def test_what_is_no_rating_is_refused(rating: str | int) -> None:
    with pytest.raises(InvalidArgument, match="^rating is .*: it must be stars from 0 to 5"):
        Filters(rating=rating)


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        (("sea",), [2, 3, 6]),
        (("SEA",), [2, 3, 6]),
        (("café",), [4]),
        (("CAFE\u0301",), [4]),
        (("sea", "red kite"), [3]),
        (("kite",), []),
    ],
)
def test_a_keyword_is_whole_and_of_any_case(
    told: Library, keyword: tuple[str, ...], expected: list[int]
) -> None:
    assert chosen(told, Filters(keyword=keyword)) == expected


def test_a_keyword_that_is_blank_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="^keyword is ' '"):
        Filters(keyword=(" ",))


def test_filters_are_read_from_what_is_typed() -> None:
    nothing = dict.fromkeys(("after", "before", "folder", "camera", "near", "missing"))
    typed = {**nothing, "missing": False, "tags": (), "rating": "4", "keyword": ("sea", "sea")}
    assert Filters.read(typed) == Filters(rating="4", keyword=("sea",))
    assert list(Filters(rating=4, keyword=("a", "b")).given()) == [
        ("rating", "4"),
        ("keyword", "a"),
        ("keyword", "b"),
    ]


def test_the_date_of_people_counts_where_the_camera_wrote_none(told: Library) -> None:
    assert chosen(told, Filters(after="2019")) == [5]
    assert chosen(told, Filters(before="2016")) == [6]


def test_the_place_of_people_counts_where_the_camera_wrote_none(told: Library) -> None:
    typed = {"near": "46.9,7.4,5", "missing": False, "tags": (), "keyword": ()}
    near = Filters.read(
        {**dict.fromkeys(("after", "before", "folder", "camera", "rating")), **typed}
    )
    assert chosen(told, near) == [5]
