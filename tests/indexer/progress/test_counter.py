"""The progress of a run: what is counted on the way, what lies ahead, and how long it takes."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from indexer import IndexConfig, Progress, pipeline
from indexer.changes import Changes
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from indexer.progress import counter as progress
from indexer.progress.file_counter import FileCounter
from indexer.scan.file_systems import FileSystems
from indexer.scan.targets import Target
from indexer.scan.walk import Scan
from storage import Library
from storage.tables.roots import Roots

Draw = Callable[..., Path]
Index = Callable[..., object]


def watched(library: Library, encoder: FakeEncoder, *paths: Path) -> list[Progress]:
    told: list[Progress] = []
    config = IndexConfig(paths=tuple(map(str, paths)), workers=1, batch_size=4)
    Indexer(library, encoder, config, told.append).run()
    return told


def test_what_became_of_the_files_is_counted_on_the_way(
    library: Library, encoder: FakeEncoder, photos: Path, index: Index, draw: Draw
) -> None:
    index(photos)
    draw(photos / "7.png", 7)
    (photos / "0.png").rename(photos / "moved.png")
    (photos / "copy.png").write_bytes((photos / "1.png").read_bytes())
    (photos / "broken.png").write_bytes(b"no image")
    (photos / "film.mov").touch()
    last = watched(library, encoder, photos)[-1]
    assert (last.new, last.moved, last.copied, last.unchanged) == (1, 1, 1, 5)
    assert (last.skipped, last.failed, last.scanned) == (1, 1, 10)
    read = ("7.png", "moved.png", "copy.png", "broken.png")
    assert last.bytes == sum((photos / name).stat().st_size for name in read)
    assert last.waiting == 0


def test_the_time_left_is_told_while_much_is_left_and_goes_down_to_nothing(
    library: Library, draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_MOST_BYTES", 1 << 20)  # so that the scan has to wait
    monkeypatch.setattr(progress, "_MANY_SENT", 10)
    monkeypatch.setattr(progress, "_LONG_AGO", 0.0)
    monkeypatch.setattr(progress, "_REPORT_SECONDS", 0.0)
    monkeypatch.setattr(progress, "SHORTEST", 0.2)
    for number in range(200):
        draw(tmp_path / "many" / f"{number // 50}" / f"{number}.png", number)
    told = watched(library, FakeEncoder(delay=0.01), tmp_path / "many")
    assert {one.total for one in told} <= {None, 200}
    counted = [one for one in told if one.total and one.scanned < 200 and one.seconds_left]
    assert counted, "the files were counted and a pace was known before the scan was over"
    assert all(one.seconds_left is None for one in told if one.total is None)
    assert told[-1].seconds_left == 0
    # From half of the run on, the estimate is of the right size.
    whole = told[-1].seconds
    half = next(one for one in told if one.seconds > whole / 2 and one.seconds_left)
    assert half.seconds_left == pytest.approx(whole - half.seconds, rel=0.8)


def test_nothing_is_counted_ahead_where_little_is_read(
    library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a second walk")

    monkeypatch.setattr(FileCounter, "start", refuse)
    assert watched(library, FakeEncoder(), photos)[-1].new == 6
    assert watched(library, FakeEncoder(), photos)[-1].unchanged == 6


def test_what_is_ahead_are_all_files_and_the_work_after_a_place(
    library: Library, photos: Path, index: Index, draw: Draw
) -> None:
    index(photos)
    for name in ("1a.png", "2a.png", "summer/3.png", "film.mov"):
        draw(photos / "x.png", len(name)).rename(photos / name)
    with library.catalogue.reading() as connection:
        [root] = Roots(connection)
    walked = Target(root, str(photos))
    changes = Changes(library.catalogue, 1, IndexConfig())
    scan = partial(Scan, root, file_systems=FileSystems.read())
    with FileCounter([walked], changes, lambda _: scan()) as counter:
        counter.start(walked, str(photos / "1a.png"))
        while counter.ahead is None:
            time.sleep(0.01)
    assert counter.ahead is not None
    assert counter.ahead.total == 10
    sizes = [os.path.getsize(photos / name) for name in ("2a.png", "summer/3.png")]
    assert dict(counter.ahead.work.files) == {".png": 2}
    assert dict(counter.ahead.work.bytes) == {".png": sum(sizes)}
