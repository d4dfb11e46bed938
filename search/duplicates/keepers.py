"""Keepers: which file of a group stays, by rules a person puts in order."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from search.duplicates.metadata import read
from storage.errors import InvalidArgument, PathNotFound
from storage.records import Item

_FORMATS = (("RAW", "DNG"), ("HEIF", "HEIC", "AVIF"), ("TIFF",), ("PNG",), ("JPEG", "MPO"))
# What programs put into the name of a second copy; WhatsApp names what it has made smaller.
_COPIES = re.compile(r"\bcopy\b|\bcopie\b|\bkopie\b|\(\d+\)|~\d*$|IMG-\d{8}-WA\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be the keeper."""

    item: Item
    path: str


Better = Callable[[Candidate], float | str]  # the lower the better


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to keep a file rather than another."""

    name: str
    better: Better
    opens: bool = False  # the file, to tell: so it is asked once for each


def _resolution(candidate: Candidate) -> float:
    return -float((candidate.item.width or 0) * (candidate.item.height or 0))


def _format(candidate: Candidate) -> float:
    ranks = {name: rank for rank, names in enumerate(_FORMATS) for name in names}
    return ranks.get(candidate.item.format.upper(), len(_FORMATS))


def _bytes(candidate: Candidate) -> float:
    return -float(candidate.item.bytes)


def _exif(candidate: Candidate) -> float:
    capture = candidate.item.capture
    known = (capture.taken_at, capture.camera, capture.lens, capture.latitude, capture.longitude)
    return -float(sum(each is not None for each in known))


def _date(candidate: Candidate) -> str:
    # "~" stands after every digit: a year alone is no older than a day of that year.
    taken = candidate.item.capture.taken_at or ""
    return taken if len(taken) >= len("2015-07-04T12:30") else f"{taken}~"


def _name(candidate: Candidate) -> float:
    return float(bool(_COPIES.search(PurePath(candidate.path).stem)))


def _rating(candidate: Candidate) -> float:
    return -float(read(candidate.path).rating or 0)  # no star lies above a rejection


RULES = {
    rule.name: rule
    for rule in (
        Rule("resolution", _resolution),
        Rule("format", _format),
        Rule("bytes", _bytes),
        Rule("exif", _exif),
        Rule("date", _date),
        Rule("name", _name),
        Rule("rating", _rating, opens=True),
    )
}
# What a camera wrote goes before the format: an exported PNG has no more in it than its JPEG.
DEFAULT = ("resolution", "exif", "format", "name", "bytes", "date")


class KeepOrder:
    """Rules in order: the first that tells two files apart decides, in the end their paths."""

    def __init__(self, names: Sequence[str] = DEFAULT, prefer: Sequence[str] = ()) -> None:
        """Take rules by name, and folders whose files go before all others, the dearest first.

        Raises InvalidArgument for a rule that does not exist or is given twice, PathNotFound for a
        folder that is not there.
        """
        unknown = [name for name in names if name not in RULES]
        if unknown or len(set(names)) < len(names):
            what = f"there is no rule {unknown[0]!r}" if unknown else "a rule is named twice"
            raise InvalidArgument(f"--keep: {what}; the rules are {', '.join(RULES)}")
        for folder in prefer:
            if not os.path.isdir(folder):
                raise PathNotFound(
                    f"--prefer {folder} is no folder: check the name, or mount its disk"
                )
        preferred = [Rule("prefer", _Folders(prefer))] if prefer else []
        chosen = (_asked_once(RULES[name]) for name in names)
        self._rules = (*preferred, *chosen, Rule("path", _path))

    def sort(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Put files in order, the best first; the same on every run."""
        return sorted(candidates, key=lambda one: [rule.better(one) for rule in self._rules])

    def decided(self, keeper: Candidate, others: Sequence[Candidate]) -> str:
        """Name the rule that put the keeper before the best of the others."""
        if not others:
            return "only"
        next_best = self.sort(others)[0]
        return next(
            (r.name for r in self._rules if r.better(keeper) != r.better(next_best)), "path"
        )


def _asked_once(rule: Rule) -> Rule:
    if not rule.opens:
        return rule
    known: dict[str, float | str] = {}

    def better(candidate: Candidate) -> float | str:
        if candidate.path not in known:
            known[candidate.path] = rule.better(candidate)
        return known[candidate.path]

    return replace(rule, better=better)


def _path(candidate: Candidate) -> str:
    return candidate.path


class _Folders:
    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = [os.path.join(os.path.realpath(folder), "") for folder in folders]

    def __call__(self, candidate: Candidate) -> float:
        starts = (candidate.path.startswith(folder) for folder in self._folders)
        return next((rank for rank, inside in enumerate(starts) if inside), len(self._folders))
