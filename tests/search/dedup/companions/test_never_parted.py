"""Whatever lies beside what, and whenever a run is killed: what stays keeps its companions."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.dedup.apply.actions import Action, Delete, Move
from search.dedup.apply.apply import apply
from search.dedup.apply.trash import Trash
from search.dedup.apply.undo import undo
from search.dedup.companions import CompanionMode, Folder
from search.dedup.plan.plan import Entry
from tests.search.dedup.planted_duplicates import contents, drafts, group, killed_after, put

FOLDERS = ("a", "b", "c")
IMAGES = ("P.jpg", "P.heic", "IMG_1.heic", "IMG_E1.heic")
COMPANIONS = ("P.mov", "P.jpg.xmp", "IMG_1.AAE", "IMG_E1.mov")

Tree = dict[str, bytes]


def trees() -> st.SearchStrategy[Tree]:
    """Draw files of few contents, so that many are equal."""
    images = st.sampled_from([f"{folder}/{name}" for folder in FOLDERS for name in IMAGES])
    beside = st.sampled_from([f"{folder}/{name}" for folder in FOLDERS for name in COMPANIONS])
    return st.builds(
        lambda one, other: {**one, **other},
        st.dictionaries(images, st.sampled_from((b"image 1", b"image 2")), min_size=2),
        st.dictionaries(beside, st.sampled_from((b"beside 1", b"beside 2")), min_size=1),
    )


def planned(root: Path, order: list[str]) -> list[Entry]:
    """Plan to keep the first image of each content."""
    entries = []
    for number, content in enumerate((b"image 1", b"image 2")):
        alike = [root / name for name in order if (root / name).exists()]
        alike = [path for path in alike if path.read_bytes() == content]
        if len(alike) > 1:
            entries += group(alike[0], *alike[1:], number=number)
    return entries


def snapshot(root: Path) -> Tree:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def belonging(root: Path) -> dict[str, list[str]]:
    """List the companions of each image."""
    return {
        str(path): Folder(str(path.parent)).companions(path.name)
        for path in root.rglob("*")
        if path.name in IMAGES
    }


@settings(deadline=None, max_examples=60)
@given(
    trees(),
    st.permutations([f"{folder}/{name}" for folder in FOLDERS for name in IMAGES]),
    st.sampled_from(("delete", "move", "trash")),
    st.sampled_from(get_args(CompanionMode)),
    st.lists(st.integers(0, 40), max_size=2),
)
def test_what_stays_keeps_its_companions_and_all_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    tree: Tree,
    order: list[str],
    name: str,
    mode: CompanionMode,
    lives: list[int],
) -> None:
    home = tmp_path_factory.mktemp("home")
    root, journal = home / "photos", home / "journal"
    for place, content in tree.items():
        put(root / place, content)
    entries, before, every = planned(root, order), belonging(root), contents(root)
    ways: tuple[Action, ...] = (Delete(), Move(home / "moved"), Trash(home / "Trash"))
    action = next(each for each in ways if each.name == name)
    for changes in lives:
        with killed_after(changes):
            list(apply(entries, action, journal, companions=mode))
        assert every <= contents(home)
    list(apply(entries, action, journal, companions=mode))
    assert every <= contents(home) and drafts(home) == []
    gone = {image for image in before if not Path(image).exists()}
    assert gone <= {entry.path for entry in entries if entry.action == "drop"}
    for image, companions in before.items():
        there = [path for path in companions if Path(path).exists()]
        if image not in gone or mode == "leave":
            assert there == companions
        else:  # what stayed stays for another image
            assert all(Folder(str(Path(path).parent)).images(Path(path).name) for path in there)
    for changes in lives:
        with killed_after(changes):
            list(undo(journal))
        assert every <= contents(home)
    assert all(one.done for one in undo(journal))
    assert snapshot(root) == tree and drafts(home) == []
