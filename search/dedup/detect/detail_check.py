"""A second look at pairs whose files may go: at all the detail that both files have.

What was compared before is 160 pixels wide, where a word, a closed eye and a small car are not
seen. Worker processes read the files again (`indexer.images.compare.comparison`); what was seen
is stored with the pair, so that it is looked at once.
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

_TOGETHER = 8  # images that are compared with one while it is held decoded
_BACK = {"90": "270", "270": "90"}  # every other turn undoes itself
_MANY = 24  # copies of one image, from which on thumbnails are compared first
_BY_FAR = 1.5
_AHEAD = 64  # parts that are scheduled before they are asked for

T = TypeVar("T")


class Pool(Protocol):
    """Processes that do tasks, as `indexer.workers.ReadPool` is one."""

    def schedule(self, task: Task[T]) -> "Future[T]":
        """Queue a task; its failure is a FileFailure."""


_Files = Callable[["Asked"], tuple[ImageFile, ImageFile]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A pair to look at, and what is known of it.

    `form` turns the second upright beside the first, by its place in `TURNS`.
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
        watch: Callable[[int, int], None] | None = None,
    ) -> None:
        """Take the thresholds, thumbnails by hash, who does the work, and what a file may cost.

        `watch` is called with how many pairs of how many were looked at.
        """
        self._limits, self._thumbnail, self._pool = limits, thumbnail, pool
        self._file_limits = file_limits or Limits()
        self._watch = watch or (lambda _done, _of: None)
        self._done = self._of = 0

    def run(self, asked: Sequence[Asked]) -> Iterator[tuple[Asked, Evidence]]:
        """Yield each pair with its new evidence; pairs that could not be read are left out.

        A copy that differs is called "similar"; of edits, `differs` says so.
        """
        self._of += len(asked)
        strangers = set()
        for each, found in self._compared(_crowded(asked), self._thumbnails):
            # Thumbnails have losses of their own: what differs in them does so by far.
            if found.excess > _BY_FAR * self._limits.detail:
                strangers.add(each)
                self._count(1)
                yield each, self._judged(each.evidence, found)
        left = [each for each in asked if each not in strangers]
        for each, found in self._compared(left, _files):
            yield each, self._judged(each.evidence, found)

    def _count(self, many: int) -> None:
        self._done += many
        self._watch(self._done, self._of)

    def _compared(
        self, asked: Sequence[Asked], files: "_Files"
    ) -> Iterator[tuple[Asked, Difference]]:
        parts = _parts(asked)
        waiting = deque(self._scheduled(islice(parts, _AHEAD), files))
        while waiting:
            part, future = waiting.popleft()
            try:
                found = future.result()
            except FileFailure:  # too long, too much memory, a decoder that crashed
                if len(part) > 1:  # the others of the part are none the worse for it
                    waiting.extend(self._scheduled(((each,) for each in part), files))
                    continue
                found = (None,)
            waiting.extend(self._scheduled(islice(parts, 1), files))
            if files is _files:
                self._count(len(part))
            yield from (
                (each, one) for each, one in zip(part, found, strict=True) if one is not None
            )

    def _scheduled(
        self, parts: Iterable[tuple[Asked, ...]], files: "_Files"
    ) -> Iterator[tuple[tuple[Asked, ...], "Future[tuple[Difference | None, ...]]"]]:
        for part in parts:
            yield part, self._pool.schedule(self._task(part, files))

    def _task(self, part: Sequence[Asked], files: "_Files") -> CompareTask:
        others = tuple(
            Beside(files(each)[1], each.form, each.evidence.kind == "edited") for each in part
        )
        return CompareTask(files(part[0])[0], others, self._file_limits)

    def _thumbnails(self, asked: Asked) -> tuple[ImageFile, ImageFile]:
        first, second = (
            replace(file, content=self._thumbnail(file.hash))
            for file in (asked.first, asked.second)
        )
        return first, second

    def _judged(self, evidence: Evidence, found: Difference) -> Evidence:
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


def _files(asked: Asked) -> tuple[ImageFile, ImageFile]:
    return asked.first, asked.second


def _crowded(asked: Sequence[Asked]) -> list[Asked]:
    """Return the copies of images that very many seem to be copies of: pages of one layout."""
    many = Counter(each.first.hash for each in asked)
    return [
        each
        for each in asked
        if many[each.first.hash] > _MANY and each.evidence.kind == "same-picture"
    ]


def _parts(asked: Sequence[Asked]) -> Iterator[tuple[Asked, ...]]:
    """Cut into parts that have their first image in common."""
    for _, some in groupby(asked, key=lambda each: each.first.hash):
        waiting = iter(some)
        while part := tuple(islice(waiting, _TOGETHER)):
            yield part


def form_of(evidence: Evidence, swapped: bool = False) -> int:
    """Return the place in `TURNS` of how a pair's second lies beside its first.

    `swapped` asks for the first beside the second.
    """
    turn = evidence.turned or "none"
    return TURNS.index(_BACK.get(turn, turn) if swapped else turn)


def file_of(item: Item) -> ImageFile:
    """Return where an item can be read."""
    return ImageFile(item.paths, item.hash, item.bytes)
