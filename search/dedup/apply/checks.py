"""What is looked at before a file is touched: is it what the plan saw, and is its keeper safe?

A keeper is never a loser anywhere in the plan and is read anew before each action that relies on
it. So whatever goes, goes while a file that nothing in the plan removes stands for it.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from search.dedup import extras
from search.dedup.apply.open_file import Held, hold, identity, look
from search.dedup.detect.kinds import CHECKED
from search.dedup.extras import as_rows, in_words, lacking
from search.dedup.plan.plan import BY_HAND, Entry
from storage.errors import FileFailure, Hint
from storage.tables.decisions import Decided

_Place = tuple[tuple[int, int], tuple[int, int], str]


class Checks:
    """Judges the entries of one plan, each against the whole of it and against the disk."""

    def __init__(self, entries: Sequence[Entry], decided: Decided | None = None) -> None:
        """Take the whole plan, and what a person decided, perhaps since it was made."""
        losers = [entry.path for entry in entries if entry.action == "drop"]
        # By group: the keeper of copies may stand in a group of edits as well.
        self._kept = {(one.group, one.path): one for one in entries if one.action == "keep"}
        self._stay = frozenset(path for _, path in self._kept)
        self.losers = frozenset(losers)
        self._decided = _decided(entries, decided) if decided else frozenset()
        self._places = frozenset(place for path in losers if (place := _place(path)))

    @contextmanager
    def pair(self, entry: Entry) -> Iterator[tuple[Held, Held]]:
        """Hold a file and its keeper, both as the plan recorded them.

        Raises a FileFailure with the reason why the file is not to be touched.
        """
        recorded = self._recorded(entry)
        if identity(look(entry.path)) == identity(_look_at_keeper(entry)):
            raise FileFailure("it and its keeper are one and the same file")
        # One that is not there stays in the set by its name, in case it comes back.
        if _place(entry.keeper) in self._places:
            raise FileFailure("its keeper is dropped by the plan, under another spelling")
        with hold(entry.path, alone=True) as loser:
            if loser.hash != entry.item:
                raise FileFailure("its content changed since the plan: look for duplicates again")
            with _keeper(entry) as keeper:
                if keeper.hash != recorded:
                    raise FileFailure(
                        "its keeper's content changed since the plan: look for duplicates again"
                    )
                _require_told(entry, loser, keeper)
                loser.require_unchanged()
                yield loser, keeper

    def _recorded(self, entry: Entry) -> str:
        """Find what the keeper's bytes hashed to, unless the plan contradicts itself."""
        if entry.group in self._decided:
            raise FileFailure(
                "you decided that the files of its group stay: forget that first",
                hint=Hint("list decisions"),
            )
        if entry.path == entry.keeper:
            raise FileFailure("it is its own keeper, and a keeper is never dropped")
        if entry.path in self._stay:
            raise FileFailure("another row of the plan keeps it")
        if entry.keeper in self.losers:
            raise FileFailure("its keeper is dropped by the plan")
        kept = self._kept.get((entry.group, entry.keeper))
        if kept is None:
            raise FileFailure("its group has no row that keeps its keeper")
        _require_proven(entry)
        if entry.kind == "identical" and kept.item != entry.item:
            raise FileFailure("it is called identical, and its keeper has another content")
        return kept.item


def _require_proven(entry: Entry) -> None:
    """Raise a FileFailure where nobody looked at a copy or an edit at full detail.

    Plans of before that was done are such; what a person marked in the report is that person's.
    """
    proven = entry.kind not in CHECKED or entry.evidence.get("differs") is False
    if not proven and entry.rule != BY_HAND:
        raise FileFailure(
            "the plan does not say that it was compared with its keeper at full detail: look for "
            "duplicates again, or mark it in the report"
        )


def _require_told(entry: Entry, loser: Held, keeper: Held) -> None:
    """Raise a FileFailure where a file holds more than its keeper, and the plan does not say so.

    Plans of before it was looked at are such, and those that nobody made from a report.
    """
    if loser.hash == keeper.hash:
        return
    rows = entry.evidence.get("extras")
    told = (
        {row.get("kind") for row in rows if isinstance(row, dict)}
        if isinstance(rows, list)
        else set()
    )
    # What was not understood was so when the plan was made.
    more = lacking(extras.read(loser.path), extras.read(keeper.path))
    untold = [each for each in more if each.kind not in told | {"unknown"}]
    if untold:
        raise FileFailure(
            f"it holds {in_words(as_rows(untold))} that its keeper lacks, and the plan does not "
            "say so: look for duplicates again"
        )


def _decided(entries: Sequence[Entry], decided: Decided) -> frozenset[int]:
    """Find the groups of which a decision names every file."""
    groups: dict[int, list[str]] = defaultdict(list)
    for entry in entries:
        groups[entry.group].append(entry.item)
    return frozenset(number for number, hashes in groups.items() if decided.hides(hashes))


def _look_at_keeper(entry: Entry) -> os.stat_result:
    try:
        return look(entry.keeper)
    except FileFailure as error:
        raise FileFailure(f"its keeper: {error}") from error


@contextmanager
def _keeper(entry: Entry) -> Iterator[Held]:
    opened = False
    try:
        with hold(entry.keeper, alone=False) as held:
            opened = True
            yield held
    except FileFailure as error:
        if opened:  # it is about something else
            raise
        raise FileFailure(f"its keeper: {error}") from error


def _place(path: str) -> _Place | None:
    """Return what names are told apart by on any file system: folder, file and folded name.

    Hard links of a file differ in it, spellings of one name do not.
    """
    with suppress(OSError, ValueError):
        folder = os.stat(os.path.dirname(path) or os.curdir)
        name = unicodedata.normalize("NFC", os.path.basename(path)).casefold()
        return identity(folder), identity(os.lstat(path)), unicodedata.normalize("NFC", name)
    return None
