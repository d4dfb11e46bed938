"""The comparison at full detail of pairs from which a file may be dropped.

The comparison before uses 160 pixels, which do not show a word, a closed eye or a small car.
Worker processes read the files again (`indexer.images.compare.comparison`); the result is stored
with the pair, so that each is compared once.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Protocol, TypeVar

from indexer.images.compare.comparison import Beside, CompareTask, ImageFile
from indexer.images.compare.detail import Difference
from indexer.images.fingerprint import TURNS
from indexer.images.limits import Limits
from indexer.images.task import Task
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.kinds import Thresholds
from storage.errors import FileFailure
from storage.records import Item

_TOGETHER = 8  # images compared with one while that stays decoded
_BACK = {"90": "270", "270": "90"}  # the other orientations are their own inverse
_MANY = 24  # with more copies of one image, thumbnails are compared first
_BY_FAR = 1.5
_AHEAD = 64  # tasks scheduled before their results are needed

T = TypeVar("T")


class Pool(Protocol):
    """A pool of worker processes, such as `indexer.workers.ReadPool`."""

    def schedule(self, task: Task[T]) -> "Future[T]":
        """Queue a task; its future raises FileFailure if it fails."""


_Files = Callable[["PairToCheck"], tuple[ImageFile, ImageFile]]


@dataclass(frozen=True, slots=True)
class PairToCheck:
    """A pair to compare, and its evidence so far.

    `form` is the index in `TURNS` of the orientation of the second beside the first.
    """

    first: ImageFile
    second: ImageFile
    form: int
    evidence: Evidence


class DetailCheck:
    """Compares files at full detail in guarded worker processes."""

    def __init__(
        self,
        limits: Thresholds,
        thumbnail: Callable[[str], bytes | None],
        pool: Pool,
        file_limits: Limits | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Create a check; `thumbnail` returns a thumbnail by hash, `pool` runs the comparisons.

        `progress` is called with the number of pairs compared and of pairs in all.
        """
        self._limits, self._thumbnail, self._pool = limits, thumbnail, pool
        self._file_limits = file_limits or Limits()
        self._progress = progress or (lambda _done, _of: None)
        self._done = self._of = 0

    def run(self, pairs: Sequence[PairToCheck]) -> Iterator[tuple[PairToCheck, Evidence]]:
        """Yield each pair with its new evidence; pairs that could not be read are left out.

        A copy that differs becomes "similar"; an edit that differs keeps its kind.
        """
        self._of += len(pairs)
        strangers = set()
        for each, found in self._compare(_much_copied(pairs), self._thumbnails):
            # Thumbnails have losses of their own, so only a large difference counts in them.
            if found.excess > _BY_FAR * self._limits.detail:
                strangers.add(each)
                self._report(1)
                yield each, self._with_difference(each.evidence, found)
        left = [each for each in pairs if each not in strangers]
        for each, found in self._compare(left, _files):
            yield each, self._with_difference(each.evidence, found)

    def _report(self, many: int) -> None:
        self._done += many
        self._progress(self._done, self._of)

    def _compare(
        self, pairs: Sequence[PairToCheck], files: "_Files"
    ) -> Iterator[tuple[PairToCheck, Difference]]:
        parts = _parts(pairs)
        waiting = deque(self._scheduled(islice(parts, _AHEAD), files))
        while waiting:
            part, future = waiting.popleft()
            try:
                found = future.result()
            except FileFailure:  # too long, too much memory, a decoder that crashed
                if len(part) > 1:  # one pair failed: try them one by one
                    waiting.extend(self._scheduled(((each,) for each in part), files))
                    continue
                found = (None,)
            waiting.extend(self._scheduled(islice(parts, 1), files))
            if files is _files:
                self._report(len(part))
            yield from (
                (each, one) for each, one in zip(part, found, strict=True) if one is not None
            )

    def _scheduled(
        self, parts: Iterable[tuple[PairToCheck, ...]], files: "_Files"
    ) -> Iterator[tuple[tuple[PairToCheck, ...], "Future[tuple[Difference | None, ...]]"]]:
        for part in parts:
            yield part, self._pool.schedule(self._task(part, files))

    def _task(self, part: Sequence[PairToCheck], files: "_Files") -> CompareTask:
        others = tuple(
            Beside(files(each)[1], each.form, each.evidence.kind == "edited") for each in part
        )
        return CompareTask(files(part[0])[0], others, self._file_limits)

    def _thumbnails(self, pairs: PairToCheck) -> tuple[ImageFile, ImageFile]:
        first, second = (
            replace(file, content=self._thumbnail(file.hash))
            for file in (pairs.first, pairs.second)
        )
        return first, second

    def _with_difference(self, evidence: Evidence, found: Difference) -> Evidence:
        differs = found.excess > self._limits.detail
        return replace(
            evidence,
            kind="similar" if differs and evidence.kind == "same-picture" else evidence.kind,
            differs=differs,
            detail=found.excess,
            detail_in=found.channel,
            detail_x=found.x,
            detail_y=found.y,
        )


def _files(pairs: PairToCheck) -> tuple[ImageFile, ImageFile]:
    return pairs.first, pairs.second


def _much_copied(pairs: Sequence[PairToCheck]) -> list[PairToCheck]:
    """Return the pairs of images with more than `_MANY` copies: probably pages of one layout."""
    many = Counter(each.first.hash for each in pairs)
    return [
        each
        for each in pairs
        if many[each.first.hash] > _MANY and each.evidence.kind == "same-picture"
    ]


def _parts(pairs: Sequence[PairToCheck]) -> Iterator[tuple[PairToCheck, ...]]:
    """Split pairs into parts that share their first image."""
    for _, some in groupby(pairs, key=lambda each: each.first.hash):
        waiting = iter(some)
        while part := tuple(islice(waiting, _TOGETHER)):
            yield part


def form_of(evidence: Evidence, swapped: bool = False) -> int:
    """Return the index in `TURNS` of the orientation of a pair's second beside its first.

    With `swapped`, of the first beside the second.
    """
    turn = evidence.orientation or "none"
    return TURNS.index(_BACK.get(turn, turn) if swapped else turn)


def file_of(item: Item) -> ImageFile:
    """Return an item as an `ImageFile`."""
    return ImageFile(item.paths, item.hash, item.bytes)
