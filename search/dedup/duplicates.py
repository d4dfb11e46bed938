"""Everything that is done about duplicates, behind one object."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from indexer.images.limits import Limits
from search.dedup import decide as decisions
from search.dedup.apply.actions import Action, Delete, Hardlink, Reflink
from search.dedup.apply.apply import Outcome, apply
from search.dedup.apply.trash import Trash
from search.dedup.apply.undo import Undone, undo
from search.dedup.companions import CompanionMode
from search.dedup.decide import DecidedGroup
from search.dedup.detect.detail_check import DetailCheck
from search.dedup.detect.leakage import Leak
from search.dedup.detect.semdedup import check_cosines
from search.dedup.find import (
    Comparing,
    DedupPlan,
    Watch,
    check_writable,
    find_duplicates,
)
from search.dedup.leaks import FolderImages, LeakReport, Leaks
from search.dedup.plan.plan import PlanFile
from search.dedup.request import DedupRequest, LeakRequest
from search.dedup.semantic import SemanticCluster, semantic_duplicates
from search.targets import check_folder
from storage.errors import PathNotFound
from storage.fields import check_calls, path_text
from storage.filters import Filters
from storage.library import Library
from storage.paths import expand_home
from storage.records import Answer
from storage.tables.decisions import Decided, DecisionKind

ActionChoice = Literal["trash", "hardlink", "reflink", "delete"]
PathText = Annotated[str, path_text]
Plan = PlanFile | PathText | Path


@check_calls
class Duplicates:
    """The duplicates of a library: found, planned, decided on, acted on and undone.

    `comparing` opens the processes that compare files at full detail, `read_folder` reads the
    images of a folder that need not be in the library.
    """

    def __init__(
        self,
        library: Library,
        limits: Limits,
        comparing: Comparing,
        read_folder: Callable[[str], FolderImages],
    ) -> None:
        self._library, self._limits = library, limits
        self._comparing, self._read_folder = comparing, read_folder

    def find(self, request: DedupRequest | None = None, watch: Watch | None = None) -> DedupPlan:
        """Compare what is new, and plan which files of each group of duplicates are to go."""
        request = request or DedupRequest()
        check_folder(self._library, request.filters)
        return find_duplicates(self._library, request, self._comparing, self._limits, watch)

    def decide(self, plan: Plan, groups: tuple[int, ...], kind: DecisionKind) -> None:
        """Decide that all files of these groups stay, or that they are no duplicates."""
        decisions.decide(self._library, _read(plan), groups, kind)

    def decided(self) -> list[DecidedGroup]:
        """List what was decided on groups so far."""
        return decisions.decided(self._library)

    def take_back(self, numbers: tuple[int, ...]) -> int:
        """Take decisions back by their numbers, and return how many."""
        return decisions.take_back(self._library, numbers)

    def apply(
        self,
        plan: Plan,
        action: Action | ActionChoice = "trash",
        *,
        journal: PathText | Path | None = None,
        dry_run: bool = False,
        sidecars: bool = False,
        companions: CompanionMode = "keep",
        each: Callable[[Outcome], None] | None = None,
    ) -> Answer[Outcome]:
        """Drop the files that a plan drops, each checked again, but what was decided to stay.

        The journal lies beside the plan unless it is named; `undo` takes it. The notices name the
        lines of the plan that could not be read. See `search.dedup.apply.apply` for the rest.
        """
        with self._library.catalogue.reading() as connection:
            known = Decided.read(connection)
        return apply_plan(
            plan,
            action,
            journal=journal,
            dry_run=dry_run,
            sidecars=sidecars,
            companions=companions,
            each=each,
            decided=known,
        )

    def undo(
        self, journal: PathText | Path, each: Callable[[Undone], None] | None = None
    ) -> Answer[Undone]:
        """Put back what a journal tells of, the last first."""
        return Answer.collect(undo(journal), each)

    def semantic(
        self, cosines: tuple[float, ...] = (), filters: Filters | None = None
    ) -> Iterator[SemanticCluster]:
        """Yield, cluster by cluster, what each threshold keeps and drops of a data set.

        Thresholds go from the highest to the lowest; without any they are those of the paper.
        """
        chosen = filters or Filters()
        check_folder(self._library, chosen)
        return semantic_duplicates(self._library, check_cosines(cosines), chosen)

    def leaks(
        self,
        test_folder: PathText | Path,
        request: LeakRequest | None = None,
        *,
        each: Callable[[Leak], None] | None = None,
        watch: Callable[[int], None] | None = None,
    ) -> LeakReport:
        """Find the images of a test folder that the library holds, as they are or as edits.

        `watch` is called with how many were read or could not be. Raises PathNotFound for what is
        no folder, or has no images.
        """
        request = request or LeakRequest()
        check_folder(self._library, request.filters)
        check_writable(self._library)
        folder = str(expand_home(test_folder).resolve())
        if not Path(folder).is_dir():
            raise PathNotFound(
                f"{{test_folder}} {test_folder} is no folder: check the name, or mount its disk",
                parameter="test_folder",
                value=str(test_folder),
            )
        images = self._read_folder(folder)
        images.check()
        with self._comparing() as pool:
            check = DetailCheck(request.thresholds, self._library.thumbnail, pool, self._limits)
            return Leaks(self._library, folder, request, check).run(images, each, watch)


def apply_plan(
    plan: Plan,
    action: Action | ActionChoice = "trash",
    *,
    journal: PathText | Path | None = None,
    dry_run: bool = False,
    sidecars: bool = False,
    companions: CompanionMode = "keep",
    each: Callable[[Outcome], None] | None = None,
    decided: Decided | None = None,
) -> Answer[Outcome]:
    """Do what `Duplicates.apply` does where the library is not there."""
    read = _read(plan)
    outcomes = apply(
        read.entries,
        action_of(action) if isinstance(action, str) else action,
        read.journal if journal is None else journal,
        dry_run=dry_run,
        sidecars=sidecars,
        companions=companions,
        decided=decided,
    )
    return Answer.collect(outcomes, each, read.notices)


def action_of(choice: ActionChoice) -> Action:
    """Return an action by its name; the trash is that of the user who runs this."""
    match choice:
        case "hardlink":
            return Hardlink()
        case "reflink":
            return Reflink()
        case "delete":
            return Delete()
        case "trash":
            return Trash.of_user()


def _read(plan: Plan) -> PlanFile:
    return plan if isinstance(plan, PlanFile) else PlanFile.read(plan)
