"""Captions are stored once for each model, found by their words, and go with their items."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Report
from storage import Caption, Filters, Library
from storage.selection import select_items
from storage.tables import captions

Index = Callable[..., Report]
TEXTS = (
    "two red dogs on a beach",
    "a red circle above a blue square",
    "a blue car on a street",
    "a cat",
    "don't walk on the grass 🙂",
    "ein schöner Garten",
)


@pytest.fixture
def described(library: Library, photos: Path, index: Index) -> Library:
    """A library of six photos, each with a caption; item n has the n-th text."""
    index(photos)
    write(library, *(Caption(n, "m", "1", text) for n, text in enumerate(TEXTS, start=1)))
    return library


def write(library: Library, *rows: Caption) -> None:
    with library.catalogue.writing() as connection:
        captions.record(connection, rows)


def matching(
    library: Library, words: str, allowed: list[int] | None = None, limit: int = 10
) -> list[int]:
    with library.catalogue.reading() as connection:
        return captions.matching(connection, words, allowed, limit)


def of_items(library: Library, *items: int, model: str | None = None) -> dict[int, str]:
    with library.catalogue.reading() as connection:
        return captions.of_items(connection, items, model)


def test_all_words_come_before_any_word(described: Library) -> None:
    assert matching(described, "blue car") == [3, 2]
    assert matching(described, "red square")[0] == 2
    assert matching(described, "red square", limit=1) == [2]
    assert matching(described, "zebra") == []


def test_endings_and_accents_make_no_difference(described: Library) -> None:
    assert matching(described, "Dog") == [1]
    assert matching(described, "schoner GARTEN") == [6]


def test_a_word_of_every_caption_finds_nothing_unless_it_is_all_there_is(
    described: Library,
) -> None:
    assert matching(described, "a photo of a cat") == [4]
    assert set(matching(described, "a")) == {1, 2, 3, 4}
    assert captions.is_content_word("Cat")
    assert not captions.is_content_word("What?")


@pytest.mark.parametrize(
    "words",
    [
        "",
        " ",
        '"',
        '""cat',
        "cat AND",
        "NOT cat",
        "cat NEAR(dog, 2)",
        "cat*",
        "text: cat",
        "(cat",
        "-cat",
        "cat\0dog",
        "^cat + dog",
        "🙂 — ❤️",
        "\ud83d cat",
        "'; DROP TABLE captions; --",
        "%s ? :words",
        "cat " * 10_000,
        " ".join(map(str, range(10_000))),
    ],
)
def test_a_persons_words_are_never_orders(described: Library, words: str) -> None:
    found = matching(described, words)
    assert not found or found[0] in (4, 5)


def test_only_what_is_allowed_is_found(described: Library) -> None:
    assert matching(described, "red", [2, 3]) == [2]
    assert matching(described, "red", []) == []
    assert set(matching(described, "red")) == {1, 2}


def test_items_whose_files_are_missing_are_hidden_unless_allowed(
    described: Library, photos: Path, index: Index
) -> None:
    (photos / "3.png").unlink()
    index(photos)
    assert matching(described, "cat") == []
    with described.catalogue.reading() as connection:
        allowed = select_items(connection, "image", Filters(missing=True))
    assert matching(described, "cat", allowed) == [4]


def test_a_model_has_one_caption_of_an_item_and_the_newest_is_shown(described: Library) -> None:
    write(described, Caption(4, "n", "1", "a lion"))
    assert of_items(described, 3, 4, 99) == {3: TEXTS[2], 4: "a lion"}
    write(described, Caption(4, "m", "2", "a tiger"))
    assert of_items(described, 4) == {4: "a tiger"}
    assert of_items(described, 4, model="n") == {4: "a lion"}
    assert matching(described, "cat") == []
    assert matching(described, "lion tiger") == [4]


def test_what_a_model_has_not_captioned_is_lacking(described: Library) -> None:
    write(described, Caption(2, "m", "2", "a circle"))
    with described.catalogue.reading() as connection:
        assert captions.lacking(connection, "m", "1", [3, 2, 1]) == [2]
        assert captions.lacking(connection, "m", "2", [3, 2, 1]) == [3, 1]
        assert captions.lacking(connection, "n", "1", [1]) == [1]


def test_captions_and_their_words_go_with_their_items(described: Library, photos: Path) -> None:
    item = described.find(str(photos / "0.png"))
    assert matching(described, "dogs") == [item.id]
    described.apply(described.plan_remove(str(photos / "0.png")), "remove")
    assert matching(described, "dogs") == []
    with described.catalogue.writing() as connection:
        left = connection.exec_driver_sql(
            "SELECT count(*) FROM caption_words WHERE caption_words MATCH 'dogs'"
        )
        assert left.scalar() == 0
        connection.exec_driver_sql(  # raises where words and captions are out of step
            "INSERT INTO caption_words (caption_words, rank) VALUES ('integrity-check', 1)"
        )
