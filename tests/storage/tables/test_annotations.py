"""What people say of items is found by words beside captions, and goes with the items."""

from collections.abc import Sequence

import pytest
from sqlalchemy import delete

from storage import Caption, Library, schema
from storage.records import Annotations, Capture
from storage.tables import annotations, captions, items
from storage.tables.items import Content

SAID = (
    Annotations(keywords=("Kite", "kite", "Sea"), title="Ferry", description="a red bird"),
    Annotations(rating=-1),
    Annotations(taken_at="2019", latitude=38.7, longitude=-9.1),
)


@pytest.fixture
def told(library: Library) -> Library:
    """A library of three items, the n-th with the n-th of what is said."""
    with library.catalogue.writing() as connection:
        for number, said in enumerate(SAID, start=1):
            content = Content(f"{number:064x}", "image", 1, "JPEG", 1, 1)
            item, _ = items.add(connection, content)
            annotations.record_embedded(connection, item, said, 1)
        annotations.refresh(connection, [1, 2, 3])
        connection.execute(schema.items.update().values(present=True))
    return library


def matching(library: Library, words: str) -> list[int]:
    with library.catalogue.reading() as connection:
        return captions.matching(connection, words, None, 10)


def tell(library: Library, item: int, said: Annotations) -> None:
    with library.catalogue.writing() as connection:
        annotations.record_embedded(connection, item, said, 1)
        annotations.refresh(connection, [item])


def check_words(library: Library) -> None:
    """Raise where the index of words is not that of the texts."""
    with library.catalogue.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO caption_words (caption_words, rank) VALUES ('integrity-check', 1)"
        )


def test_words_are_found_in_keywords_title_and_description(told: Library) -> None:
    for words in ("kite", "ferry", "birds", "red kite sea"):
        assert matching(told, words) == [1], words
    assert matching(told, "zebra") == []
    check_words(told)


def test_an_item_that_a_caption_names_as_well_is_found_once(told: Library) -> None:
    with told.catalogue.writing() as connection:
        rows = [Caption(1, "m", "1", "a kite"), Caption(3, "m", "1", "a kite and a kite")]
        captions.record(connection, rows)
    assert sorted(matching(told, "kite")) == [1, 3]
    check_words(told)


def test_words_follow_what_is_said(told: Library) -> None:
    tell(told, 1, Annotations(keywords=("harbour",)))
    tell(told, 2, Annotations(description="a kite"))
    assert matching(told, "kite") == [2]
    assert matching(told, "harbour") == [1]
    tell(told, 1, Annotations())
    assert matching(told, "harbour") == []
    check_words(told)
    with told.catalogue.writing() as connection:
        connection.execute(delete(schema.items))
    assert matching(told, "kite") == []
    check_words(told)


def test_keywords_that_differ_in_case_alone_are_one(told: Library) -> None:
    with told.catalogue.reading() as connection:
        said = annotations.of_items(connection, [1, 2, 3])
    assert said[1]["keywords"] == ("Kite", "Sea")
    assert said[1]["description"] == "Ferry\na red bird"
    assert said[2]["rating"] == -1
    assert said[3]["annotated"] == Capture(taken_at="2019", latitude=38.7, longitude=-9.1)


@pytest.mark.parametrize("said", [*SAID, Annotations()])
def test_annotations_are_stored_as_they_are(said: Annotations) -> None:
    assert annotations.unpacked(annotations.packed(said)) == said


@pytest.mark.parametrize(
    ("known", "joined"),
    [
        ([], Annotations()),
        ([Annotations(0), Annotations(5)], Annotations(0)),
        ([Annotations(), Annotations(5)], Annotations(5)),
        (
            [Annotations(keywords=("a", "b")), Annotations(keywords=("b", "c"), title="t")],
            Annotations(keywords=("a", "b", "c"), title="t"),
        ),
        (
            [Annotations(latitude=1.0, longitude=2.0), Annotations(latitude=3.0, longitude=4.0)],
            Annotations(latitude=1.0, longitude=2.0),
        ),
    ],
)
def test_the_first_counts_and_keywords_are_united(
    known: Sequence[Annotations], joined: Annotations
) -> None:
    assert Annotations.joined(*known) == joined
