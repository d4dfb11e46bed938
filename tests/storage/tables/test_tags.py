"""Tags are stored once for each model and label, narrow a search, and go with their items."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Report
from storage import Filters, Library, Tag
from storage.selection import select_items, select_vectors
from storage.tables import tags

Index = Callable[..., Report]


@pytest.fixture
def tagged(library: Library, photos: Path, index: Index) -> Library:
    """A library of six photos: 1 to 3 are beaches, 3 and 4 sunsets, by one model."""
    index(photos)
    labels = [(1, "beach"), (2, "beach"), (3, "beach"), (3, "sunset"), (4, "sunset")]
    write(library, *(Tag(item, label, "m", 0.5) for item, label in labels))
    return library


def write(library: Library, *rows: Tag) -> None:
    with library.catalogue.writing() as connection:
        for tag in rows:
            tags.record(connection, tag.model, [tag])


def chosen(library: Library, filters: Filters) -> list[int]:
    """The items a filter allows, which are also those of the vectors it allows."""
    with library.catalogue.reading() as connection:
        numbers = select_items(connection, "image", filters)
        of_vectors = select_vectors(connection, 1, "image", filters)
        if of_vectors.included is not None:  # here item n has vector n
            assert of_vectors.included.tolist() == numbers
    return numbers


def test_every_named_tag_must_be_there(tagged: Library, photos: Path) -> None:
    assert chosen(tagged, Filters()) == [1, 2, 3, 4, 5, 6]
    assert chosen(tagged, Filters(tags=("beach",))) == [1, 2, 3]
    assert chosen(tagged, Filters(tags=("beach", "sunset"))) == [3]
    assert chosen(tagged, Filters(tags=("zebra",))) == []
    assert chosen(tagged, Filters(tags=("sunset",), folder=str(photos / "summer"))) == []


def test_items_whose_files_are_missing_are_chosen_only_when_asked_for(
    tagged: Library, photos: Path, index: Index
) -> None:
    (photos / "0.png").unlink()
    index(photos)
    assert chosen(tagged, Filters(tags=("beach",))) == [2, 3]
    assert chosen(tagged, Filters()) == [2, 3, 4, 5, 6]
    assert chosen(tagged, Filters(tags=("beach",), missing=True)) == [1, 2, 3]
    with tagged.catalogue.reading() as connection:
        assert select_items(connection, "image", Filters(missing=True)) == [1, 2, 3, 4, 5, 6]
        assert select_items(connection, "text", Filters(missing=True)) == []


def test_a_tag_given_again_has_the_new_score(tagged: Library) -> None:
    write(tagged, Tag(3, "beach", "m", 0.9), Tag(3, "beach", "n", 0.1))
    with tagged.catalogue.reading() as connection:
        assert tags.of_items(connection, [3, 5]) == {
            3: [Tag(3, "beach", "m", 0.9), Tag(3, "sunset", "m", 0.5), Tag(3, "beach", "n", 0.1)]
        }


def test_tags_are_counted_and_removed_by_label_and_model(tagged: Library) -> None:
    write(tagged, Tag(1, "beach", "n", 0.1))
    with tagged.catalogue.writing() as connection:
        assert tags.counts(connection) == [
            ("beach", "m", 3),
            ("beach", "n", 1),
            ("sunset", "m", 2),
        ]
        assert tags.remove(connection, "beach", "m") == 3
        assert tags.remove(connection, model="m") == 2
        assert tags.counts(connection) == [("beach", "n", 1)]
        assert tags.remove(connection, "sunset") == 0
        assert tags.remove(connection) == 1


def test_tags_go_with_their_items(tagged: Library, photos: Path) -> None:
    tagged.apply(tagged.plan_remove(str(photos / "2.png")), "remove")
    with tagged.catalogue.reading() as connection:
        assert tags.counts(connection) == [("beach", "m", 2), ("sunset", "m", 1)]
