"""The signatures of library images, read from the catalogue for many at a time."""

from collections.abc import Callable, Sequence

import numpy as np

from indexer.images.fingerprint import Features
from search.dedup.detect.block_match import Pixels
from search.dedup.detect.compare import ImageSignature
from storage.library import Library
from storage.tables import fingerprints, items


def read_signatures(
    library: Library,
    numbers: Sequence[int],
    crops: bool,
    pixels: Callable[[str], Pixels | None],
) -> dict[int, ImageSignature]:
    """Read the signatures of items, with local features if `crops` are compared.

    `pixels` returns the small image of a content hash. Items without a fingerprint or an image
    are left out.
    """
    with library.catalogue.reading() as connection:
        hashes = fingerprints.fingerprints_of(connection, numbers)
        features = fingerprints.features_of(connection, numbers) if crops else {}
        found = items.hydrate(connection, numbers)
    signatures = {}
    for number, item in found.items():
        seen = pixels(item.hash) if number in hashes else None
        if seen is None:
            continue
        known = features.get(number)
        points = None if known is None else Features(known[0], known[1].astype(np.float32))
        signatures[number] = ImageSignature(*hashes[number], seen, item.capture, points)
    return signatures
