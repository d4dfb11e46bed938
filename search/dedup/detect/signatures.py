"""Looks of pictures of the library: what of each is compared, read for many at a time."""

from collections.abc import Callable, Sequence

import numpy as np

from indexer.images.fingerprint import Features
from search.dedup.detect.block_match import Pixels
from search.dedup.detect.compare import Look
from storage.library import Library
from storage.tables import fingerprints, items


def looks_of(
    library: Library,
    numbers: Sequence[int],
    crops: bool,
    pixels: Callable[[str], Pixels | None],
) -> dict[int, Look]:
    """Return the looks of items, with their features where `crops` are looked for.

    `pixels` gives the small picture of a content. What has no fingerprint or no picture is left
    out.
    """
    with library.catalogue.reading() as connection:
        hashes = fingerprints.fingerprints_of(connection, numbers)
        features = fingerprints.features_of(connection, numbers) if crops else {}
        found = items.hydrate(connection, numbers)
    looks = {}
    for number, item in found.items():
        seen = pixels(item.hash) if number in hashes else None
        if seen is None:
            continue
        known = features.get(number)
        points = None if known is None else Features(known[0], known[1].astype(np.float32))
        looks[number] = Look(*hashes[number], seen, item.capture, points)
    return looks
