"""The query line, from terms to hits, over a small real library."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer import Limits, Report
from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import DualEncoder
from search import Engine, Query, Term
from storage import Filters, Library
from storage.errors import (
    DecodeFailure,
    InvalidArgument,
    ItemNotFound,
    ModelMismatch,
    PathNotFound,
)
from storage.tables import vectors

Index = Callable[..., Report]
Draw = Callable[..., Path]


def no_encoder() -> DualEncoder:
    raise AssertionError("the encoder was loaded")


def words(text: str, weight: float = 1.0) -> Term:
    return Term("text", text, weight)


def test_an_empty_library_answers_with_nothing(library: Library) -> None:
    assert Engine(library, no_encoder).search(Query((words("kite"),))) == []


def test_images_are_what_a_search_without_kind_returns(engine: Engine) -> None:
    hits = engine.search(Query((words("kite"),), k=100))
    assert [hit.item.kind for hit in hits] == ["image"] * 6
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5, 6]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_texts_are_returned_where_there_are_no_images(
    library: Library, tmp_path: Path, index: Index, encoder: FakeEncoder
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.md").write_text("red kites")
    index(tmp_path / "texts")
    hits = Engine(library, lambda: encoder).search(Query((words("red kites"),)))
    assert [(hit.item.kind, hit.item.text) for hit in hits] == [("text", "red kites")]
    assert hits[0].score == pytest.approx(1.0, abs=1e-3)


def test_kind_text_finds_the_passage_with_the_words(engine: Engine) -> None:
    hits = engine.search(Query((words("trains leave at noon"),), kind="text"))
    assert hits[0].item.text is not None and "trains leave" in hits[0].item.text


def test_kind_all_fuses_both_lists_by_rank(engine: Engine) -> None:
    hits = engine.search(Query((words("trains leave"),), kind="all", k=4))
    assert [hit.item.kind for hit in hits] == ["image", "text", "image", "text"]


def test_a_query_image_is_left_out_of_its_own_results(engine: Engine, photos: Path) -> None:
    hits = engine.search(Query((Term("image", str(photos / "0.png")),), k=100))
    assert len(hits) == 5
    assert str(photos / "0.png") not in {path for hit in hits for path in hit.item.paths}


def test_a_copy_of_the_query_image_is_left_out_too(
    engine: Engine, photos: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes((photos / "0.png").read_bytes())
    assert len(engine.search(Query((Term("image", str(outside)),), k=100))) == 5


def test_like_an_item_needs_no_encoder_and_finds_its_neighbours(
    engine: Engine, library: Library, photos: Path
) -> None:
    query = Query((Term("item", str(photos / "0.png")),), k=100)
    by_item = Engine(library, no_encoder).search(query)
    by_image = engine.search(Query((Term("image", str(photos / "0.png")),), k=100))
    assert [hit.item.id for hit in by_item] == [hit.item.id for hit in by_image]
    assert len(by_item) == 5


def test_like_a_text_file_is_like_its_passages(
    library: Library, engine: Engine, photos: Path
) -> None:
    query = Query((Term("item", str(photos / "notes.txt")),), k=100)
    assert len(Engine(library, no_encoder).search(query)) == 6


def test_scores_are_the_cosine_to_the_weighted_sum(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    query = Query((words("kite", 2.0), words("pool", -0.5)), k=1)
    kite, pool = encoder.encode_texts(["kite", "pool"])
    total = 2 * kite - 0.5 * pool
    hit = engine.search(query)[0]
    with library.catalogue.reading() as connection:
        stored = vectors.of_item(connection, 1, hit.item.id)
    assert stored is not None
    assert hit.score == pytest.approx(float(stored @ total / np.linalg.norm(total)), abs=1e-3)


def test_a_minus_term_pushes_away(engine: Engine, photos: Path) -> None:
    near = Query((Term("item", str(photos / "1.png")), words("x", 0.01)), k=1)
    first = engine.search(near)[0]
    away = Query((words("x"), Term("item", str(photos / "1.png"), -1.0)), k=100)
    assert first.item.kind == "image"
    assert str(photos / "1.png") not in {p for hit in engine.search(away) for p in hit.item.paths}


def test_terms_that_cancel_out_are_refused(engine: Engine) -> None:
    with pytest.raises(InvalidArgument, match="cancel"):
        engine.search(Query((words("kite"), words("kite", -1.0))))


def test_a_folder_filter_allows_only_what_lies_there(engine: Engine, photos: Path) -> None:
    filters = Filters(folder=str(photos / "summer"))
    hits = engine.search(Query((words("kite"),), filters, k=100))
    assert {Path(hit.item.paths[0]).parent.name for hit in hits} == {"summer"}
    assert len(hits) == 2


def test_missing_items_come_back_only_when_asked_for(
    engine: Engine, photos: Path, index: Index
) -> None:
    (photos / "0.png").unlink()
    index(photos)
    assert len(engine.search(Query((words("kite"),), k=100))) == 5
    assert len(engine.search(Query((words("kite"),), Filters(missing=True), k=100))) == 6


def test_a_missing_query_image_is_named(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="nowhere.jpg"):
        engine.search(Query((Term("image", str(tmp_path / "nowhere.jpg")),)))


def test_a_broken_query_image_is_named(engine: Engine, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff and then nothing")
    with pytest.raises(DecodeFailure, match="broken.jpg"):
        engine.search(Query((Term("image", str(broken)),)))


def test_a_query_image_that_is_a_pipe_is_refused(engine: Engine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PathNotFound, match="not a file"):
        engine.search(Query((Term("image", str(tmp_path / "pipe.jpg")),)))


def test_a_query_image_is_held_to_the_limits(
    library: Library, engine: Engine, photos: Path, encoder: FakeEncoder
) -> None:
    query = Query((Term("image", str(photos / "0.png")),))
    strict = Engine(library, lambda: encoder, Limits(pixels=1000))
    with pytest.raises(DecodeFailure, match=r"0.png.* the limit is 1,000"):
        strict.search(query)


def test_an_unknown_item_is_named(engine: Engine) -> None:
    with pytest.raises(ItemNotFound, match="abcdef12"):
        engine.search(Query((Term("item", "abcdef12"),)))


def test_an_item_answers_to_the_beginning_of_its_hash(engine: Engine, photos: Path) -> None:
    name = hashlib.sha256((photos / "0.png").read_bytes()).hexdigest()
    assert len(engine.search(Query((Term("item", name[:8]),), k=100))) == 5


def test_a_library_that_went_over_to_another_model_says_so(
    engine: Engine, library: Library
) -> None:
    other = Engine(library, lambda: FakeEncoder(dim=32))
    with pytest.raises(ModelMismatch, match="open it again"):
        other.search(Query((words("kite"),)))


@pytest.mark.parametrize("uses", [["second"], ["stand-in", "second"], ["second", "stand-in"]])
@pytest.mark.parametrize("lift", [None, -2.0])
def test_a_search_during_which_other_models_are_put_to_use_is_of_one_of_them(
    library: Library,
    photos: Path,
    index: Index,
    second: FakeEncoder,
    uses: list[str],
    lift: float | None,
) -> None:
    index(photos)
    index(by=second)
    stored = {"stand-in": FakeEncoder(), "second": FakeEncoder(dim=48)}
    for count in library.spaces():
        stored[count.space.name].space = count.space

    left = list(uses)  # by another thread, whenever the encoder is asked for

    def current() -> FakeEncoder:
        if left:
            library.use(left.pop(0))
        space = library.space()
        assert space is not None
        return stored[space.name]

    def scores(engine: Engine) -> list[tuple[int, float, float | None]]:
        hits = engine.search(Query((words("kite"),), k=100, min_lift=lift))
        return [(hit.item.id, hit.score, hit.lift) for hit in hits]

    found = scores(Engine(library, current))
    left.clear()
    alone = []
    for name in stored:
        library.use(name)
        alone.append(scores(Engine(library, current)))
    assert found in alone and len(found) == 6
