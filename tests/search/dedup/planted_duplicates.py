"""Files with known contents, and the plans that speak of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from search.dedup.apply.actions import Action, Delete, Hardlink, Move, Reflink
from search.dedup.apply.apply import Outcome
from search.dedup.apply.trash import Trash
from search.dedup.detect.kinds import CHECKED, Kind
from search.dedup.plan.plan import Choice, Entry

Run = Callable[..., list[Outcome]]


def put(path: Path, content: bytes = b"image") -> Path:
    """Write a file, and its folders on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def row(
    path: Path,
    keeper: Path,
    action: Choice = "drop",
    *,
    group: int = 1,
    kind: Kind = "identical",
    content: bytes | None = None,
) -> Entry:
    """Make a plan's row of a file as it is now, or was with `content`."""
    known = path.read_bytes() if content is None else content
    digest = sha256(known).hexdigest()
    seen = {"differs": False} if kind in CHECKED else {}
    return Entry(group, kind, str(path), digest, str(keeper), action, "bytes", seen, len(known))


def group(
    keeper: Path, *duplicates: Path, number: int = 1, kind: Kind = "identical"
) -> list[Entry]:
    """Make the rows of a group: its keeper and what goes."""
    kept = row(keeper, keeper, "keep", group=number, kind=kind)
    return [kept, *(row(path, keeper, group=number, kind=kind) for path in duplicates)]


def contents(folder: Path) -> set[bytes]:
    """Gather every content that a file in or under a folder has."""
    return {path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def drafts(folder: Path) -> list[Path]:
    """List what a run left behind that no one asked for."""
    return sorted(folder.rglob(".sightline-*"))


def refusal(outcomes: list[Outcome]) -> str:
    """Require that the one outcome is a refusal, and give its reason."""
    (only,) = outcomes
    assert not only.done
    return only.reason or ""


def actions(tmp_path: Path) -> list[Action]:
    """Make every action, each with a place of its own."""
    return [Delete(), Hardlink(), Reflink(), Move(tmp_path / "moved"), Trash(tmp_path / "Trash")]


class Killed(BaseException):
    """Stands for the end of a process: nothing after it can clear anything away."""


@dataclass
class Fate:
    """Whether a run came to its end."""

    killed: bool = False


@contextmanager
def killed_after(changes: int) -> Iterator[Fate]:
    """Allow a run so many changes to the disk, and none after them, as a kill would."""
    fate, left = Fate(), changes

    def mortal(real: Callable[..., object], counts: Callable[..., bool]) -> Callable[..., object]:
        def call(*words: object, **more: object) -> object:
            nonlocal left
            if counts(*words):
                if left <= 0:
                    fate.killed = True
                    raise Killed
                left -= 1
            return real(*words, **more)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("rename", "unlink", "link", "mkdir", "fsync"):
            patch.setattr(os, name, mortal(getattr(os, name), lambda *words: True))
        makes = mortal(os.open, lambda path, flags, *rest: bool(flags & os.O_CREAT))
        patch.setattr(os, "open", makes)
        with suppress(Killed):
            yield fate
