"""Captions' words beside vectors: what they find, how lists are joined, and who is told why."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Report
from indexer.models.networks.fake import FakeEncoder
from search import Engine, Hit, Query, Rerank, Term
from search.fusion import FusedHits, reciprocal_rank
from search.keyword import KeywordHits, find, keywords
from search.plan import QueryPlan
from storage import Filters, Item, Library
from storage.tables import vectors
from tests.search.readers import RuleScorer

Say = Callable[[Path, str], Item]


def words(text: str, weight: float = 1.0) -> Term:
    return Term("text", text, weight)


def order(hits: list[Hit]) -> list[int]:
    return [hit.item.id for hit in hits]


def test_words_that_say_nothing_are_not_looked_for() -> None:
    assert keywords([words("what is on the beach?")]) == "beach?"
    assert keywords([words("a picture of it")]) == ""


def test_only_plus_words_are_looked_for(photos: Path) -> None:
    terms = [words("red kite", 2.0), words("pool", -1.0), Term("image", str(photos / "0.png"))]
    assert keywords(terms) == "red kite"


def test_a_caption_brings_an_image_up_and_says_why(engine: Engine, photos: Path, say: Say) -> None:
    query = Query((words("a kite over the pool"),))
    last = engine.search(query)[-1]
    said = say(Path(last.item.paths[0]), "a red kite above a pool")
    first = engine.search(query)[0]
    assert first.item.id == said.id
    assert first.why == ("meaning", "words")
    assert first.caption == "a red kite above a pool"
    assert first.score == pytest.approx(last.score)


def test_words_reach_what_vectors_would_not_have_and_the_score_stays_the_cosine(
    engine: Engine, library: Library, encoder: FakeEncoder, say: Say
) -> None:
    query = Query((words("kite"),), k=2)
    last = engine.search(Query((words("kite"),)))[-1]
    say(Path(last.item.paths[0]), "a kite")
    hits = engine.search(query)
    found = next(hit for hit in hits if hit.item.id == last.item.id)
    assert found.why == ("words",)
    with library.catalogue.reading() as connection:
        stored = vectors.of_item(connection, 1, last.item.id)
    [kite] = encoder.encode_texts(["kite"])
    assert stored is not None and found.score == pytest.approx(float(stored @ kite), abs=1e-3)


def test_the_order_of_vectors_stands_where_no_caption_matches(
    engine: Engine, photos: Path, say: Say
) -> None:
    asked = [Query((words("kite"),)), Query((words("kite"),), k=3, kind="all")]
    before = [order(engine.search(query)) for query in asked]
    for number in range(4):
        say(photos / f"{number}.png", "a dog on the grass")
    assert [order(engine.search(query)) for query in asked] == before
    assert {hit.why for hit in engine.search(asked[0])} == {("meaning",)}


def test_a_stopword_in_a_caption_moves_nothing(engine: Engine, photos: Path, say: Say) -> None:
    query = Query((words("the kite of a man on it"),))
    before = order(engine.search(query))
    say(photos / "3.png", "the dog of a house on the hill")
    assert order(engine.search(query)) == before


def test_captions_with_only_some_of_the_words_push_no_hit_out(
    engine: Engine, photos: Path, say: Say
) -> None:
    asked = [Query((words("red kite over the pool"),), k=k) for k in (2, 6)]
    before = [order(engine.search(query)) for query in asked]
    for path in photos.rglob("*.png"):
        say(path, f"a red car, {path.stem}")
    assert [order(engine.search(query)) for query in asked] == before
    assert {hit.why for hit in engine.search(asked[1])} == {("meaning",)}


def test_captions_with_some_of_the_words_are_looked_through_where_hits_are_few(
    engine: Engine, library: Library, photos: Path, say: Say
) -> None:
    whole, part = say(photos / "0.png", "a red kite"), say(photos / "1.png", "a red car")
    with library.catalogue.reading() as connection:
        few = find(connection, "red kite", Filters(), [], short=True)
        enough = find(connection, "red kite", Filters(), [], short=False)
        without = find(connection, "red kite", Filters(), [whole.id], short=True)
    assert few == KeywordHits([whole.id], [part.id]) and enough == KeywordHits([whole.id], [])
    assert without == KeywordHits([], [part.id])


def test_hits_by_some_of_the_words_come_after_all_others(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    one, two, three, four = order(engine.search(Query((words("kite"),))))[:4]
    [kite] = encoder.encode_texts(["kite"])
    plan, nearest = QueryPlan(("image",), "red kite", 3, 3), [{one: 0.9, two: 0.8}]
    with library.catalogue.reading() as connection:
        found = FusedHits.fuse(
            connection, 1, kite, plan, nearest, KeywordHits([two], [one, three, four])
        )
        hits = found.hydrate(connection)
    assert order(hits) == [two, one, three]
    assert [hit.why for hit in hits] == [("meaning", "words"), ("meaning",), ("words",)]


def test_words_can_be_left_out(engine: Engine, say: Say) -> None:
    query = Query((words("kite"),), words=False)
    before = engine.search(query)
    say(Path(before[-1].item.paths[0]), "a kite")
    assert order(engine.search(query)) == order(before)


def test_a_query_without_words_goes_by_meaning(engine: Engine, photos: Path, say: Say) -> None:
    query = Query((Term("image", str(photos / "0.png")),))
    before = order(engine.search(query))
    say(photos / "1.png", "a kite")
    assert order(engine.search(query)) == before


def test_filters_hold_for_words_too(engine: Engine, photos: Path, say: Say) -> None:
    say(photos / "0.png", "a kite")
    hits = engine.search(Query((words("kite"),), Filters(folder=str(photos / "summer"))))
    assert len(hits) == 2 and {hit.why for hit in hits} == {("meaning",)}


def test_the_query_image_is_not_found_by_its_words_either(
    engine: Engine, photos: Path, say: Say
) -> None:
    said = say(photos / "0.png", "a kite")
    terms = (words("kite"), Term("image", str(photos / "0.png")))
    assert said.id not in order(engine.search(Query(terms)))


def test_a_missing_image_is_found_by_words_only_when_asked_for(
    engine: Engine,
    photos: Path,
    say: Say,
    index: Callable[..., Report],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = say(photos / "0.png", "a kite")
    (photos / "0.png").unlink()
    index(photos)
    assert said.id not in order(engine.search(Query((words("kite"),))))
    monkeypatch.setattr("search.keyword.select_items", None)  # no list of all items is needed
    hits = engine.search(Query((words("kite"),), Filters(missing=True)))
    assert said.id in order(hits)


def test_a_caption_without_a_vector_is_no_hit(
    engine: Engine, library: Library, photos: Path, say: Say
) -> None:
    said = say(photos / "0.png", "a kite")
    with library.catalogue.writing() as connection:
        connection.exec_driver_sql(f"DELETE FROM vectors WHERE item_id = {said.id}")
    hits = engine.search(Query((words("kite"),)))
    assert len(hits) == 5 and said.id not in order(hits)


def test_images_texts_and_words_are_fused_in_one(engine: Engine, photos: Path, say: Say) -> None:
    plain = engine.search(Query((words("kite"),), kind="all"))
    images = [hit.item.id for hit in plain if hit.item.kind == "image"]
    texts = [hit.item.id for hit in plain if hit.item.kind == "text"]
    said = say(photos / "2.png", "a kite")
    fused = engine.search(Query((words("kite"),), kind="all"))
    assert order(fused) == reciprocal_rank([images, texts, [said.id]])


def test_what_words_found_is_read_again_like_the_rest(
    engine: Engine, library: Library, encoder: FakeEncoder, say: Say
) -> None:
    last = engine.search(Query((words("kite"),)))[-1]
    say(Path(last.item.paths[0]), "a kite")
    scorer = RuleScorer()
    again = Engine(library, lambda: encoder, scorer=lambda: scorer)
    hits = again.search(Query((words("kite"),), k=2, rerank=Rerank(2)))
    assert sum(scorer.batches) == 2
    assert last.item.id in order(hits) and all(hit.match is not None for hit in hits)
