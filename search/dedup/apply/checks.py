"""The checks before a file is touched: does it match the plan, and is its keeper safe?

A keeper is never dropped anywhere in the plan and is read again before each action that relies
on it. So a file is dropped only while a copy exists that nothing in the plan removes.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from search.dedup import extras
from search.dedup.apply.open_file import OpenFile, identity, lstat_regular, open_verified
from search.dedup.detect.kinds import CHECKED
from search.dedup.extras import as_rows, in_words, lacking
from search.dedup.plan.plan import BY_HAND, Entry
from storage.errors import FileFailure, Hint
from storage.tables.decisions import Decided

_Place = tuple[tuple[int, int], tuple[int, int], str]


class Checks:
    """Checks the entries of one plan, each against the whole plan and against the disk."""

    def __init__(self, entries: Sequence[Entry], decided: Decided | None = None) -> None:
        """Create checks for a whole plan and the decisions of a person, perhaps made later."""
        dropped = [entry.path for entry in entries if entry.action == "drop"]
        # By group: the keeper of copies may stand in a group of edits as well.
        self._kept = {(one.group, one.path): one for one in entries if one.action == "keep"}
        self._stay = frozenset(path for _, path in self._kept)
        self.dropped = frozenset(dropped)
        self._decided = _decided(entries, decided) if decided else frozenset()
        self._places = frozenset(place for path in dropped if (place := _place(path)))

    @contextmanager
    def pair(self, entry: Entry) -> Iterator[tuple[OpenFile, OpenFile]]:
        """Open a file and its keeper, both as the plan recorded them.

        Raises a FileFailure with the reason why the file must not be touched.
        """
        recorded = self._recorded(entry)
        if identity(lstat_regular(entry.path)) == identity(_lstat_keeper(entry)):
            raise FileFailure("it and its keeper are one and the same file")
        # A path that does not exist now is still compared by name: it may come back.
        if _place(entry.keeper) in self._places:
            raise FileFailure("its keeper is dropped by the plan, under another spelling")
        with open_verified(entry.path, exclusive=True) as duplicate:
            if duplicate.hash != entry.item:
                raise FileFailure("its content changed since the plan: look for duplicates again")
            with _keeper(entry) as keeper:
                if keeper.hash != recorded:
                    raise FileFailure(
                        "its keeper's content changed since the plan: look for duplicates again"
                    )
                _require_known_extras(entry, duplicate, keeper)
                duplicate.require_unchanged()
                yield duplicate, keeper

    def _recorded(self, entry: Entry) -> str:
        """Return the keeper's hash in the plan; raises a FileFailure if that is inconsistent."""
        if entry.group in self._decided:
            raise FileFailure(
                "you decided that the files of its group stay: forget that first",
                hint=Hint("list decisions"),
            )
        if entry.path == entry.keeper:
            raise FileFailure("it is its own keeper, and a keeper is never dropped")
        if entry.path in self._stay:
            raise FileFailure("another row of the plan keeps it")
        if entry.keeper in self.dropped:
            raise FileFailure("its keeper is dropped by the plan")
        kept = self._kept.get((entry.group, entry.keeper))
        if kept is None:
            raise FileFailure("its group has no row that keeps its keeper")
        _require_proven(entry)
        if entry.kind == "identical" and kept.item != entry.item:
            raise FileFailure("it is called identical, and its keeper has another content")
        return kept.item


def _require_proven(entry: Entry) -> None:
    """Raise a FileFailure unless a copy or an edit was compared at full detail.

    Older plans lack that comparison; an entry marked by hand in the report needs none.
    """
    proven = entry.kind not in CHECKED or entry.evidence.get("differs") is False
    if not proven and entry.rule != BY_HAND:
        raise FileFailure(
            "the plan does not say that it was compared with its keeper at full detail: look for "
            "duplicates again, or mark it in the report"
        )


def _require_known_extras(entry: Entry, duplicate: OpenFile, keeper: OpenFile) -> None:
    """Raise a FileFailure if a file has extras that its keeper lacks and the plan does not list.

    Older plans list none, nor do plans that were not made from a report.
    """
    if duplicate.hash == keeper.hash:
        return
    rows = entry.evidence.get("extras")
    told = (
        {row.get("kind") for row in rows if isinstance(row, dict)}
        if isinstance(rows, list)
        else set()
    )
    # An extra of kind "unknown" was already unknown when the plan was made.
    more = lacking(extras.read(duplicate.path), extras.read(keeper.path))
    untold = [each for each in more if each.kind not in told | {"unknown"}]
    if untold:
        raise FileFailure(
            f"it holds {in_words(as_rows(untold))} that its keeper lacks, and the plan does not "
            "say so: look for duplicates again"
        )


def _decided(entries: Sequence[Entry], decided: Decided) -> frozenset[int]:
    """Return the groups in which one decision covers every file."""
    groups: dict[int, list[str]] = defaultdict(list)
    for entry in entries:
        groups[entry.group].append(entry.item)
    return frozenset(number for number, hashes in groups.items() if decided.hides(hashes))


def _lstat_keeper(entry: Entry) -> os.stat_result:
    try:
        return lstat_regular(entry.keeper)
    except FileFailure as error:
        raise FileFailure(f"its keeper: {error}") from error


@contextmanager
def _keeper(entry: Entry) -> Iterator[OpenFile]:
    opened = False
    try:
        with open_verified(entry.keeper, exclusive=False) as file:
            opened = True
            yield file
    except FileFailure as error:
        if opened:  # raised by the body of the with block
            raise
        raise FileFailure(f"its keeper: {error}") from error


def _place(path: str) -> _Place | None:
    """Return a key for a path: identity of the folder, identity of the file, case-folded name.

    Hard links of a file have different keys, spellings of one name have the same key.
    """
    with suppress(OSError, ValueError):
        folder = os.stat(os.path.dirname(path) or os.curdir)
        name = unicodedata.normalize("NFC", os.path.basename(path)).casefold()
        return identity(folder), identity(os.lstat(path)), unicodedata.normalize("NFC", name)
    return None
