"""Changes: what the file system shows against what the catalogue remembers.

Both come in the byte order of full paths and are merged like two sorted lists, so a run over
two million files holds a page of them at a time. An unchanged file costs one `stat` here and is
told by its looks alone, together with those around it, as long as its vectors are in the space
that is filled; without them it is read again. More is asked of the catalogue where looks differ.
Of a file that was touched, and holds what it held, the bytes are hashed and no more.
"""

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import itemgetter

from indexer.config import IndexConfig
from indexer.images.file_kind import HEAD_BYTES, FileKind, classify, needs_head
from indexer.images.metadata import sidecars
from indexer.images.metadata.sidecars import Sidecar, SidecarFinder
from indexer.reader import METADATA_VERSION, READER_VERSION
from indexer.scan.targets import Target
from indexer.scan.walk import FileRun, Scan
from storage.catalogue import Catalogue
from storage.records import ContentKind, Root
from storage.tables import known_files
from storage.tables.file_state import FileSeen, KnownFile, Looks
from storage.tables.known_files import Demands, KnownLooks
from storage.tables.stored_contents import Stored, stored_by_size

PAGE = 1000
_MOST_ALIKE = 20 * PAGE  # files that others wait for, so that more of them are asked for at once
Pair = tuple[FileSeen | None, KnownFile | None]


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that is new, looks changed, or was read by an earlier version of the reader.

    `known` and `outdated` are stored contents of just its size, see `ReadTask`. `item` is what
    an unchanged file holds. Where `unchanged` is its hash, only its metadata is read, that in
    the image itself only `with_embedded`.
    """

    seen: FileSeen
    kind: FileKind
    known: frozenset[str] = frozenset()
    outdated: Mapping[str, int] = field(default_factory=dict)
    item: int | None = None
    columns: tuple[str, ...] = ()  # of a table: where its passages stand
    sidecars: tuple[Sidecar, ...] | None = ()  # of an image; None: they cannot be looked for
    unchanged: str | None = None
    with_embedded: bool = False

    @property
    def content_kind(self) -> ContentKind:
        """Return the kind of the content in the catalogue."""
        return "document" if self.kind == "text" else self.kind


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Files that need no work: unchanged, skipped, or failed before and not changed since.

    `seen` is given where the catalogue lacks what the system shows of one by now.
    """

    outcome: str
    seen: FileSeen | None = None
    files: int = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """A change of no more than where a file that the catalogue remembers stands."""

    file: KnownFile


class Missing(Remembered):
    """A remembered file that is not there."""


class Restored(Remembered):
    """A missing file that is there again, as it was, or one that is excluded no more."""


class Excluded(Remembered):
    """A remembered file that is there, and that an exclude pattern names now."""


Change = Changed | Unchanged | Missing | Restored | Excluded


@dataclass(frozen=True, slots=True)
class Difference:
    """A stretch of paths: how many files are as they were, and the others on either side."""

    alike: int
    seen: Sequence[Looks]
    known: Sequence[bytes]

    def to_compare(self) -> Sequence[Looks]:
        """Return what is seen without the files of types that are never read, unless known."""
        known = set(self.known)
        return [
            each
            for each in self.seen
            if each[0] in known or _may_be_read(os.path.splitext(each[0])[1])
        ]


class Changes:
    """Finds what a run has to do in a scope."""

    def __init__(self, catalogue: Catalogue, space_id: int, config: IndexConfig) -> None:
        self._catalogue, self._space_id, self._config = catalogue, space_id, config
        self._sidecars = SidecarFinder()

    def of(self, target: Target, scan: Scan) -> Iterator[Change]:
        """Compare a scope with the catalogue, in path order."""
        seen, remembered, alike = list[FileSeen](), list[str](), 0
        for difference in self.differences(target, scan):
            read = difference.to_compare()
            seen += map(scan.seen, read)
            remembered += map(os.fsdecode, difference.known)
            alike += difference.alike
            if difference.alike:
                yield Unchanged("unchanged", files=difference.alike)
            if skipped := len(difference.seen) - len(read):
                yield Unchanged("skipped", files=skipped)
            if len(seen) + len(remembered) >= PAGE or alike > _MOST_ALIKE:
                yield from self._compared(seen, remembered, target.root, scan)
                seen, remembered, alike = [], [], 0
        yield from self._compared(seen, remembered, target.root, scan)

    def differences(self, target: Target, scan: Scan) -> Iterator[Difference]:
        """Compare the looks of the files in a scope; safe from any thread."""
        columns = self._config.text_columns
        demands = Demands(self._space_id, READER_VERSION, METADATA_VERSION, tables=not columns)

        def known() -> Iterator[Sequence[KnownLooks]]:
            return known_files.looks(self._catalogue, target.root, target.path, demands)

        runs = target.runs(scan, (os.fsdecode(row[0]) for page in known() for row in page))
        whole = (self._with_sidecars(run, scan) for run in runs)
        yield from differences(whole, known(), alike=not self._config.reread)

    def _with_sidecars(self, run: FileRun, scan: Scan) -> Sequence[Looks]:
        if not run.beside_sidecars:
            return run.looks
        return [(*looks[:5], self._sidecar_state(looks[0], scan)) for looks in run.looks]

    def _sidecar_state(self, path: bytes, scan: Scan) -> str | None:
        if path[-4:].lower() == b".xmp":
            return None  # half of the files may be sidecars, and those have none
        beside = self._sidecars(os.fsdecode(path), scan.excludes)
        # Where they cannot be looked for the file is looked at more closely.
        return "" if beside is None else sidecars.state(beside)

    def _compared(
        self, seen: Sequence[FileSeen], remembered: Sequence[str], root: Root, scan: Scan
    ) -> Iterator[Change]:
        """Compare files that are not just as they were, both lists in path order."""
        if not seen and not remembered:
            return
        with self._catalogue.reading() as connection:
            known = known_files.known(connection, root, remembered, self._space_id)
        pairs = merged(seen, [known[path] for path in remembered if path in known])
        changes = [change for pair in pairs for change in self._changes(pair, scan)]
        yield from self._with_known_contents(changes)

    def _changes(self, pair: Pair, scan: Scan) -> Iterator[Change]:
        seen, known = pair
        if seen is None:
            if known is not None:
                yield from self._unseen(known, scan)
        elif known is None or self._config.reread:
            yield from self._reading(seen, known, scan)
        elif known.looks_like(seen) and self._still_holds(known):
            lacking = seen if known.lacks_stat_of(seen) else None
            if known.item_id is None:
                yield Unchanged("failed", lacking)
            elif not known.whole:
                yield from self._reading(seen, known, scan)
            elif known.reader_version < READER_VERSION:
                yield from self._reading(seen, known, scan, known.item_id)
            elif (change := self._metadata(seen, known, scan)) is not None:
                yield change
            elif known.missing or known.excluded:
                yield Restored(known)
            else:
                yield Unchanged("unchanged", lacking)
        else:
            yield from self._reading(seen, known, scan)

    def _metadata(self, seen: FileSeen, known: KnownFile, scan: Scan) -> Changed | None:
        """Return what is to be read of an unchanged image: what people say, if that is new."""
        if known.kind != "image":
            return None
        beside = self._sidecars(seen.path, scan.excludes)
        with_embedded = known.metadata_version < METADATA_VERSION
        as_known = beside is None or sidecars.state(beside) == known.sidecar_state
        if as_known and not with_embedded:
            return None
        change = Changed(seen, "image", item=known.item_id, sidecars=beside)
        return replace(change, unchanged=known.hash, with_embedded=with_embedded)

    def _unseen(self, known: KnownFile, scan: Scan) -> Iterator[Change]:
        excluded = scan.excludes(known.path)
        if scan.is_hidden_by_error(known.path) or (known.missing and not excluded):
            return
        # What a link leads to is a file of another name; a link above leads to this very file.
        if os.path.islink(known.path) or not os.path.isfile(known.path):
            if not known.missing:
                yield Missing(known)
        elif excluded:
            if not known.excluded:
                yield Excluded(known)
        else:
            # It was named by itself, and no walk comes upon it, as upon `.cover.jpg`.
            for seen in scan.file(known.path):
                yield from self._changes((seen, known), scan)

    def _reading(
        self, seen: FileSeen, known: KnownFile | None, scan: Scan, item: int | None = None
    ) -> Iterator[Change]:
        kind = classify(seen.path, _head(seen.path) if needs_head(seen.path) else b"")
        columns = self._config.text_columns
        if kind == "table" and not columns and known is not None:
            columns = known.table_columns  # as it was read before
        if kind is None or (kind == "table" and not columns):
            if known is not None and not known.missing:
                yield Missing(known)  # what it held is there no more
            yield Unchanged("skipped")
        else:
            columns = columns if kind == "table" else ()
            beside = self._sidecars(seen.path, scan.excludes) if kind == "image" else ()
            change = Changed(seen, kind, columns=columns, item=item, sidecars=beside)
            yield replace(change, known=self._own_content(change, known))

    def _own_content(self, change: Changed, known: KnownFile | None) -> frozenset[str]:
        """Return the hash that the file had, where finding it again would mean no work."""
        if known is None or not known.whole or known.kind != change.content_kind:
            return frozenset()
        described = known.kind != "image" or known.metadata_version >= METADATA_VERSION
        read = known.reader_version >= READER_VERSION and described
        current = read and self._still_holds(known)
        return frozenset((known.hash,)) if current else frozenset()

    def _still_holds(self, known: KnownFile) -> bool:
        """Return whether reading the same bytes again could only come to the same."""
        columns = self._config.text_columns
        if known.item_id is None:
            if classify(known.path) == "table":  # of which columns failed nothing is kept
                return not columns
            return not (self._config.retry_failures or known.reader_version < READER_VERSION)
        before = known.table_columns
        return not columns or not before or before == columns

    def _with_known_contents(self, changes: list[Change]) -> Iterator[Change]:
        sizes = [
            change.seen.size
            for change in changes
            if isinstance(change, Changed) and change.unchanged is None
        ]
        with self._catalogue.reading() as connection:
            versions = READER_VERSION, METADATA_VERSION
            stored = stored_by_size(connection, sizes, self._space_id, *versions)
        for change in changes:
            # A table is read again for its columns; its passages are still encoded once.
            if isinstance(change, Changed) and change.kind != "table":
                there = stored.get((change.content_kind, change.seen.size), Stored())
                known = change.known | there.current
                yield replace(change, known=known, outdated=there.outdated)
            else:
                yield change


def differences(
    runs: Iterable[Sequence[Looks]], pages: Iterable[Sequence[KnownLooks]], alike: bool = True
) -> Iterator[Difference]:
    """Compare two streams in byte order of paths, run by run; not `alike`: every file differs."""
    more = iter(pages)
    held, at = list[KnownLooks](), 0
    for run in runs:
        last = run[-1][0]
        while (not held or held[-1][0] < last) and (page := next(more, None)) is not None:
            held, at = held[at:] + list(page), 0
        end = bisect_right(held, last, at, key=itemgetter(0))
        known, at = held[at:end], end
        yield _difference(run, known, alike)
    yield Difference(0, (), [row[0] for row in held[at:]])
    for page in more:
        yield Difference(0, (), [row[0] for row in page])


def _difference(run: Sequence[Looks], known: Sequence[KnownLooks], alike: bool) -> Difference:
    if alike and known == run:
        return Difference(len(known), (), ())
    same: set[KnownLooks] = set(known).intersection(run) if alike else set()
    seen = [looks for looks in run if looks not in same]
    return Difference(len(same), seen, [row[0] for row in known if row not in same])


def merged(seen: Iterable[FileSeen], known: Iterable[KnownFile]) -> Iterator[Pair]:
    """Pair two streams by path; both must be in byte order of their paths."""
    left, right = iter(seen), iter(known)
    here, there = next(left, None), next(right, None)
    while here is not None or there is not None:
        a = None if here is None else os.fsencode(here.path)
        b = None if there is None else os.fsencode(there.path)
        if b is None or (a is not None and a < b):
            yield here, None
            here = next(left, None)
        elif a is None or b < a:
            yield None, there
            there = next(right, None)
        else:
            yield here, there
            here, there = next(left, None), next(right, None)


@lru_cache(256)
def _may_be_read(extension: bytes) -> bool:
    name = f"name{os.fsdecode(extension)}"
    return classify(name) is not None or needs_head(name)


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""  # a file of unknown name that cannot be read is of no type that is read
