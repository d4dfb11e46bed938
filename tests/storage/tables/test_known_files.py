"""Known files: their looks in byte order, and what keeps one from being unchanged."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, update

from storage import Library, schema
from storage.records import Annotations, Root, Space
from storage.tables import files, items, known_files, spaces, vectors
from storage.tables.file_state import FileSeen, Sidecars
from storage.tables.items import Content
from storage.tables.known_files import Demands
from storage.tables.roots import Roots
from tests.storage.unit_vectors import unit_vectors

DEMANDS = Demands(space_id=1, reader_version=2, metadata_version=3)
NAMES = ("a.jpg", "a/b.jpg", "a b.jpg", os.fsdecode(b"a/caf\xe9.jpg"), "z.jpg")


@pytest.fixture
def root(library: Library) -> Root:
    with library.catalogue.writing() as connection:
        spaces.register(connection, Space("m", "1", 4, "{}"))
        return Roots(connection).enter("/photos", walked=True)


def add(library: Library, root: Root, path: str, number: int, sidecar: str | None = None) -> int:
    with library.catalogue.writing() as connection:
        content = Content(
            f"{number:064x}", "image", 1, "JPEG", reader_version=2, metadata_version=3
        )
        item, fresh = items.add(connection, content)
        vectors.add(connection, 1, "image", [item], unit_vectors(1, 4, seed=number))
        beside = Sidecars(sidecar, Annotations())
        seen = FileSeen(root.id, path, number, 10, 20, str(2**63 + number), beside)
        files.record(connection, seen, item, fresh, lambda root, path: False)
    return item


def fail(library: Library, root: Root, path: str) -> None:
    with library.catalogue.writing() as connection:
        files.fail(connection, FileSeen(root.id, path, 1, 2), "decode", "broken")


def rows(library: Library, root: Root, folder: str) -> Iterator[known_files.KnownLooks]:
    for page in known_files.looks(library.catalogue, root, folder, DEMANDS):
        yield from page


@pytest.mark.parametrize("page", [1, 2, 4000])
def test_those_of_a_folder_come_in_byte_order_page_by_page(
    page: int, library: Library, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_files, "PAGE", page)
    for number, name in enumerate(NAMES):
        add(library, root, f"/photos/{name}", number + 1)
    for name in ("0.jpg", "a/bad.jpg", "zz.jpg", "z.jpg"):
        fail(library, root, f"/photos/{name}")
    found = [(os.fsdecode(path), size) for path, size, *_ in rows(library, root, "/photos")]
    whole = {f"/photos/{name}": number + 1 for number, name in enumerate(NAMES)}
    broken = {f"/photos/{name}": None for name in ("0.jpg", "a/bad.jpg", "zz.jpg", "z.jpg")}
    expected = whole | broken
    assert found == [(path, expected[path]) for path in sorted(expected, key=os.fsencode)]
    inside = [os.fsdecode(path) for path, *_ in rows(library, root, "/photos/a")]
    assert inside == ["/photos/a/b.jpg", "/photos/a/bad.jpg", os.fsdecode(b"/photos/a/caf\xe9.jpg")]
    assert [path for path, *_ in rows(library, root, "/photos/a.jpg")] == [b"/photos/a.jpg"]


def test_what_its_sidecars_look_like_goes_with_a_file(library: Library, root: Root) -> None:
    add(library, root, "/photos/a.jpg", 1, sidecar='[["a.xmp", 1, 2]]')
    add(library, root, "/photos/b.jpg", 2)
    assert [state for *_, state in rows(library, root, "/photos")] == ['[["a.xmp", 1, 2]]', None]


def test_a_number_that_is_too_large_is_no_files(library: Library, root: Root) -> None:
    add(library, root, "/photos/a.jpg", 1)
    [(_, size, mtime, ctime, inode, _)] = rows(library, root, "/photos")
    assert (size, mtime, ctime) == (1, 10, 20)
    assert inode is not None and inode < 2**63


@pytest.mark.parametrize(
    "state",
    [
        {"missing": True},
        {"excluded": True},
        {"reader_version": 1},
        {"metadata_version": 2},
        {"vector": None},
    ],
)
def test_what_does_not_meet_the_demands_has_no_size(
    state: dict[str, object], library: Library, root: Root
) -> None:
    add(library, root, "/photos/a.jpg", 1)
    item = add(library, root, "/photos/b.jpg", 2)
    with library.catalogue.writing() as connection:
        if "vector" in state:
            connection.execute(delete(schema.vectors).where(schema.vectors.c.item_id == item))
        elif state.keys() <= {"reader_version", "metadata_version"}:
            connection.execute(
                update(schema.items).where(schema.items.c.id == item).values(**state)
            )
        else:
            connection.execute(
                update(schema.files).where(schema.files.c.item_id == item).values(**state)
            )
    assert [size for _, size, *_ in rows(library, root, "/photos")] == [1, None]


def test_the_map_of_the_catalogue_is_as_it_was_afterwards(library: Library, root: Root) -> None:
    asked = "PRAGMA mmap_size"
    with library.catalogue.reading() as connection:
        before = connection.exec_driver_sql(asked).scalar()
    assert before
    assert not list(rows(library, root, "/photos"))
    with library.catalogue.reading() as connection:
        assert connection.exec_driver_sql(asked).scalar() == before
