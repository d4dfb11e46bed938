"""Kills while a library of an earlier version is read again."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sqlalchemy import select

from indexer.reader import READER_VERSION
from storage import Library, schema
from tests.indexer.crash_run import CrashRun
from tests.indexer.images.encoded import P3, profile
from tests.indexer.old_library import make_old, spoil, vector, versions

Draw = Callable[..., Path]
DISPLAY_P3 = profile(P3)


def test_kills_between_leave_each_item_read_by_one_version_whole(
    tmp_path: Path, draw: Draw
) -> None:
    for number in range(24):
        wide = {"icc_profile": DISPLAY_P3} if number % 2 else {}
        draw(tmp_path / "photos" / f"{number}.png", number, **wide)
    CrashRun(tmp_path, "stand-in", delay=0).finish()
    run = CrashRun(tmp_path, "stand-in", delay=0.2, batch=1)
    with Library.open(run.library) as library:
        make_old(library)
        for path in _wide(run.photos):
            spoil(library, path)
    for more in (6, 2):
        enough = len(run.encoded()) + more
        with run.running() as process:
            while len(run.encoded()) < enough:
                assert process.poll() is None
                time.sleep(0.02)
            process.kill()
        assert len(run.stored()) == 24
        with Library.open(run.library) as library:
            assert versions(library) == {0, READER_VERSION}  # it was killed between
            assert _is_read_by_one(library, run.photos)
    run.finish()
    with Library.open(run.library) as library:
        assert versions(library) == {READER_VERSION}
        assert _is_read_by_one(library, run.photos)


def _wide(photos: Path) -> list[Path]:
    return [photos / f"{number}.png" for number in range(1, 24, 2)]


def _is_read_by_one(library: Library, photos: Path) -> bool:
    """Return whether each wide photo's vector is of the version that its row names."""
    with library.catalogue.reading() as connection:
        rows = connection.execute(select(schema.items.c.hash, schema.items.c.reader_version))
        named = {str(name): int(version) for name, version in rows}
    return all(
        bool(np.any(vector(library, path))) == (named[library.find(str(path)).hash] > 0)
        for path in _wide(photos)
    )
