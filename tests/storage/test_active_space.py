"""Several models' vectors in one library: counted, switched to when complete, and let go of."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer import Report
from indexer.models.networks.fake import FakeEncoder
from storage import Library, ModelMismatch, Space, SpaceCount, active_space
from storage.errors import Hint, InvalidArgument, LibraryInUse
from storage.index import builds
from storage.tables import query_bank, spaces

Index = Callable[..., Report]


@pytest.fixture
def filled(library: Library, photos: Path, index: Index, second: FakeEncoder) -> Library:
    """A library of six photos with all vectors of both models, the stand-in's in use."""
    index(photos)
    index(by=second)
    return library


def told(library: Library) -> list[tuple[str, bool, int, int, bool]]:
    return [
        (count.space.name, count.current, count.vectors, count.lacking, count.complete)
        for count in library.spaces()
    ]


def rows(library: Library, table: str) -> int:
    with library.catalogue.reading() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0)


def test_the_first_space_is_current_and_others_stand_beside_it(library: Library) -> None:
    first, other = Space("a", "1", 8, "{}"), Space("b", "1b", 8, "{}")
    with library.catalogue.writing() as connection:
        made = [spaces.register(connection, space) for space in (first, other, first, other)]
    assert [space.id for space in made] == [1, 2, 1, 2]
    assert [(count.space.name, count.current) for count in library.spaces()] == [
        ("a", True),
        ("b", False),
    ]


def test_a_space_that_is_called_the_same_and_is_not_is_refused(library: Library) -> None:
    with library.catalogue.writing() as connection:
        spaces.register(connection, Space("a", "1", 8, "{}"))
        with pytest.raises(ModelMismatch, match="put the old weights back"):
            spaces.register(connection, Space("a", "1", 16, "{}"))


def test_each_space_is_counted(
    library: Library, photos: Path, index: Index, second: FakeEncoder
) -> None:
    assert library.spaces() == ()
    index(photos)
    assert told(library) == [("stand-in", True, 6, 0, True)]
    index(photos / "summer", by=second)
    assert told(library) == [("stand-in", True, 6, 0, True), ("second", False, 2, 4, False)]
    status = library.status()
    assert (status.current, status.path) == ("stand-in", str(library.path))
    assert status.spaces == library.spaces()
    assert isinstance(status.spaces[0], SpaceCount)


def test_a_space_is_used_once_it_is_complete(
    library: Library, photos: Path, index: Index, second: FakeEncoder
) -> None:
    index(photos)
    with pytest.raises(ModelMismatch, match="no vectors of second, but of stand-in"):
        library.use("second")
    index(photos / "summer", by=second)
    with pytest.raises(ModelMismatch, match="4 of 6 items .*: index by it") as early:
        library.use("second")
    assert early.value.hint == Hint("index by model", "second")
    index(by=second)
    assert library.use("second").name == "second"
    space = library.space()
    assert space is not None and space.name == "second"
    assert library.use("second") == space  # again, with nothing to do
    library.use("stand-in")
    assert told(library) == [("stand-in", True, 6, 0, True), ("second", False, 6, 0, True)]


def test_nothing_is_switched_while_another_process_writes(filled: Library) -> None:
    with (
        Library.open(filled.path) as writer,
        writer.writing("index"),
        pytest.raises(LibraryInUse),
    ):
        filled.use("second")


def test_what_lies_on_a_disk_that_is_away_does_not_keep_a_space_from_use(
    library: Library, tmp_path: Path, photos: Path, index: Index, second: FakeEncoder
) -> None:
    index(photos)
    away = (photos / "summer").rename(tmp_path / "away")
    index(by=second)
    assert told(library)[1] == ("second", False, 4, 2, True)
    library.use("second")
    away.rename(photos / "summer")
    index(by=second)
    assert told(library)[0] == ("second", True, 6, 0, True)


def test_pruning_leaves_nothing_of_a_space_and_everything_of_the_others(filled: Library) -> None:
    with filled.writing("build"), filled.catalogue.writing() as connection:
        query_bank.record(connection, 1, "everyday", np.ones((2, 64), np.float32))
    for space_id in (1, 2):
        builds.make(filled.catalogue, filled.paths.index, space_id, "image")
    filled.use("second")
    filled.prune(["stand-in"])
    assert told(filled) == [("second", True, 6, 0, True)]
    assert [rows(filled, name) for name in ("spaces", "vectors", "builds", "neutral")] == [
        1,
        6,
        1,
        0,
    ]
    assert len(list(filled.paths.index.iterdir())) == 1
    assert len(list(filled.paths.thumbnails.rglob("*.webp"))) == 6
    assert rows(filled, "items") == 6


def test_the_current_space_and_unknown_ones_are_not_pruned(filled: Library) -> None:
    with pytest.raises(InvalidArgument, match="use another model first"):
        filled.prune(["stand-in"])
    with pytest.raises(InvalidArgument, match="no vectors of third"):
        filled.prune(["second", "third"])
    assert rows(filled, "vectors") == 12


def test_an_interrupted_pruning_is_finished_by_the_next(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_space, "_PRUNED_AT_ONCE", 2)
    builds.make(filled.catalogue, filled.paths.index, 2, "image")
    drop = active_space._drop_vectors
    dropped: list[int] = []

    def interrupted(*words: object) -> int:
        if len(dropped) == 2:
            raise KeyboardInterrupt
        dropped.append(drop(*words))  # type: ignore[arg-type]
        return dropped[-1]

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(active_space, "_drop_vectors", interrupted)
        filled.prune(["second"])
    assert told(filled) == [("stand-in", True, 6, 0, True), ("second", False, 2, 4, False)]
    with pytest.raises(ModelMismatch, match="4 of 6"):
        filled.use("second")
    filled.prune(["second"])
    assert told(filled) == [("stand-in", True, 6, 0, True)]


def test_of_two_revisions_of_a_model_the_later_one_is_used(
    library: Library, photos: Path, index: Index, second: FakeEncoder
) -> None:
    index(photos, by=second)
    second.space = replace(second.space, revision="3")
    index(by=second)
    assert library.use("second").revision == "3"
    library.prune(["second"])  # the older one; the current one stays
    assert [count.space.revision for count in library.spaces()] == ["3"]
