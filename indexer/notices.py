"""Notices: what a run has to say beside its counts, each in one line."""

import os
from collections.abc import Callable, Iterable, Sequence

from indexer.scan.excludes import Excludes
from indexer.scan.targets import Scope, Scopes
from indexer.scan.walk import LeftOut, Scan

_NAMED = 10  # of one kind; of more it is said how many
_LONGEST_PATH = 200  # characters of a path in a line


class Notices:
    """Gathers them while a run goes over its scopes."""

    def __init__(self, scopes: Scopes, excludes: Excludes) -> None:
        self._excludes = excludes
        self._not_found, self._links = scopes.not_found, scopes.links
        self._of_scopes: list[str] = []
        self._unreadable: list[str] = []
        self._named: list[str] = []  # by a person, and by an exclude pattern as well
        self._left_out = LeftOut()
        self._met = False

    def add(self, scope: Scope, scan: Scan) -> None:
        """Collect what the scan of a scope met."""
        if scope.notice:
            self._of_scopes.append(scope.notice)
        if self._excludes.given and scan.excludes(scope.place, os.path.isdir(scope.place)):
            self._named.append(scope.place)
            self._met |= not self._excludes.by_root
        self._unreadable += [
            f"the folder {shortened(folder)} could not be read ({reason}): what is known of it "
            "is kept"
            for folder, reason in scan.unreadable.items()
        ]
        self._left_out += scan.left_out
        # Patterns that stand for the whole library need not match in a file that is named.
        if os.path.isdir(scope.place) or not self._excludes.by_root:
            self._met |= scan.met

    def lines(self, scanned: int, excluded: int) -> tuple[str, ...]:
        """Return all lines of a run that met `scanned` files and has `excluded` ones."""
        return (
            *self._of_scopes,
            *_some(self._not_found, "{} is not there".format, "listed names are not there"),
            *_some(self._links, self._link, "named paths are symbolic links and were followed"),
            *_some(self._unreadable, str, "folders could not be read"),
            *_some(self._named, _named, "named paths are left out by exclude patterns"),
            *left_out_lines(self._left_out, empty=not scanned),
            *self._unused(),
            *_counted(
                excluded,
                "file is excluded now: kept, and not shown",
                "files are excluded now: kept, and not shown",
            ),
        )

    def _link(self, written: str) -> str:
        return f"{written} is a symbolic link: {shortened(self._links[written])} is looked at"

    def _unused(self) -> list[str]:
        unused = self._excludes.unused() if self._met else []
        if not unused:
            return []
        noun = "pattern" if len(unused) == 1 else "patterns"
        hint = ""
        if any(pattern.startswith("!") for pattern in unused):
            hint = "; nothing is brought back from inside a folder that is left out"
        return [f"the exclude {noun} {', '.join(unused)} matched nothing{hint}"]


def left_out_lines(left: LeftOut, empty: bool) -> list[str]:
    """Return a line for each reason why a walk passed names over.

    System folders and exclude patterns are a reason to tell only where nothing else was there.
    """
    links = _counted(left.links, "symbolic link is not followed", "symbolic links are not followed")
    hidden = _counted(
        left.hidden,
        "name that begins with a dot is left out",
        "names that begin with a dot are left out",
    )
    system = _counted(
        left.system,
        "folder that a system keeps for itself is left out",
        "folders that systems keep for themselves are left out",
    )
    excluded = _counted(
        left.excluded,
        "name is left out by an exclude pattern",
        "names are left out by exclude patterns",
    )
    return [*links, *hidden, *(system + excluded if empty else [])]


def shortened(path: str) -> str:
    """Return a path that fits into a line, without its middle where it is very long."""
    if len(path) <= _LONGEST_PATH:
        return path
    half = _LONGEST_PATH // 2
    return f"{path[:half]}…{path[-half:]}"


def _named(path: str) -> str:
    return f"{path} is left out by an exclude pattern, although it was named"


def _counted(count: int, one: str, many: str) -> list[str]:
    return [f"{count:,} {one if count == 1 else many}"] if count else []


def _some(found: Iterable[str], line: Callable[[str], str], rest: str) -> list[str]:
    """Write a line for each of the first, and one for how many more there are."""
    every: Sequence[str] = list(found)
    more = len(every) - _NAMED
    lines = [line(one) for one in every[:_NAMED]]
    return [*lines, f"{more:,} more {rest}"] if more > 0 else lines
