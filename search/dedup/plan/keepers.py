"""The choice of the keeper of a group, by rules in an order that the user may set."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePath
from typing import get_args

from indexer.images.metadata.description import read
from search.dedup import extras
from search.dedup.companions import CompanionFinder
from search.dedup.extras import ExtraKind
from search.dedup.request import KEEP_RULES
from storage.errors import InvalidArgument, PathNotFound
from storage.records import Item

_FORMATS = (("RAW", "DNG"), ("HEIF", "HEIC", "AVIF"), ("TIFF",), ("PNG",), ("JPEG", "MPO"))
# Marks that programs put into the name of a copy; WhatsApp gives its reduced images such names.
_COPIES = re.compile(r"\bcopy\b|\bcopie\b|\bkopie\b|\(\d+\)|~\d*$|IMG-\d{8}-WA\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be the keeper."""

    item: Item
    path: str


SortKey = Callable[[Candidate], float | str]  # the lower the better


@dataclass(frozen=True, slots=True)
class Rule:
    """A criterion for preferring one file to another."""

    name: str
    sort_key: SortKey
    opens: bool = False  # reads the file or lists its folder: evaluated only to break a tie
    by_content: bool = False  # depends on the bytes only: skipped for files of the same bytes


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
    # "~" sorts after every digit: a year alone is not older than a day of that year.
    taken = candidate.item.capture.taken_at or ""
    return taken if len(taken) >= len("2015-07-04T12:30") else f"{taken}~"


def _name(candidate: Candidate) -> float:
    return float(bool(_COPIES.search(PurePath(candidate.path).stem)))


def _rating(candidate: Candidate) -> float:
    return -float(read(candidate.path).rating or 0)  # a rejection is -1, below no rating


def _extras(candidate: Candidate) -> float:
    return -float(len(extras.read(candidate.path).kinds & _WORTH))


def _rules() -> dict[str, Rule]:
    """Return all rules by name, with a cache of folder listings of their own."""
    companions = CompanionFinder()
    rules = (
        Rule("resolution", _resolution),
        Rule("format", _format),
        Rule("bytes", _bytes),
        Rule("exif", _exif),
        Rule("date", _date),
        Rule("name", _name),
        Rule("rating", _rating, opens=True),
        Rule("extras", _extras, opens=True, by_content=True),
        Rule("companions", lambda one: -float(len(companions(one.path))), opens=True),
    )
    return {rule.name: rule for rule in rules}


# Animation frames are often worse than a still, deep gray images worse than colour ones, and texts
# and data of unknown form may be worthless.
_WORTHLESS = {"frame", "bit depth", "text", "data", "channels", "transparency", "unknown"}
_WORTH = frozenset(get_args(ExtraKind)) - _WORTHLESS


class KeepOrder:
    """Rules in order: the first that differs for two files decides, in the end their paths."""

    def __init__(self, names: Sequence[str] = KEEP_RULES, prefer: Sequence[str] = ()) -> None:
        """Create an order of rules by name; files in the `prefer` folders come before all others.

        Raises InvalidArgument for a rule that does not exist or is given twice, PathNotFound for a
        folder that does not exist.
        """
        rules = _rules()
        unknown = [name for name in names if name not in rules]
        if unknown or len(set(names)) < len(names):
            what = f"there is no rule {unknown[0]!r}" if unknown else "a rule is named twice"
            raise InvalidArgument(
                f"{{keep}}: {what}; the rules are {', '.join(rules)}",
                parameter="keep",
                value=tuple(names),
            )
        for folder in prefer:
            if not os.path.isdir(folder):
                raise PathNotFound(
                    f"{{prefer}} {folder} is no folder: check the name, or mount its disk",
                    parameter="prefer",
                    value=folder,
                )
        preferred = [Rule("prefer", _Folders(prefer))] if prefer else []
        chosen = (_cached(rules[name]) for name in names)
        self._rules = (*preferred, *chosen, Rule("path", _path))

    def sort(self, candidates: Sequence[Candidate], opening: bool = True) -> list[Candidate]:
        """Sort files, the best first; the result is the same on every run.

        Files are opened only to break a tie of the rules before, and never without `opening`.
        """
        rules = [rule for rule in self._rules if opening or not rule.opens]
        return _sorted(list(candidates), rules)

    def deciding_rule(self, keeper: Candidate, others: Sequence[Candidate]) -> str:
        """Return the rule that ranks the keeper before the best of the others."""
        if not others:
            return "only"
        next_best = self.sort(others)[0]
        same = keeper.item.hash == next_best.item.hash
        rules = (rule for rule in self._rules if not (same and rule.by_content))
        return next((r.name for r in rules if r.sort_key(keeper) != r.sort_key(next_best)), "path")


def _sorted(candidates: list[Candidate], rules: Sequence[Rule]) -> list[Candidate]:
    """Sort by the rules before the first that opens files, then break ties by the others."""
    if len(candidates) < 2 or not rules:
        return candidates
    many = next((place for place, rule in enumerate(rules) if rule.opens), len(rules)) or 1
    first, rest = rules[:many], rules[many:]
    if len({one.item.hash for one in candidates}) == 1:
        first = [rule for rule in first if not rule.by_content]

    def key(candidate: Candidate) -> list[float | str]:
        return [rule.sort_key(candidate) for rule in first]

    tied = groupby(sorted(candidates, key=key), key=key)
    return [one for _, group in tied for one in _sorted(list(group), rest)]


def _cached(rule: Rule) -> Rule:
    if not rule.opens:
        return rule
    known: dict[str, float | str] = {}

    def sort_key(candidate: Candidate) -> float | str:
        if candidate.path not in known:
            known[candidate.path] = rule.sort_key(candidate)
        return known[candidate.path]

    return replace(rule, sort_key=sort_key)


def _path(candidate: Candidate) -> str:
    return candidate.path


class _Folders:
    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = [os.path.join(os.path.realpath(folder), "") for folder in folders]

    def __call__(self, candidate: Candidate) -> float:
        starts = (candidate.path.startswith(folder) for folder in self._folders)
        return next((rank for rank, inside in enumerate(starts) if inside), len(self._folders))
