"""Finding duplicates: from what a person asks for to a plan that nothing has acted on yet."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from indexer.images.limits import Limits
from search.dedup.detect.detail_check import DetailCheck, Pool
from search.dedup.detect.finder import DedupCounts, DuplicateFinder
from search.dedup.plan.entries import entries
from search.dedup.plan.groups import Grouper
from search.dedup.plan.jsonl import write_error
from search.dedup.plan.keepers import KeepOrder
from search.dedup.plan.plan import Entry, PlanFile, line, write
from search.dedup.request import DedupRequest
from storage.errors import Hint, LibraryReadOnly, PathNotFound
from storage.filters import Filters
from storage.library import Library
from storage.selection import select_items
from storage.tables import duplicate_pairs
from storage.tables.decisions import Decided

PLAN, FORMER = "plan.jsonl", "plan.former.jsonl"
Stage = Literal["compare", "verify", "plan"]
Watch = Callable[[Stage, int, int], None]  # the stage, how much of it is done, and of how much
Comparing = Callable[[], AbstractContextManager[Pool]]  # processes that compare files


@dataclass(frozen=True, slots=True)
class DedupPlan:
    """A plan as it was made, group by group, and what could not be compared for it."""

    entries: tuple[Entry, ...]
    unseen: int = 0  # images without a thumbnail
    failed: int = 0  # pairs whose comparison failed

    @property
    def notices(self) -> tuple[str, ...]:
        """Return sentences about what was not compared."""
        said = []
        if self.unseen:
            were = "1 image was" if self.unseen == 1 else f"{self.unseen:,} images were"
            said.append(f"{were} not compared, as the thumbnail is gone: index again to make it")
        if self.failed:
            pairs = "1 pair" if self.failed == 1 else f"{self.failed:,} pairs"
            said.append(f"{pairs} could not be compared: their files stay")
        return tuple(said)

    def write(self, folder: str | Path) -> PlanFile:
        """Write the plan into a folder, which is made where it is not there, and return it.

        A plan that lies there and is another one is kept beside it, as a person may have worked on
        it: `former` of what is returned. Raises SightlineError where nothing can be written.
        """
        path = Path(folder) / PLAN
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            former = _put_aside(self.entries, path)
        except OSError as error:
            raise write_error("the plan", path, error) from error
        write(self.entries, path)
        return PlanFile(path, self.entries, (), former)

    @property
    def groups(self) -> int:
        """Return the number of groups of duplicates."""
        return self.entries[-1].group if self.entries else 0

    @property
    def dropped(self) -> list[Entry]:
        """Return the files that are to be dropped."""
        return [entry for entry in self.entries if entry.action == "drop"]


def _put_aside(entries: Sequence[Entry], path: Path) -> Path | None:
    """Rename a plan that is another one; return its new place."""
    if not path.is_file():
        return None
    with path.open(encoding="ascii", errors="replace", newline="") as stream:
        if all(one == other for one, other in zip_longest(stream, map(line, entries))):
            return None
    return path.replace(path.with_name(FORMER))


def find_duplicates(
    library: Library,
    request: DedupRequest,
    comparing: Comparing,
    limits: Limits | None = None,
    watch: Watch | None = None,
) -> DedupPlan:
    """Compare what is new, group what is alike, and plan what to do with each file.

    What was compared is kept in the library, so that the next run goes on from there, also after
    an interruption; no file is touched. `comparing` opens the processes that compare files at
    full detail. Raises LibraryReadOnly, LibraryInUse, PathNotFound and InvalidArgument.
    """
    show: Watch = watch or (lambda _stage, _done, _total: None)
    order = KeepOrder(request.keep, request.prefer)
    check_writable(library)
    within, against = _scope(library, request)
    found = _compare(library, request, show)
    with comparing() as pool:
        check = DetailCheck(
            request.thresholds,
            library.thumbnail,
            pool,
            limits,
            lambda done, total: show("verify", done, total),
        )
        grouper = Grouper(library, order, request.kinds, request.dropped, check)
        groups = list(grouper.run(within, against, request.folders))
    with library.catalogue.reading() as connection:
        decided = Decided.read(connection)
    plan = _counted(entries(groups, request.dropped, decided), show)
    return DedupPlan(plan, found.unseen, found.failed)


def check_writable(library: Library) -> None:
    """Raise LibraryReadOnly for a library that cannot keep what is compared."""
    if library.catalogue.read_only:
        raise LibraryReadOnly(
            f"the library {library.path} can only be read here, and this would change it: what is "
            "compared for duplicates is kept in it; copy that folder, without the photos, to "
            "where you may write, and open the copy"
        )


def _scope(library: Library, request: DedupRequest) -> tuple[list[int] | None, list[int] | None]:
    """Return the images to look among, and those to compare them with; None for all."""
    filters, folder = request.filters, request.against_folder
    with library.catalogue.reading() as connection:
        within = select_items(connection, "image", filters) if filters.narrows else None
        if folder is None:
            file = request.file
            return within, duplicate_pairs.elsewhere(connection, file) if file else None
        theirs = select_items(connection, "image", Filters(folder=folder))
        if not theirs:
            raise PathNotFound(
                f"{{against}} {request.against}: the library has no image of it: index it first",
                parameter="against",
                value=request.against,
                hint=Hint("index folder", folder),
            )
        return duplicate_pairs.elsewhere(connection, folder) if within is None else within, theirs


def _compare(library: Library, request: DedupRequest, show: Watch) -> DedupCounts:
    done = 0

    def watch(what: str, many: int) -> None:
        nonlocal done
        done += many if what == "pairs" else 0
        show("compare", done, done)

    by_vectors = "similar" in request.kinds
    return DuplicateFinder(library, request.thresholds, request.crops, by_vectors, watch).run()


def _counted(found: Iterable[Entry], show: Watch) -> tuple[Entry, ...]:
    """Make the plan; files that may hold more than an image are read for it."""
    plan = []
    for entry in found:
        plan.append(entry)
        show("plan", len(plan), len(plan))
    return tuple(plan)
