"""The verdict: lifts by hand, what passes a cut-off, and the neutral texts behind it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.models.mini.scenes.phrases import full_captions
from indexer.models.mini.scenes.scenes import held_out
from indexer.models.networks.fake import FakeEncoder
from search import Engine, Hit, Query, Term, cutoffs
from search.embedding.query_bank import QueryBank, bank, bank_for
from storage import Library, Space
from storage.errors import InvalidArgument, LibraryInUse
from storage.records import Item, Vector
from storage.tables import query_bank
from storage.tables.vectors import rows_of

KITE = (Term("text", "kite"),)


def hit(number: int, score: float, **said: float) -> Hit:
    return replace(Hit(number, Item(number, "0" * 64, "image", 1, "PNG"), score), **said)  # type: ignore[arg-type]


def test_a_lift_is_the_score_above_the_nearest_neutral_texts() -> None:
    rows = np.array([[1.0, 0.0], [0.6, 0.8]], np.float32)
    texts = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]], np.float32)
    # Nearest two of [1, 0, 0.8] and of [0.6, 0.8, 0.96].
    expected = [0.5 - 0.9, 0.7 - 0.88]
    assert cutoffs.lifts([0.5, 0.7], rows, texts, nearest=2) == pytest.approx(expected)


def test_a_bank_smaller_than_the_neighbourhood_counts_whole() -> None:
    rows, texts = np.eye(2, dtype=np.float32)[:1], np.eye(2, dtype=np.float32)
    assert cutoffs.lifts([1.0], rows, texts)[0] == pytest.approx(0.5)


def test_what_is_near_to_everything_loses_its_lead() -> None:
    common = np.array([0.6, 0.0, 0.8], np.float32)  # near to all neutral texts
    rare = np.array([0.55, 0.83516, 0.0], np.float32)
    query = np.array([1.0, 0.0, 0.0], np.float32)
    texts = np.tile(np.array([0.0, 0.0, 1.0], np.float32), (20, 1))
    rows = np.stack([common, rare])
    lifts = cutoffs.lifts(rows @ query, rows, texts)
    assert rows[0] @ query > rows[1] @ query and lifts[1] > lifts[0]


def test_only_what_was_read_and_is_likely_enough_passes() -> None:
    hits = [hit(1, 0.9, match=0.4), hit(2, 0.8, match=0.5), hit(3, 0.7)]
    assert [one.item.id for one in cutoffs.matching(hits, 0.5)] == [2]
    assert cutoffs.unread_notice(hits) is not None and cutoffs.unread_notice(hits[:2]) is None


def test_texts_are_not_counted_among_what_was_not_read() -> None:
    text = Hit(2, Item(2, "0" * 64, "text", 1, "text"), 0.5)
    assert cutoffs.unread_notice([hit(1, 0.9, match=0.4), text]) is None
    assert (cutoffs.unread_notice([hit(1, 0.9), text]) or "").startswith("1 hit was not read")


@pytest.mark.parametrize("name", ["everyday", "drawn"])
def test_a_bank_is_128_texts_each_once(name: str) -> None:
    texts = bank(name).texts
    assert len(set(texts)) == len(texts) == 128
    assert all(text.strip() == text and text for text in texts)


def test_the_drawn_bank_asks_for_no_held_out_scene() -> None:
    full = {text for scene in held_out(1000) for text in full_captions(scene)}
    assert not full & set(bank("drawn").texts)


def test_the_mini_family_has_the_bank_of_its_own_words() -> None:
    assert bank_for(Space("mini", "1", 4, "")).name == "drawn"
    assert bank_for(Space("stand-in", "1", 4, "")).name == "everyday"


def test_a_changed_bank_is_stored_under_another_key() -> None:
    whole = bank("everyday")
    assert replace(whole, texts=whole.texts[1:]).key != whole.key


def test_neutral_vectors_are_encoded_once_and_kept(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    space = library.space()
    assert space is not None and space.id is not None
    first = QueryBank(library, space, lambda: encoder).vectors()
    assert first.shape == (128, 64)

    def no_encoder() -> FakeEncoder:
        raise AssertionError("the bank was encoded again")

    again = QueryBank(library, space, no_encoder).vectors()
    np.testing.assert_allclose(again, first, atol=1e-3)


def test_a_library_in_use_keeps_nothing_and_answers_all_the_same(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    space = library.space()
    assert space is not None and space.id is not None
    with Library.open(library.path) as other, other.writing("index"):
        with pytest.raises(LibraryInUse), library.writing("x"):
            pass
        assert QueryBank(library, space, lambda: encoder).vectors().shape == (128, 64)
    with library.catalogue.reading() as connection:
        assert query_bank.stored(connection, space.id, bank_for(space).key) is None


def test_vectors_of_a_space_that_was_pruned_meanwhile_are_not_kept(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    space = library.space()
    assert space is not None
    gone = replace(space, id=99)
    assert QueryBank(library, gone, lambda: encoder).vectors().shape == (128, 64)
    with library.catalogue.reading() as connection:
        assert query_bank.stored(connection, 99, bank_for(space).key) is None


def test_hits_that_were_removed_meanwhile_have_no_lift(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.engine.rows_of", lambda *_: {})
    assert engine.search(Query(KITE, min_lift=-2.0)) == []


def test_a_lift_is_given_where_it_is_asked_for_and_cuts(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    assert {one.lift for one in engine.search(Query(KITE))} == {None}
    hits = engine.search(Query(KITE, min_lift=-2.0))
    assert len(hits) == 6
    texts = encoder.encode_texts(bank("everyday").texts)
    rows = _rows(library, hits)
    expected = [
        one.score - np.sort(texts @ row)[-16:].mean() for one, row in zip(hits, rows, strict=True)
    ]
    assert [one.lift for one in hits] == pytest.approx(expected, abs=2e-3)
    middle = sorted(one.lift or 0.0 for one in hits)[3]
    kept = engine.search(Query(KITE, min_lift=middle))
    assert len(kept) == 3 and [one.rank for one in kept] == [1, 2, 3]
    assert engine.search(Query(KITE, min_lift=1.5)) == []


def test_a_lift_of_images_is_refused(photos: Path) -> None:
    with pytest.raises(InvalidArgument, match="min_lift compares words"):
        Query((Term("image", str(photos / "0.png")),), min_lift=0.0)


def _rows(library: Library, hits: list[Hit]) -> list[Vector]:
    with library.catalogue.reading() as connection:
        rows = rows_of(connection, 1, [one.item.id for one in hits])
    return [rows[one.item.id] for one in hits]


def test_a_search_by_lift_does_not_wait_for_a_thread_that_writes(
    engine: Engine, library: Library
) -> None:
    with ThreadPoolExecutor(1) as threads, library.writing("index"):
        searched = threads.submit(engine.search, Query(KITE, min_lift=-2.0))
        assert len(searched.result(20)) == 6
