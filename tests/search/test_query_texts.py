"""A question that was asked before is answered without a model, and to the last bit alike."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from indexer import Report
from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import DualEncoder
from search import Engine, Hit, Query, Term
from storage import Library, access, schema
from storage.catalogue import Catalogue
from storage.errors import DiskFull, InvalidArgument
from storage.records import Matrix

Index = Callable[..., Report]
LONG = "one two three four five six"


def words(text: str, weight: float = 1.0) -> Term:
    return Term("text", text, weight)


def ask(*texts: str, **more: Any) -> Query:
    return Query(tuple(words(text) for text in texts), k=100, **more)


def no_encoder() -> DualEncoder:
    raise AssertionError("the encoder was loaded")


def kept(library: Library) -> int:
    with library.catalogue.reading() as connection:
        return len(connection.scalars(select(schema.query_vectors.c.id)).all())


def scores(hits: list[Hit]) -> list[tuple[int, str]]:
    return [(hit.item.id, hit.score.hex()) for hit in hits]


def test_a_repeated_question_loads_no_model_and_gets_the_same_answer(
    engine: Engine, library: Library
) -> None:
    query = Query((words("red kite"), words("wind", -0.5), words("red kite", 0.1)), k=100)
    first = engine.search(query)
    again = Engine(library, no_encoder).search(query)
    assert scores(again) == scores(first)
    turned = Engine(library, no_encoder).search(ask("wind", kind="all"))
    assert turned and scores(turned) == scores(
        Engine(library, FakeEncoder).search(ask("wind", kind="all"))
    )
    with pytest.raises(AssertionError, match="was loaded"):
        Engine(library, no_encoder).search(ask("Red kite"))


def test_only_new_texts_are_encoded_and_written_at_once(
    engine: Engine, library: Library, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[list[str]] = []
    writes: list[int] = []
    encode, caching = encoder.encode_texts, library.catalogue.caching

    def noted(texts: Sequence[str]) -> Matrix:
        encoded.append(list(texts))
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_texts", noted)

    @contextmanager
    def counted(_: Catalogue) -> Any:
        writes.append(1)
        with caching() as connection:
            yield connection

    monkeypatch.setattr(Catalogue, "caching", counted)
    engine.search(ask("a", "b"))
    engine.search(ask("b", "c", "d", "c"))
    engine.search(ask("d", "a"))
    assert encoded == [["a", "b"], ["c", "d"]]
    assert (len(writes), kept(library)) == (2, 4)


def test_what_was_not_read_of_a_text_is_told_again(
    engine: Engine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeEncoder, "context", 4)
    first = engine.search(ask(LONG)).notices
    assert "reads the first 4 of 6 words" in first[0]
    assert Engine(library, no_encoder).search(ask(LONG)).notices == first


def test_another_space_has_vectors_of_its_own(
    engine: Engine, library: Library, photos: Path, index: Index, second: FakeEncoder
) -> None:
    engine.search(ask("red kite"))
    index(photos, by=second)
    library.use("second")
    with pytest.raises(AssertionError, match="was loaded"):
        Engine(library, no_encoder).search(ask("red kite"))
    assert Engine(library, lambda: second).search(ask("red kite"))
    assert kept(library) == 2


def test_a_search_goes_on_where_nothing_can_be_kept(
    engine: Engine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with library.catalogue.writing():  # as by an index run in another process
        assert engine.search(ask("red kite"))
    assert kept(library) == 0

    @contextmanager
    def full(_: Catalogue) -> Any:
        raise DiskFull("the disk took no more")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(Catalogue, "caching", full)
        assert engine.search(ask("red kite"))
    assert engine.search(ask("red kite")) and kept(library) == 1


def test_terms_that_cancel_out_are_refused_as_before(engine: Engine) -> None:
    for _ in range(2):
        with pytest.raises(InvalidArgument, match="cancel out"):
            engine.search(Query((words("kite"), words("kite", -1))))


def test_a_library_that_is_only_read_is_not_written(
    engine: Engine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.close()
    monkeypatch.setattr(access, "is_writable", lambda path: False)
    with Library.open(library.path) as opened:
        assert opened.catalogue.read_only
        assert Engine(opened, FakeEncoder).search(ask("red kite"))
        assert kept(opened) == 0
