"""An engine over six photos and a text, and a hand that writes captions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Report
from indexer.models.networks.fake import FakeEncoder
from search import Engine
from storage import Caption, Item, Library
from storage.tables import captions

Index = Callable[..., Report]


@pytest.fixture
def engine(library: Library, photos: Path, index: Index, encoder: FakeEncoder) -> Engine:
    """An engine over six photos and a text of two passages."""
    notes = photos / "notes.txt"
    notes.write_text("red kites over the hill " * 20 + "\n\n" + "trains leave at noon " * 20)
    index(photos)
    return Engine(library, lambda: encoder)


@pytest.fixture
def say(library: Library) -> Callable[[Path, str], Item]:
    """Gives a photo a caption, as if a model had."""

    def said(path: Path, words: str) -> Item:
        item = library.find(str(path))
        with library.catalogue.writing() as connection:
            captions.record(connection, [Caption(item.id, "by-hand", "1", words)])
        return item

    return said
