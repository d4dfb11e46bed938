"""The notices of a run, in addition to its counts, each in one line."""

import os
from collections.abc import Callable, Iterable, Sequence

from indexer.scan.excludes import Excludes
from indexer.scan.targets import Target, TargetResolver
from indexer.scan.walk import LeftOut, Scan

_NAMED = 10  # lines of one kind; the rest are counted in one more
_LONGEST_PATH = 200  # characters of a path in a line


class Notices:
    """Collects the notices of a run over its targets."""

    def __init__(self, targets: TargetResolver, excludes: Excludes) -> None:
        self._excludes = excludes
        self._not_found, self._links = targets.not_found, targets.links
        self._of_targets: list[str] = []
        self._unreadable: list[str] = []
        self._named: list[str] = []  # named by the user, and matched by an exclude pattern
        self._left_out = LeftOut()
        self._matched = False

    def add(self, target: Target, scan: Scan) -> None:
        """Collect the notices of the scan of a target."""
        if target.notice:
            self._of_targets.append(target.notice)
        if self._excludes.given and scan.excludes(target.path, os.path.isdir(target.path)):
            self._named.append(target.path)
            self._matched |= not self._excludes.by_root
        self._unreadable += [
            f"the folder {shortened(folder)} could not be read ({reason}): what is known of it "
            "is kept"
            for folder, reason in scan.unreadable.items()
        ]
        self._left_out += scan.left_out
        # Patterns of the whole library need not match anything in a single named file.
        if os.path.isdir(target.path) or not self._excludes.by_root:
            self._matched |= scan.met

    def lines(self, scanned: int, excluded: int) -> tuple[str, ...]:
        """Return all notices of a run with `scanned` files, `excluded` of them."""
        return (
            *self._of_targets,
            *first_lines(self._not_found, "{} is not there".format, "listed names are not there"),
            *first_lines(
                self._links, self._link, "named paths are symbolic links and were followed"
            ),
            *first_lines(self._unreadable, str, "folders could not be read"),
            *first_lines(
                self._named, _excluded_line, "named paths are left out by exclude patterns"
            ),
            *left_out_lines(self._left_out, empty=not scanned),
            *self._unused(),
            *_count_line(
                excluded,
                "file is excluded now: kept, and not shown",
                "files are excluded now: kept, and not shown",
            ),
        )

    def _link(self, written: str) -> str:
        return f"{written} is a symbolic link: {shortened(self._links[written])} is looked at"

    def _unused(self) -> list[str]:
        unused = self._excludes.unused() if self._matched else []
        if not unused:
            return []
        noun = "pattern" if len(unused) == 1 else "patterns"
        hint = ""
        if any(pattern.startswith("!") for pattern in unused):
            hint = "; nothing is brought back from inside a folder that is left out"
        return [f"the exclude {noun} {', '.join(unused)} matched nothing{hint}"]


def left_out_lines(left: LeftOut, empty: bool) -> list[str]:
    """Return a notice for each reason why a walk skipped names.

    System folders and exclude patterns are mentioned only if no file was found (`empty`).
    """
    links = _count_line(
        left.links, "symbolic link is not followed", "symbolic links are not followed"
    )
    hidden = _count_line(
        left.hidden,
        "name that begins with a dot is left out",
        "names that begin with a dot are left out",
    )
    system = _count_line(
        left.system,
        "folder that a system keeps for itself is left out",
        "folders that systems keep for themselves are left out",
    )
    excluded = _count_line(
        left.excluded,
        "name is left out by an exclude pattern",
        "names are left out by exclude patterns",
    )
    return [*links, *hidden, *(system + excluded if empty else [])]


def shortened(path: str) -> str:
    """Return a path for a line of text, without its middle part if it is very long."""
    if len(path) <= _LONGEST_PATH:
        return path
    half = _LONGEST_PATH // 2
    return f"{path[:half]}…{path[-half:]}"


def _excluded_line(path: str) -> str:
    return f"{path} is left out by an exclude pattern, although it was named"


def _count_line(count: int, one: str, many: str) -> list[str]:
    return [f"{count:,} {one if count == 1 else many}"] if count else []


def first_lines(found: Iterable[str], line: Callable[[str], str], rest: str) -> list[str]:
    """Return a line for each of the first `_NAMED`, and one for the number of the others."""
    every: Sequence[str] = list(found)
    more = len(every) - _NAMED
    lines = [line(one) for one in every[:_NAMED]]
    return [*lines, f"{more:,} more {rest}"] if more > 0 else lines
