"""Zero-shot labels: the formula of the paper in plain numpy, and tags that stay."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer import Report
from indexer.models.networks.fake import FakeEncoder
from search import LabelSet, Tagger, tag
from search.tag import TEMPLATES, label_vectors, shares
from storage import Filters, Library, Tag
from storage.errors import InvalidArgument, ItemNotFound, LibraryInUse, ModelMismatch
from storage.selection import select_items
from storage.tables import tags, vectors

LABELS = LabelSet("test", ("red kite", "dog", "a {} of braces"))


@pytest.fixture
def chosen(library: Library, photos: Path, index: Callable[..., Report]) -> list[int]:
    """The row numbers of six photos."""
    index(photos)
    with library.catalogue.reading() as connection:
        return select_items(connection, "image", Filters())


def test_shares_are_those_of_the_plain_formula(
    library: Library, chosen: list[int], encoder: FakeEncoder
) -> None:
    directions = []
    for label in LABELS.labels:
        each = encoder.encode_texts([template.replace("{}", label) for template in TEMPLATES])
        each = each / np.linalg.norm(each, axis=1, keepdims=True)
        mean = each.mean(axis=0)
        directions.append(mean / np.linalg.norm(mean))
    expected = {}
    for item in chosen:
        with library.catalogue.reading() as connection:
            row = vectors.of_item(connection, 1, item)
        assert row is not None
        powers = np.exp(100.0 * np.array(directions) @ row)
        expected[item] = powers / powers.sum()
    given = list(Tagger(library, encoder, LABELS, min_score=0.0).run(chosen))
    assert len(given) == 18
    for one in given:
        place = LABELS.labels.index(one.label)
        assert one.score == pytest.approx(float(expected[one.item.id][place]), abs=1e-5)


def test_label_vectors_are_unit_rows(encoder: FakeEncoder) -> None:
    rows = label_vectors(encoder, LABELS.labels, TEMPLATES)
    assert rows.shape == (3, 64) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)


def test_shares_survive_a_scale_that_would_overflow() -> None:
    table = shares(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 10_000.0)
    np.testing.assert_allclose(table, np.eye(2), atol=1e-6)


def test_each_image_gets_its_best_label_and_keeps_it(
    library: Library, chosen: list[int], encoder: FakeEncoder
) -> None:
    told: list[tuple[int, int]] = []
    run = Tagger(library, encoder, LABELS)
    given = list(run.run(chosen, lambda done, total: told.append((done, total))))
    assert [one.item.id for one in given] == chosen
    assert all(one.path == one.item.paths[0] and one.score >= 1 / 3 for one in given)
    assert told == [(6, 6)] and run.notices == []
    with library.catalogue.reading() as connection:
        stored = tags.of_items(connection, chosen)
        assert sum(count for _, _, count in tags.counts(connection)) == 6
        found = select_items(connection, "image", Filters(tags=(given[0].label,)))
    assert {(tag.label, tag.model) for tag in stored[chosen[0]]} == {(given[0].label, "stand-in")}
    assert chosen[0] in found


def test_a_least_score_gives_all_labels_that_reach_it_best_first(
    library: Library, chosen: list[int], encoder: FakeEncoder
) -> None:
    every = list(Tagger(library, encoder, LABELS, min_score=0.0, scale=1.0).run(chosen))
    scores = [one.score for one in every if one.item.id == chosen[0]]
    assert scores == sorted(scores, reverse=True) and len(scores) == 3
    some = list(Tagger(library, encoder, LABELS, min_score=scores[1], scale=1.0).run(chosen))
    assert [one.score for one in some if one.item.id == chosen[0]] == scores[:2]
    assert list(Tagger(library, encoder, LABELS, min_score=1.0, scale=1.0).run(chosen)) == []


def test_tagging_again_gives_the_new_score(
    library: Library, chosen: list[int], encoder: FakeEncoder
) -> None:
    list(Tagger(library, encoder, LABELS, min_score=0.0).run(chosen))
    list(Tagger(library, encoder, LABELS, min_score=0.0, scale=1.0).run(chosen))
    with library.catalogue.reading() as connection:
        stored = tags.of_items(connection, chosen)
    assert all(len(of_item) == 3 for of_item in stored.values())
    assert all(tag.score < 0.5 for of_item in stored.values() for tag in of_item)


def test_tagging_again_takes_back_what_the_model_said_of_these_labels(
    library: Library, chosen: list[int], encoder: FakeEncoder
) -> None:
    others = [Tag(chosen[0], "zebra", "stand-in", 0.9), Tag(chosen[0], "dog", "by-hand", 0.1)]
    list(Tagger(library, encoder, LABELS, min_score=0.0).run(chosen))
    with library.catalogue.writing() as connection:
        for tag in others:
            tags.record(connection, tag.model, [tag])
    given = list(Tagger(library, encoder, LABELS).run(chosen))
    with library.catalogue.reading() as connection:
        stored = tags.of_items(connection, chosen)
    best = {one.item.id: {(one.label, "stand-in")} for one in given}
    best[chosen[0]] |= {(tag.label, tag.model) for tag in others}
    assert {
        item: {(tag.label, tag.model) for tag in of_item} for item, of_item in stored.items()
    } == best
    list(Tagger(library, encoder, LABELS, min_score=1.0, scale=1.0).run(chosen))
    with library.catalogue.reading() as connection:
        assert tags.of_items(connection, chosen) == {chosen[0]: others}


def test_vectors_of_another_model_are_not_tagged(library: Library, chosen: list[int]) -> None:
    with pytest.raises(ModelMismatch, match="stand-in now.*tag again"):
        list(Tagger(library, FakeEncoder(dim=32), LABELS).run(chosen))


def test_no_image_is_read_and_batches_are_bounded(
    library: Library,
    chosen: list[int],
    photos: Path,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for path in photos.rglob("*.png"):
        path.unlink()
    monkeypatch.setattr(tag, "BATCH", 4)
    told: list[int] = []
    run = Tagger(library, encoder, LABELS).run(chosen, lambda done, _: told.append(done))
    assert len(list(run)) == 6 and told == [4, 6]


def test_an_image_without_a_vector_is_told(
    library: Library, chosen: list[int], encoder: FakeEncoder
) -> None:
    with library.catalogue.writing() as connection:
        connection.exec_driver_sql(f"DELETE FROM vectors WHERE item_id = {chosen[0]}")
    run = Tagger(library, encoder, LABELS)
    assert len(list(run.run(chosen))) == 5
    assert run.notices == ["1 image has no vector yet and got no label: index the library first"]


def test_templates_of_ones_own_are_used(
    library: Library, chosen: list[int], encoder: FakeEncoder
) -> None:
    given = list(Tagger(library, encoder, LABELS, ["a {}", "{}"], min_score=0.0).run(chosen))
    rows = label_vectors(encoder, LABELS.labels, ["a {}", "{}"])
    with library.catalogue.reading() as connection:
        row = vectors.of_item(connection, 1, chosen[0])
    assert row is not None
    expected = sorted(shares(row[None], rows)[0].tolist(), reverse=True)
    assert [one.score for one in given[:3]] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_off_the_scale_is_refused(
    library: Library, encoder: FakeEncoder, share: float
) -> None:
    with pytest.raises(InvalidArgument, match="min_score"):
        Tagger(library, encoder, LABELS, min_score=share)


def test_an_empty_library_has_nothing_to_tag(library: Library, encoder: FakeEncoder) -> None:
    with pytest.raises(ItemNotFound, match="index a folder first"):
        list(Tagger(library, encoder, LABELS).run([]))


def test_a_library_in_use_is_not_tagged(
    library: Library, chosen: list[int], encoder: FakeEncoder
) -> None:
    with Library.open(library.path) as other, other.writing("index"), pytest.raises(LibraryInUse):
        list(Tagger(library, encoder, LABELS).run(chosen))
