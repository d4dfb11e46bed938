"""A sample of images, spread evenly over what an index run is about, prepared for a model."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np

from indexer.config import IndexConfig
from indexer.cpu import usable_cores
from indexer.folder_reader import is_image
from indexer.models.compiled.precision import MOST_CALIBRATION_IMAGES
from indexer.models.protocols import ImageSpec, Pixels
from indexer.reader import ImageContent, ReadTask
from indexer.scan.excludes import Excludes
from indexer.scan.walk import Scan
from indexer.workers import ReadPool
from storage.errors import FileFailure
from storage.filters import Filters
from storage.library import Library
from storage.records import Root
from storage.selection import select_items
from storage.tables import items

T = TypeVar("T")
_HELD = 16  # times as many names as are wanted are in memory at a time


def read_sample(
    library: Library, config: IndexConfig, spec: ImageSpec, most: int = MOST_CALIBRATION_IMAGES
) -> Pixels:
    """Read different images evenly from the paths of a run and from the library's own.

    They are read as the run reads them, in guarded worker processes. Returns
    (n, size, size, 3) uint8, n at most `most`; what cannot be read is left out. Of the library
    no more than `most` count, so that many given images outweigh it.
    """
    paths = evenly(chain(_given(library, config), _stored(library, most)), most)
    found: dict[str, Pixels] = {}
    with ReadPool(config.workers or usable_cores(), config.limits) as pool:
        tasks = (ReadTask(path, "image", spec, config.limits) for path in paths)
        for future in [pool.schedule(task) for task in tasks]:
            try:
                read = future.result()
            except FileFailure:  # which the run itself will report
                continue
            assert isinstance(read.content, ImageContent)  # no hash was named as known
            found[read.hash] = read.content.pixels
    return np.stack(list(found.values())) if found else np.zeros((0, spec.size, spec.size, 3), "u1")


def evenly(rows: Iterable[T], most: int) -> list[T]:
    """Return at most so many rows, spread evenly over all; few of them are held at a time."""
    held, step = list[T](), 1
    for number, row in enumerate(rows):
        if number % step:
            continue
        held.append(row)
        if len(held) > _HELD * most:
            held, step = held[::2], 2 * step
    return _spread(held, most)


def _spread(rows: Sequence[T], most: int) -> list[T]:
    if len(rows) <= most:
        return list(rows)
    return [rows[place * len(rows) // most] for place in range(most)]


def _given(library: Library, config: IndexConfig) -> Iterator[str]:
    """Yield the images below the paths of a run, or of its list of files."""
    avoid = str(library.path.resolve())
    excludes = Excludes(config.exclude, config.exclude_by_root)
    for given in config.paths if config.files is None else config.files:
        path = os.path.realpath(os.path.expanduser(given))
        if os.path.isdir(path):
            scan = Scan(Root(0, path, True), excludes, avoid, named=path)
            yield from (seen.path for seen in scan.files(path) if is_image(seen.path))
        elif os.path.isfile(path) and is_image(path):
            yield path


def _stored(library: Library, most: int) -> list[str]:
    with library.catalogue.reading() as connection:
        numbers = _spread(select_items(connection, "image", Filters()), most)
        found = items.hydrate(connection, numbers)
    return [item.paths[0] for item in found.values() if item.paths]
