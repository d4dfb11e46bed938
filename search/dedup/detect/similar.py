"""Similar images: neighbours in the library's space, with a lower threshold within a burst."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from search.dedup.detect.candidates import Numbers
from search.dedup.detect.compare import seconds_between
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.kinds import Thresholds
from storage.index.knn_join import neighbours
from storage.library import Library
from storage.records import Capture, Space
from storage.tables import items

_EARTH = 6_371_008.8  # metres, the mean radius
_TOGETHER = 4096  # pairs whose captures are read at a time


@dataclass(frozen=True, slots=True)
class SimilarBlock:
    """The similar pairs of a block of vectors, with their evidence, and the watermark after it."""

    pairs: Numbers  # (n, 2) int64 items, the lower first
    evidence: list[Evidence]  # n
    watermark: int


def similar(
    library: Library, space: Space, after: int, limits: Thresholds
) -> Iterator[SimilarBlock]:
    """Yield the similar pairs of the vectors numbered above `after`, block by block.

    Each image is compared with its `limits.neighbours` nearest; cosines are those of the stored
    vectors. A pair may come again in a later block.
    """
    assert space.id is not None
    least = min(limits.cosine, limits.burst_cosine)
    for block in neighbours(
        library.catalogue, library.paths.index, space.id, after, limits.neighbours, least
    ):
        pairs = np.stack([block.first, block.second], axis=1)
        seen = list(_seen(library, pairs, block.cosines.tolist(), limits))
        kept = [row for row, evidence in enumerate(seen) if evidence is not None]
        yield SimilarBlock(pairs[kept], [each for each in seen if each is not None], block.upto)


def _seen(
    library: Library, pairs: Numbers, cosines: list[float], limits: Thresholds
) -> Iterator[Evidence | None]:
    for start in range(0, len(pairs), _TOGETHER):
        part = pairs[start : start + _TOGETHER].tolist()
        with library.catalogue.reading() as connection:
            captures = items.captures(connection, {item for pair in part for item in pair})
        near = cosines[start : start + _TOGETHER]
        for (first, second), cosine in zip(part, near, strict=True):
            yield judged(cosine, captures[first], captures[second], limits)


def judged(cosine: float, first: Capture, second: Capture, limits: Thresholds) -> Evidence | None:
    """Return evidence if two images are similar by cosine, or are near and of one burst."""
    apart, metres = seconds_between(first, second), metres_between(first, second)
    same_camera = first.camera is not None and first.camera == second.camera
    evidence = Evidence(
        "similar",
        cosine=cosine,
        seconds_apart=apart,
        metres_apart=metres,
        camera=first.camera if same_camera else None,
    )
    if cosine >= limits.cosine:
        return evidence
    burst = (
        cosine >= limits.burst_cosine
        and same_camera
        and apart is not None
        and apart <= limits.burst_seconds
        and (metres is None or metres <= limits.burst_metres)
    )
    return evidence if burst else None


def metres_between(first: Capture, second: Capture) -> float | None:
    """Return the distance of two places on the earth, by the haversine formula; None if unknown."""
    ours, theirs = (first.latitude, first.longitude), (second.latitude, second.longitude)
    if None in ours or None in theirs:
        return None
    lat, lon, other_lat, other_lon = (math.radians(each or 0.0) for each in (*ours, *theirs))
    half = (
        math.sin((other_lat - lat) / 2) ** 2
        + math.cos(lat) * math.cos(other_lat) * math.sin((other_lon - lon) / 2) ** 2
    )
    return 2 * _EARTH * math.asin(math.sqrt(min(1.0, half)))
