"""Whatever the tree, the plan and the moment of a kill: no last copy of any content is removed.

A content is an image and a version of it, "a1". Plans call two versions of one image edited
or the same picture, and say anything else that comes to mind; files change behind their back.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.dedup.apply.actions import Action, Delete, Hardlink, Move, Reflink
from search.dedup.apply.apply import apply
from search.dedup.apply.trash import Trash
from search.dedup.apply.undo import undo
from search.dedup.plan.plan import Entry
from tests.search.dedup.planted_duplicates import contents, drafts, killed_after

CONTENTS = (b"a1", b"a1", b"a2", b"b1", b"")
NAMES = ("x/1", "x/2", "x/3", "y/1", "y/2", "Y/1")
# One file by several spellings: `z` is a link to `x`.
SPELLINGS = (*NAMES, "z/1", "z/2", "x/../y/1", "y/../z/3", "none/1")


@dataclass(frozen=True)
class Change:
    """Something that befalls a tree: a file written, linked, taken away."""

    name: str
    how: str
    content: bytes
    other: str

    def befall(self, root: Path) -> None:
        path, other = root / self.name, root / self.other
        with suppress(FileNotFoundError):
            path.unlink()
        if self.how == "write":
            path.write_bytes(self.content)
        elif self.how == "symlink":
            path.symlink_to(other)
        elif self.how == "hardlink" and other.is_file():
            path.hardlink_to(other.resolve())


@dataclass(frozen=True)
class Claim:
    """A row of a plan before the files are known."""

    group: int
    path: str
    keeper: str
    action: str
    kind: str
    older: bool = False  # it has another hash than the file


@dataclass(frozen=True)
class Round:
    """A plan, what changes after it was made, and how long each of its runs lives."""

    kind: str
    order: list[str]  # an earlier file is kept
    drops: list[int]  # rows that are made to go
    wild: list[Claim]  # rows that nobody in his senses would add
    changes: list[Change]
    action: str
    lives: list[int]


def contents_drawn() -> st.SearchStrategy[bytes]:
    return st.sampled_from(CONTENTS)


def changes() -> st.SearchStrategy[Change]:
    names, how = (
        st.sampled_from(NAMES),
        ("write", "write", "write", "symlink", "hardlink", "remove"),
    )
    return st.builds(Change, names, st.sampled_from(how), contents_drawn(), names)


def wild_rows() -> st.SearchStrategy[Claim]:
    spelling, kind = st.sampled_from(SPELLINGS), st.sampled_from(("identical", "edited"))
    action, older = st.sampled_from(("keep", "drop")), st.sampled_from((False, False, True))
    return st.builds(Claim, st.integers(0, 3), spelling, spelling, action, kind, older)


def rounds() -> st.SearchStrategy[Round]:
    return st.builds(
        Round,
        kind=st.sampled_from(("identical", "edited")),
        order=st.lists(st.sampled_from(SPELLINGS), min_size=4, unique=True),
        drops=st.lists(st.integers(0, 9), max_size=1),
        wild=st.lists(wild_rows(), max_size=2),
        changes=st.lists(changes(), max_size=3),
        action=st.sampled_from(("delete", "delete", "hardlink", "reflink", "move", "trash")),
        lives=st.lists(st.integers(0, 30), max_size=2),
    )


def claims_of(turn: Round, root: Path) -> list[Claim]:
    """Plan by content, blind to paths that lead to one file, and then spoil the plan."""
    width = None if turn.kind == "identical" else 1  # an image, whatever its version
    found: dict[bytes, list[str]] = {}
    for name in turn.order:
        if (root / name).is_file():
            found.setdefault((root / name).read_bytes()[:width], []).append(name)
    rows = [
        Claim(number, name, names[0], "keep" if name == names[0] else "drop", turn.kind)
        for number, names in enumerate(found.values())
        for name in names
    ]
    for number in turn.drops:
        if number < len(rows):
            rows[number] = replace(rows[number], action="drop", keeper=rows[number - 1].path)
    return [*rows, *turn.wild]


def plan_of(claims: list[Claim], root: Path) -> list[Entry]:
    """Make rows of claims, as the files are: what is not one image is called identical."""

    def seen(name: str) -> bytes:
        path = root / name
        return path.read_bytes() if path.is_file() else b"?"

    def entry(claim: Claim) -> Entry:
        content, kept = seen(claim.path), seen(claim.keeper)
        one_image = content[:1] == kept[:1] and content not in (b"?", b"")
        return Entry(
            group=claim.group,
            kind="edited" if one_image and claim.kind == "edited" else "identical",
            path=f"{root}/{claim.path}",
            item="0" * 64 if claim.older else sha256(content).hexdigest(),
            keeper=f"{root}/{claim.keeper}",
            action="keep" if claim.action == "keep" else "drop",
            rule="",
            evidence={},
            bytes=len(content),
        )

    return [entry(claim) for claim in claims]


def action_of(name: str, home: Path) -> Action:
    made = (Delete(), Hardlink(), Reflink(), Move(home / "moved"), Trash(home / "Trash"))
    return next(action for action in made if action.name == name)


def snapshot(root: Path) -> dict[str, bytes]:
    """Read every file that is one, by its path."""
    found = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def may_lose(entries: list[Entry], before: set[bytes]) -> set[bytes]:
    """List the contents that the plan lets go because another version of the image stays."""
    hashes = {entry.item for entry in entries if entry.kind != "identical"}
    return {content for content in before if sha256(content).hexdigest() in hashes}


def require_no_loss(before: set[bytes], root: Path, allowed: set[bytes]) -> None:
    after = set(snapshot(root).values())
    assert before - after <= allowed
    # Not even then the last of its image. (A kill may leave an empty file, for a while.)
    assert {content[:1] for content in before} <= {content[:1] for content in after}


@pytest.fixture(scope="module", autouse=True)
def _clones() -> Iterator[None]:
    """Clone by copying, where the file system of the tests cannot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "search.dedup.apply.actions._clone",
            lambda source, made: os.write(made, os.pread(source, 99, 0)),
        )
        yield


@settings(deadline=None, max_examples=300)
@given(
    st.lists(contents_drawn(), min_size=len(NAMES), max_size=len(NAMES)),
    st.lists(changes(), max_size=3),
    st.lists(rounds(), min_size=1, max_size=2),
)
def test_no_last_copy_of_any_content_is_removed(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[bytes],
    tree: list[Change],
    played: list[Round],
) -> None:
    home = tmp_path_factory.mktemp("home")
    root = home / "photos"
    for folder in ("x", "y", "Y"):
        (root / folder).mkdir(parents=True)
    (root / "z").symlink_to("x")
    for name, content in zip(NAMES, files, strict=True):
        (root / name).write_bytes(content)
    for change in tree:
        change.befall(root)
    for number, turn in enumerate(played):
        entries = plan_of(claims_of(turn, root), root)
        for change in turn.changes:
            change.befall(root)
        play(turn, entries, home, home / f"journal {number}")


def play(turn: Round, entries: list[Entry], home: Path, journal: Path) -> None:
    """Apply a plan, killed as often as told; then undo it, killed likewise, and do it again."""
    root = home / "photos"
    first, everywhere = snapshot(root), contents(home)
    before = set(first.values())
    allowed = may_lose(entries, before)
    action = action_of(turn.action, home)
    for changes in turn.lives:
        with killed_after(changes):
            list(apply(entries, action, journal))
        require_no_loss(before, root, allowed)
    done = list(apply(entries, action, journal))
    require_no_loss(before, root, allowed)
    assert drafts(home) == []
    if turn.action != "delete":
        assert everywhere <= contents(home)
    assert all(not one.done for one in apply(entries, action, journal))
    for changes in turn.lives:
        with killed_after(changes):
            list(undo(journal))
        require_no_loss(before, root, allowed)
    assert all(one.done or turn.action == "delete" for one in undo(journal))
    assert drafts(home) == []
    after = snapshot(root)
    lost = {name for name in first if first[name] in allowed} if turn.action == "delete" else set()
    assert {name: first[name] for name in first if name not in lost} == {
        name: after[name] for name in after if name not in lost
    }
    list(apply(entries, action, journal))
    require_no_loss(before, root, allowed)
    assert len(done) == sum(entry.action == "drop" for entry in entries)
