"""Exclude patterns: git itself is their twin, by gitignore(5); and what goes beyond it."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from indexer.scan.excludes import Excludes
from storage.errors import InvalidArgument

TREE = (
    "a.gif b.jpg [x] #k !n foo\\bar café.jpg sp\u00a0ace a/a.gif a/b/a.gif a/b/c/d.jpg b/a/x.png "
    "build/out.jpg src/build/out.jpg keep/me.gif keep/not.gif z-9.jpg Z.JPG ]y a/[x] a/7.png"
).split()
PARTS = (
    "a b c d x foo build keep out src * ** *.gif *.jpg ? a* *a [ab] [!a] [^ab] [a-c] [[] []] [\\]] "
    "[[:digit:]] [[:upper:]]* \\[x\\] \\#k \\!n foo\\\\bar me.gif ?.* *.* [x] a**b"
).split()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository that holds the tree."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed, whose answers these are compared with")
    place = tmp_path_factory.mktemp("tree")
    for name in TREE:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    subprocess.run([git, "init", "-q", place], check=True)
    return place


def entries(place: Path) -> dict[str, bool]:
    """Every path in the tree, and whether it is a folder."""
    found = sorted(path for path in place.rglob("*") if ".git" not in path.parts)
    return {str(path.relative_to(place)): path.is_dir() for path in found}


def left_out_by_git(place: Path, patterns: list[str]) -> set[str]:
    (place / ".git" / "info" / "exclude").write_text("\n".join(patterns) + "\n")
    done = subprocess.run(
        ["git", "-c", "core.ignorecase=false", "check-ignore", "-z", "--no-index", "--stdin"],
        cwd=place,
        input="\0".join(entries(place)).encode(),
        capture_output=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    assert done.returncode in (0, 1), done.stderr
    return {name for name in done.stdout.decode().split("\0") if name}


def left_out(place: Path, patterns: list[str]) -> set[str]:
    excludes = Excludes(patterns).of(str(place))
    return {
        path
        for path, is_folder in entries(place).items()
        if excludes.cover(str(place / path), is_folder)
    }


def made_up(rng: random.Random) -> str:
    body = "/".join(rng.choice(PARTS) for _ in range(rng.choice((1, 1, 2, 2, 3))))
    lead, end = rng.choice(("", "", "/", "**/")), rng.choice(("", "", "/", "/**"))
    return f"{rng.choice(('', '', '!'))}{lead}{body}{end}{rng.choice(('', '', '', ' '))}"


@pytest.mark.parametrize("seed", range(6))
def test_what_is_left_out_is_what_git_leaves_out(repository: Path, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        patterns = [made_up(rng) for _ in range(rng.randint(1, 4))]
        assert left_out(repository, patterns) == left_out_by_git(repository, patterns), patterns


def names(root: str, *patterns: str) -> list[str]:
    """Which of a few names patterns leave out of a root."""
    excludes = Excludes(patterns).of(root)
    there = ("Private", "2019/Private", "2019/keep", "a.gif", "#tag", ".hidden", "end ", "A.GIF")
    return [name for name in there if excludes.cover(os.path.join(root, name), name == "Private")]


@pytest.mark.parametrize(
    "pattern", ["/photos/Private", "/photos/Private/", "./Private", "././Private/"]
)
def test_a_path_as_a_shell_has_it_names_what_it_names_there(pattern: str) -> None:
    assert names("/photos", pattern) == ["Private"]


def test_an_absolute_pattern_may_hold_wildcards_and_be_negated() -> None:
    assert names("/photos", "/photos/*/Pri*") == ["2019/Private"]
    assert names("/photos", "Private", "!/photos/2019/Private") == ["Private"]
    assert names("/photos/[2019] summer", "/photos/[2019] summer/a.gif") == ["a.gif"]


def test_the_root_itself_is_all_of_it_and_a_folder_around_it_is_none_of_it() -> None:
    assert len(names("/photos", "/photos")) == 8
    assert len(names("/photos", "/photos/")) == 8
    assert names("/data/photos", "/data") == []


def test_an_absolute_path_through_a_link_lies_in_the_root_it_leads_to(tmp_path: Path) -> None:
    root = tmp_path / "disk" / "photos"
    root.mkdir(parents=True)
    (tmp_path / "mine").symlink_to(root)
    for pattern in ("mine/Private", "mine/Priv*"):
        assert names(str(root), str(tmp_path / pattern)) == ["Private"]
    assert len(names(str(root), str(tmp_path / "mine"))) == 8


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert names("/home/someone/photos", "~/photos/Private") == ["Private"]


@pytest.mark.parametrize("folder", ["x", "x/y", "[x] *?", "back\\slash", "x\n2", "!x", "#x", "x "])
def test_a_path_is_relative_to_the_folder_that_is_named(folder: str) -> None:
    inside = f"/photos/{folder}"
    for pattern in ("/Shots", "./Shots", "Shots", "Shots/", "**/Shots", f"{inside}/Shots"):
        excludes = Excludes([pattern]).of("/photos", inside)
        if pattern != f"{inside}/Shots" or "*" not in folder and "\\" not in folder:
            assert excludes.cover(f"{inside}/Shots", is_folder=True), pattern
        assert not excludes.cover(f"{inside}/Other", is_folder=True), pattern
    for pattern in ("/Shots", "./Shots", "a/Shots", "/*"):
        excludes = Excludes([pattern]).of("/photos", inside)
        assert not excludes.cover("/photos/Shots", is_folder=True), pattern
        assert not excludes.cover(f"{inside}2/a/Shots", is_folder=True), pattern
    excludes = Excludes(["/*", "!/keep", "*.gif"]).of("/photos", inside)
    kept = [name for name in ("a", "keep", "keep.gif") if not excludes.cover(f"{inside}/{name}")]
    assert kept == ["keep"]


def test_patterns_by_root_name_the_same_files_whatever_is_named() -> None:
    excludes = Excludes(["/x/Shots", "/Other"], by_root=True).of("/photos", "/photos/x")
    assert excludes.cover("/photos/x/Shots")
    assert not excludes.cover("/photos/x/Other")


def test_names_are_told_apart_by_case_and_a_hash_begins_no_comment() -> None:
    assert names("/photos", "*.gif", "#tag") == ["a.gif", "#tag"]
    assert names("/photos", "*.[gG][iI][fF]", "\\#tag") == ["a.gif", "#tag", "A.GIF"]


def test_a_space_at_the_end_counts_where_it_is_escaped() -> None:
    assert names("/photos", "end  ") == []
    assert names("/photos", "end\\ ") == names("/photos", "end\\  ") == ["end "]


def test_names_with_line_breaks_and_without_utf8_are_matched() -> None:
    odd = os.fsdecode(b"/photos/caf\xe9\n2/a\nb.gif")
    assert Excludes(["*.gif"]).of("/photos").cover(odd)
    assert Excludes([os.fsdecode(b"caf\xe9*")]).of("/photos").cover(odd)
    assert Excludes(["**/a?b.gif"]).of("/photos").cover(odd)
    assert not Excludes(["caf*2/a"]).of("/photos").cover(odd)


def test_what_lies_outside_the_root_is_not_left_out() -> None:
    assert not Excludes(["*"]).of("/photos").cover("/photos")
    assert not Excludes(["*"]).of("/photos").cover("/photos2/a.gif")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("[a", "without its ]"),
        ("a[/]b", "without its ] before the next /"),
        ("[a/b]", "which no brackets match"),
        ("[z-a]", "runs backwards"),
        ("[[:letter:]]", "no character class"),
        ("a\\", "lone backslash"),
        ("", "names nothing"),
        ("  ", "names nothing"),
        ("!", "names nothing"),
        ("/", "names nothing"),
        ("./", "names nothing"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused_with_the_reason(pattern: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said) as error:
        Excludes(["*.gif", pattern])
    assert repr(pattern) in str(error.value)


def test_one_text_is_no_list_of_patterns() -> None:
    with pytest.raises(InvalidArgument, match="list of patterns"):
        Excludes("*.gif")


def test_patterns_that_matched_nothing_are_known_and_others_are_not_among_them() -> None:
    excludes = Excludes(["*.gif", "a.*", "Private", "!keep.gif", "*.tif"])
    for root in ("/photos", "/scans"):
        excludes.of(root).cover(f"{root}/a.gif")
    assert excludes.unused() == ["Private", "!keep.gif", "*.tif"]
    excludes.of("/scans").cover("/scans/old/keep.gif")
    excludes.of("/scans").cover("/scans/Private/b.jpg")
    assert excludes.unused() == ["*.tif"]
