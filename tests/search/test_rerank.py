"""The second reading: how scores are joined and combined, and who changes places."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import Pixels
from search import Engine, Hit, Query, Rerank, Term
from search.rerank import (
    combine,
    combine_likelihood,
    joined_likelihood,
    joined_match,
    log_odds,
)
from storage import Library
from storage.errors import InvalidArgument, ModelError
from tests.search.readers import SCORE_WEIGHT, RuleScorer, brightness

KITE = (Term("text", "kite"),)


def engine_with(library: Library, encoder: FakeEncoder, scorer: RuleScorer) -> Engine:
    return Engine(library, lambda: encoder, scorer=lambda: scorer)


def names(hits: list[Hit]) -> list[str]:
    return [Path(hit.item.paths[0]).name if hit.item.kind == "image" else "text" for hit in hits]


def test_log_odds_are_zero_at_a_half_and_stay_finite() -> None:
    assert log_odds(0.5) == pytest.approx(0.0)
    assert log_odds(0.9) == pytest.approx(np.log(9))
    assert log_odds([0.0, 1.0]).tolist() == pytest.approx([-13.8155, 13.8155], abs=1e-3)


def test_the_combination_is_log_odds_plus_the_weighted_cosine() -> None:
    assert combine(0.9, 0.3, 10.0) == pytest.approx(np.log(9) + 3.0)
    assert combine_likelihood(-2.0, 0.3, 2.0) == pytest.approx(-1.4)


def test_where_the_second_reader_is_sure_of_all_the_cosine_decides() -> None:
    first, second = combine([1.0, 1.0], [0.2, 0.3], 10.0)
    assert second > first


def test_several_terms_are_the_weighted_mean_of_their_log_odds() -> None:
    scores = np.array([[0.9, 0.6]], np.float32)
    odds = (2 * np.log(9) + 1 * np.log(1.5)) / 3
    assert joined_match(scores, [2.0, 1.0])[0] == pytest.approx(1 / (1 + np.exp(-odds)))


def test_a_minus_term_counts_with_its_absence() -> None:
    with_minus = joined_match(np.array([[0.9, 0.2]], np.float32), [1.0, -1.0])
    with_absence = joined_match(np.array([[0.9, 0.8]], np.float32), [1.0, 1.0])
    assert with_minus[0] == pytest.approx(with_absence[0])
    assert joined_likelihood(np.array([[-1.0, -3.0]], np.float32), [1.0, -1.0])[0] == 1.0


def test_one_term_keeps_its_own_probability() -> None:
    assert joined_match(np.array([[0.73]], np.float32), [2.0])[0] == pytest.approx(0.73)
    assert joined_match(np.array([[0.0], [1.0]], np.float32), [1.0]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("depth", [0, -1])
def test_a_depth_of_nothing_is_refused(depth: int) -> None:
    with pytest.raises(InvalidArgument, match="depth is"):
        Rerank(depth)


def test_images_are_ordered_by_the_combined_value(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    scorer = RuleScorer(lambda one, _: 0.98 if brightness(one) > 0.5 else 0.02)
    hits = engine_with(library, encoder, scorer).search(Query(KITE, rerank=Rerank()))
    assert scorer.batches == [6] and scorer.texts == ["kite"]
    values = [float(combine(hit.match or 0.0, hit.score, SCORE_WEIGHT)) for hit in hits]
    assert values == sorted(values, reverse=True)
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5, 6]
    assert names(hits) != names(engine.search(Query(KITE)))
    assert {hit.match is None for hit in hits} == {False}
    assert {hit.likelihood for hit in hits} == {None}


def test_only_the_first_images_are_read_and_they_stay_before_the_rest(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    scorer = RuleScorer()
    first = names(engine.search(Query(KITE)))
    hits = engine_with(library, encoder, scorer).search(Query(KITE, rerank=Rerank(2)))
    assert scorer.batches == [2]
    assert set(names(hits[:2])) == set(first[:2])
    assert names(hits[2:]) == first[2:]
    assert [hit.match is None for hit in hits] == [False, False, True, True, True, True]


def test_a_depth_beyond_k_lets_deeper_images_in(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    last = engine.search(Query(KITE))[-1]
    target = _brightness_of(library, encoder, last)
    scorer = RuleScorer(lambda one, _: 1.0 if abs(brightness(one) - target) < 1e-3 else 0.0)
    hits = engine_with(library, encoder, scorer).search(Query(KITE, k=1, rerank=Rerank(6)))
    assert [hit.item.id for hit in hits] == [last.item.id]


def test_texts_keep_their_places_among_images(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    query = Query(KITE, kind="all")
    before = names(engine.search(query))
    asked = Query(KITE, kind="all", rerank=Rerank())
    after = names(engine_with(library, encoder, RuleScorer()).search(asked))
    assert [name == "text" for name in after] == [name == "text" for name in before]
    assert set(after) == set(before)


def test_what_cannot_be_read_keeps_its_place_and_is_told(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    first = engine.search(Query(KITE))
    for hit in first[1:3]:
        Path(hit.item.paths[0]).unlink()
    library.thumbnails.delete([first[1].item.hash])
    again = engine_with(library, encoder, RuleScorer())
    hits = again.search(Query(KITE, rerank=Rerank()))
    assert hits[1].item.id == first[1].item.id and hits[1].match is None
    assert sum(hit.match is not None for hit in hits) == 5
    assert any("1 image was read from thumbnails" in notice for notice in hits.notices)
    assert any("1 image was not read" in notice for notice in hits.notices)


def test_a_scorer_without_probabilities_fills_a_key_of_its_own(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    scorer = RuleScorer(lambda one, _: -brightness(one), calibrated=False)
    hits = engine_with(library, encoder, scorer).search(Query(KITE, rerank=Rerank()))
    assert {hit.match for hit in hits} == {None}
    values = [
        float(combine_likelihood(hit.likelihood or 0.0, hit.score, SCORE_WEIGHT)) for hit in hits
    ]
    assert values == sorted(values, reverse=True)


def test_a_cut_off_needs_probabilities(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    scorer = RuleScorer(calibrated=False)
    with pytest.raises(InvalidArgument, match="rule-scorer.*rerank_model blip-itm-base"):
        engine_with(library, encoder, scorer).search(Query(KITE, min_match=0.5))


def test_a_cut_off_lets_nothing_pass_that_was_not_read(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    again = engine_with(library, encoder, RuleScorer(lambda *_: 1.0))
    hits = again.search(Query(KITE, rerank=Rerank(2), min_match=0.5))
    assert [hit.match for hit in hits] == pytest.approx([1.0, 1.0], abs=1e-5)
    assert any("4 hits were not read a second time" in notice for notice in hits.notices)


def test_a_cut_off_that_nothing_reaches_leaves_nothing(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    again = engine_with(library, encoder, RuleScorer(lambda *_: 0.1))
    hits = again.search(Query(KITE, min_match=0.5))
    assert (hits, hits.notices) == ([], ())


def test_a_cut_off_of_1_lets_pass_what_is_certain(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    again = engine_with(library, encoder, RuleScorer(lambda *_: 1.0))
    assert len(again.search(Query(KITE, min_match=1.0))) == 6


def test_a_rereading_of_texts_alone_is_told(
    library: Library, encoder: FakeEncoder, tmp_path: Path, index: Callable[..., object]
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("red kites over the hill")
    again = Engine(library, lambda: encoder, scorer=RuleScorer)
    hits = again.search(Query(KITE, min_match=0.5))
    assert (hits, hits.notices) == ([], ())
    index(tmp_path / "texts")
    hits = again.search(Query(KITE, rerank=Rerank()))
    assert len(hits) == 1
    assert ["only images are read a second time" in one for one in hits.notices] == [True]
    with pytest.raises(InvalidArgument, match="kind image"):
        again.search(Query(KITE, min_match=0.5))


def test_minus_words_are_read_too(engine: Engine, library: Library, encoder: FakeEncoder) -> None:
    scorer = RuleScorer(lambda _, text: 0.9 if text == "kite" else 0.4)
    terms = (Term("text", "kite"), Term("text", "pool", -1.0))
    hits = engine_with(library, encoder, scorer).search(Query(terms, rerank=Rerank()))
    expected = joined_match(np.array([[0.9, 0.4]], np.float32), [1.0, -1.0])[0]
    assert hits[0].match == pytest.approx(expected, abs=1e-5)


def test_a_score_that_is_no_number_is_the_models_fault(
    engine: Engine, library: Library, encoder: FakeEncoder
) -> None:
    scorer = RuleScorer(lambda *_: float("nan"))
    with pytest.raises(ModelError, match="rule-scorer.*no number"):
        engine_with(library, encoder, scorer).search(Query(KITE, rerank=Rerank()))


def test_an_engine_without_a_scorer_says_so(engine: Engine) -> None:
    with pytest.raises(InvalidArgument, match="no model to read"):
        engine.search(Query(KITE, rerank=Rerank()))


def test_no_scorer_is_loaded_unasked(engine: Engine, library: Library) -> None:
    def no_scorer() -> RuleScorer:
        raise AssertionError("the scorer was loaded")

    plain = Engine(library, engine._encoder, scorer=no_scorer)
    assert len(plain.search(Query(KITE))) == 6


def test_images_are_read_in_batches(
    library: Library,
    encoder: FakeEncoder,
    tmp_path: Path,
    draw: Callable[..., Path],
    index: Callable[..., object],
) -> None:
    for number in range(40):
        draw(tmp_path / "many" / f"{number}.png", number)
    index(tmp_path / "many")
    scorer = RuleScorer()
    hits = engine_with(library, encoder, scorer).search(Query(KITE, k=5, rerank=Rerank(40)))
    assert scorer.batches == [32, 8]
    assert len(hits) == 5 and all(hit.match is not None for hit in hits)


def _brightness_of(library: Library, encoder: FakeEncoder, hit: Hit) -> float:
    """Return the brightness that a scorer sees in a hit's image."""
    seen: list[float] = []

    def note(image: Pixels, _: str) -> float:
        seen.append(brightness(image))
        return 0.5

    engine_with(library, encoder, RuleScorer(note)).search(Query(KITE, rerank=Rerank(6)))
    order = Engine(library, lambda: encoder).search(Query(KITE))
    return seen[[one.item.id for one in order].index(hit.item.id)]
