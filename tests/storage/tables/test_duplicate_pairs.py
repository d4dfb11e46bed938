"""What duplicates are found by is stored once, read in pages, and goes with its items."""

import hashlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from storage import Library, migrate, schema
from storage.catalogue import HEAD
from storage.records import ContentKind
from storage.tables import decisions, duplicate_pairs, fingerprints, items
from storage.tables.duplicate_pairs import Pair
from storage.tables.fingerprints import Bytes, Points

KINDS = ("identical", "same-picture", "edited", "similar")
COUNT = 7


def name(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


@pytest.fixture
def images(library: Library) -> Library:
    """A library of seven present images, an image that is missing, and a passage."""
    with library.catalogue.writing() as connection:
        for number in range(1, COUNT + 3):
            kind: ContentKind = "text" if number == COUNT + 2 else "image"
            items.add(connection, items.Content(name(number), kind, 1, "PNG"))
        there = schema.items.c.id != COUNT + 1
        connection.execute(update(schema.items).where(there).values(present=True))
    return library


def hashes(number: int) -> Bytes:
    return np.random.default_rng(number).integers(0, 256, (8, 32), np.uint8)


def local(number: int) -> tuple[Bytes, Points]:
    """As many features as the item's number less one: the first has none."""
    rng = np.random.default_rng(number)
    points = rng.random((number - 1, 4)).astype(np.float16)
    return rng.integers(0, 256, (number - 1, 16), np.uint8), points


def fill(library: Library) -> None:
    with library.catalogue.writing() as connection:
        numbers = range(1, COUNT + 1)
        fingerprints.add_fingerprints(connection, [(n, hashes(n), 10 * n) for n in numbers])
        fingerprints.add_features(connection, [(n, *local(n)) for n in numbers])


@pytest.fixture
def filled(images: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """The same with fingerprints and features, read three at a time."""
    for page in ("FINGERPRINT_PAGE", "FEATURE_PAGE", "BASE_PAGE"):
        monkeypatch.setattr(fingerprints, page, 3)
    fill(images)
    return images


@pytest.mark.parametrize("method", ["fingerprints", "features"])
def test_present_images_that_lack_something_are_listed_in_pages(
    images: Library, method: str
) -> None:
    lacking = getattr(fingerprints, f"lacking_{method}")
    with images.catalogue.writing() as connection:
        assert lacking(connection, 0, 3) == [(n, name(n)) for n in (1, 2, 3)]
        assert lacking(connection, 3, 100) == [(n, name(n)) for n in (4, 5, 6, 7)]
        fingerprints.add_fingerprints(connection, [(4, hashes(4), 0)])
        fingerprints.add_features(connection, [(4, *local(4))])
        assert lacking(connection, 3, 2) == [(n, name(n)) for n in (5, 6)]


def test_fingerprints_come_back_in_pages(filled: Library) -> None:
    with filled.catalogue.reading() as connection:
        pages = list(fingerprints.fingerprints(connection))
        assert [page.ids.tolist() for page in pages] == [[1, 2, 3], [4, 5, 6], [7]]
        for page in pages:
            for item, read, quality in zip(page.items, page.hashes, page.quality, strict=True):
                np.testing.assert_array_equal(read, hashes(int(item)))
                assert quality == 10 * item
        [part] = fingerprints.fingerprints(connection, after=2, upto=4)
        assert part.items.tolist() == [3, 4]
        found = fingerprints.fingerprints_of(connection, [2, 99])
        assert list(found) == [2] and found[2][1] == 20
        np.testing.assert_array_equal(found[2][0], hashes(2))
        assert (
            duplicate_pairs.last(connection, "hashes")
            == duplicate_pairs.last(connection, "features")
            == 7
        )


def test_features_come_back_in_ragged_pages(filled: Library) -> None:
    with filled.catalogue.reading() as connection:
        pages = list(fingerprints.features(connection))
        assert [page.items.tolist() for page in pages] == [[1, 2, 3], [4, 5, 6], [7]]
        assert pages[0].owners.tolist() == [2, 3, 3]
        for page in pages:
            for item in page.items.tolist():
                codes, points = local(item)
                np.testing.assert_array_equal(page.codes[page.owners == item], codes)
                np.testing.assert_array_equal(page.points[page.owners == item], points)
        [part] = fingerprints.features(connection, after=6, upto=7)
        assert part.codes.shape == (6, 16) and part.points.dtype == np.float16
        found = fingerprints.features_of(connection, [1, 5, 99])
        assert {item: len(codes) for item, (codes, _) in found.items()} == {1: 0, 5: 4}
        np.testing.assert_array_equal(found[5][1], local(5)[1])


def test_bases_are_the_first_of_the_eight_hashes(filled: Library) -> None:
    with filled.catalogue.reading() as connection:
        pages = list(fingerprints.bases(connection, 30))
        assert [page.items.tolist() for page in pages] == [[3, 4, 5], [6, 7]]
        for number, base in zip(
            range(3, 8), np.concatenate([p.hashes for p in pages]), strict=True
        ):
            np.testing.assert_array_equal(base, hashes(number)[0])
        assert list(fingerprints.bases(connection, 101)) == []


def test_evidence_of_a_wrong_shape_is_refused(images: Library) -> None:
    with images.catalogue.writing() as connection:
        with pytest.raises(ValueError, match="reshape"):
            fingerprints.add_fingerprints(connection, [(1, hashes(1)[:7], 0)])
        with pytest.raises(ValueError, match="reshape"):
            fingerprints.add_features(connection, [(3, local(3)[0], local(4)[1])])


def test_an_item_keeps_its_evidence_and_numbers_are_never_used_again(images: Library) -> None:
    fill(images)
    with images.catalogue.writing() as connection:
        fingerprints.add_fingerprints(connection, [(7, hashes(1), 1)])
        assert fingerprints.fingerprints_of(connection, [7])[7][1] == 70
        connection.execute(delete(schema.fingerprints))
        fingerprints.add_fingerprints(connection, [(7, hashes(1), 1)])
        [page] = fingerprints.fingerprints(connection, after=7)
        assert page.items.tolist() == [7]


def test_watermarks_are_kept_for_each_method(library: Library) -> None:
    with library.catalogue.writing() as connection:
        assert duplicate_pairs.watermark(connection, "hashes") == 0
        duplicate_pairs.set_watermark(connection, "hashes", 5)
        duplicate_pairs.set_watermark(connection, "hashes", 9)
        duplicate_pairs.set_watermark(connection, "vectors:1", 3)
        duplicate_pairs.set_watermark(connection, "vectors:2", 4)
        assert duplicate_pairs.watermark(connection, "hashes") == 9
        duplicate_pairs.keep_space(connection, 2)
        left = [
            duplicate_pairs.watermark(connection, m) for m in ("hashes", "vectors:1", "vectors:2")
        ]
        assert left == [9, 0, 4]


PAIRS = (
    (2, 1, "edited", {"overlap": 0.8}),
    (1, 2, "similar", {"cosine": 0.97}),
    (1, 3, "same-picture", {"hash_distance": 3}),
    (3, 5, "similar", {"cosine": 0.9}),
    (4, 5, "edited", {"inliers": 30}),
)


def paired(library: Library) -> None:
    with library.catalogue.writing() as connection:
        duplicate_pairs.add_pairs(connection, PAIRS)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pairs_come_in_order_each_with_its_strongest_kind(
    images: Library, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicate_pairs, "PAIR_PAGE", size)
    paired(images)
    with images.catalogue.reading() as connection:

        def read(*sets: set[int], kinds: tuple[str, ...] = KINDS) -> list[tuple[int, int, str]]:
            pages = duplicate_pairs.pairs(connection, kinds, *sets)
            return [(pair.first, pair.second, pair.kind) for page in pages for pair in page]

        assert read() == [
            (1, 2, "edited"),
            (1, 3, "same-picture"),
            (3, 5, "similar"),
            (4, 5, "edited"),
        ]
        assert read(kinds=("similar",)) == [(1, 2, "similar"), (3, 5, "similar")]
        assert read({1, 3, 5}) == [(1, 3, "same-picture"), (3, 5, "similar")]
        assert read({5, 2}, {1, 3}) == [(1, 2, "edited"), (3, 5, "similar")]
        assert read(set()) == read(kinds=()) == []


def test_the_pairs_of_one_item_are_looked_up_by_its_number(images: Library) -> None:
    paired(images)
    with images.catalogue.reading() as connection:
        [page] = duplicate_pairs.pairs(connection, KINDS, {5}, {1, 2, 3, 4})
        assert page == [
            Pair(3, 5, "similar", {"cosine": 0.9}),
            Pair(4, 5, "edited", {"inliers": 30}),
        ]
        assert list(duplicate_pairs.pairs(connection, KINDS, {7}, {1, 2, 3, 4, 5})) == []


def test_known_pairs_are_those_of_the_kinds_asked(images: Library) -> None:
    paired(images)
    with images.catalogue.reading() as connection:
        assert duplicate_pairs.known_pairs(connection, [1, 3, 4], ("similar",)) == {(1, 2), (3, 5)}
        assert duplicate_pairs.known_pairs(connection, [2, 5], KINDS) == set()


def test_a_pair_that_was_looked_at_again_has_the_new_kind_and_evidence(images: Library) -> None:
    paired(images)
    with images.catalogue.writing() as connection:
        duplicate_pairs.replace_pairs(
            connection,
            [
                (1, 3, "same-picture", "similar", {"differs": True}),
                (4, 5, "edited", "edited", {"differs": False}),
                (2, 3, "edited", "edited", {"differs": False}),  # was removed meanwhile
            ],
        )
        [page] = duplicate_pairs.pairs(connection, KINDS, {3, 4, 5}, {1, 2, 3, 4, 5})
    assert Pair(1, 3, "similar", {"differs": True}) in page
    assert Pair(4, 5, "edited", {"differs": False}) in page
    assert (1, 3, "same-picture") not in [(one.first, one.second, one.kind) for one in page]
    assert (2, 3) not in [(one.first, one.second) for one in page]


def test_files_tell_copies_and_what_lies_elsewhere(images: Library) -> None:
    with images.catalogue.writing() as connection:
        connection.execute(insert(schema.roots).values(id=1, path="/p", walked=True))
        for number, (item, path) in enumerate(
            [(2, "/p/a/1"), (2, "/p/b/1"), (3, "/p/a/2"), (4, "/p/b/3"), (4, "/p/gone")]
        ):
            connection.execute(
                insert(schema.files).values(
                    root_id=1,
                    path=path,
                    item_id=item,
                    size=1,
                    mtime_ns=number,
                    missing=path == "/p/gone",
                )
            )
        assert duplicate_pairs.of_several_files(connection) == [2]
        assert duplicate_pairs.elsewhere(connection, "/p/a") == [2, 4]
        assert duplicate_pairs.elsewhere(connection, "/p/a/2") == [2, 4]
        assert duplicate_pairs.elsewhere(connection, "/p") == []


def test_a_pair_found_again_has_the_new_evidence(images: Library) -> None:
    paired(images)
    with images.catalogue.writing() as connection:
        duplicate_pairs.add_pairs(connection, [(5, 4, "edited", {"inliers": 44})])
        [[found]] = duplicate_pairs.pairs(connection, KINDS, {4}, {5})
        assert found.evidence == {"inliers": 44}
        duplicate_pairs.add_pairs(connection, [])
        with pytest.raises(ValueError, match="item 4"):
            duplicate_pairs.add_pairs(connection, [(4, 4, "edited", {})])


def test_the_table_itself_holds_the_order_of_a_pair(images: Library) -> None:
    with pytest.raises(IntegrityError), images.catalogue.writing() as connection:
        connection.exec_driver_sql("INSERT INTO pairs VALUES (1, 3, 2, 'edited', '{}')")


def test_other_limits_begin_from_the_start(images: Library) -> None:
    paired(images)
    with images.catalogue.writing() as connection:
        duplicate_pairs.compare_by(connection, 17)
        paired_here = [(1, 2, "edited", {}), (1, 3, "similar", {"cosine": 0.9})]
        duplicate_pairs.add_pairs(connection, paired_here)
        duplicate_pairs.set_watermark(connection, "hashes", 5)
        duplicate_pairs.compare_by(connection, 17)
        assert duplicate_pairs.watermark(connection, "hashes") == 5
        assert len(next(duplicate_pairs.pairs(connection, KINDS))) == 2
        duplicate_pairs.compare_by(connection, 18)
        assert duplicate_pairs.watermark(connection, "hashes") == 0
        assert list(duplicate_pairs.pairs(connection, KINDS)) == []


def test_pairs_of_another_space_are_forgotten_and_shots_told_by_pixels_stay(
    images: Library,
) -> None:
    with images.catalogue.writing() as connection:
        rows = [
            (1, 2, "similar", {"cosine": 0.9}),
            (1, 3, "similar", {"seconds_apart": 1.0}),
            (1, 4, "edited", {}),
        ]
        duplicate_pairs.add_pairs(connection, rows)
        duplicate_pairs.set_watermark(connection, "vectors:1", 9)
        duplicate_pairs.keep_space(connection, 1)
        assert duplicate_pairs.watermark(connection, "vectors:1") == 9
        assert len(next(duplicate_pairs.pairs(connection, KINDS))) == 3
        duplicate_pairs.keep_space(connection, 2)
        assert duplicate_pairs.watermark(connection, "vectors:1") == 0
        [page] = duplicate_pairs.pairs(connection, KINDS)
        assert [(pair.second, pair.kind) for pair in page] == [(3, "similar"), (4, "edited")]


def test_what_is_stored_goes_with_its_item(images: Library) -> None:
    fill(images)
    paired(images)
    with images.catalogue.writing() as connection:
        connection.execute(delete(schema.items).where(schema.items.c.id.in_([1, 5])))
        assert list(duplicate_pairs.pairs(connection, KINDS)) == []
        [prints], [local_] = (
            fingerprints.fingerprints(connection),
            fingerprints.features(connection),
        )
        assert prints.items.tolist() == local_.items.tolist() == [2, 3, 4, 6, 7]


def test_a_library_of_the_second_schema_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "HEAD", "0002")
        patch.setattr("storage.library.HEAD", "0002")
        old = Library.create(tmp_path / "old")
        with old, old.catalogue.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO items (hash, kind, bytes, format, present) VALUES (?, ?, ?, ?, ?)",
                (bytes.fromhex(name(1)), "image", 1, "PNG", False),
            )
    with Library.open(tmp_path / "old") as library, library.catalogue.writing() as connection:
        fingerprints.add_fingerprints(connection, [(1, hashes(1), 50)])
        decisions.record(connection, "keep-all", [name(1), name(2)])
        assert fingerprints.fingerprints_of(connection, [1])[1][1] == 50
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    [copy] = (tmp_path / "old").glob(f"catalogue.before-{HEAD}-was-0002*")
    with sqlite3.connect(copy) as file:
        assert file.execute("SELECT count(*) FROM items").fetchone() == (1,)
    file.close()
