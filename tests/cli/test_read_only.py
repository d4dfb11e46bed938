"""A library that this user cannot write: some commands read it, the others say so in one line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from storage import access

Run = Callable[..., Result]
_READING = {
    "status": ("status",),
    "show": ("show", "{photo}"),
    "search": ("search", "--like", "{photo}"),
    "search by words": ("search", "a red kite", "--min-lift", "-1"),
    "failures": ("failures",),
    "data set": ("dedup", "--semantic", "--out", "{out}"),
}
_WRITING = {
    "index": ("index", "{folder}"),
    "retry": ("failures", "--retry"),
    "remove": ("remove", "{photo}", "--yes"),
    "tag": ("tag", "--labels", "scenes"),
    "use": ("use", "stand-in"),
    "dedup": ("dedup", "--out", "{out}"),
    "leak": ("dedup", "--leak", "{folder}"),
}


@pytest.fixture
def here(
    run: Run, indexed: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[tuple[str, ...]], Result]:
    """Run a command on a library that can only be read."""
    monkeypatch.setattr(access, "is_writable", lambda path: False)
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(indexed))
    places = {"photo": photos / "2020" / "red.jpg", "folder": photos, "out": tmp_path / "out"}
    return lambda words: run(*(word.format(**places) for word in words))


@pytest.mark.parametrize("words", _READING.values(), ids=_READING)
def test_what_only_reads_works_and_tells_what_it_cannot(
    words: tuple[str, ...], here: Callable[[tuple[str, ...]], Result], indexed: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in indexed.rglob("*")}
    result = here(words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout
    assert result.stderr.count("cannot be written here: it is only read") == 1
    assert {path: path.stat().st_mtime_ns for path in indexed.rglob("*")} == before


@pytest.mark.parametrize("words", _WRITING.values(), ids=_WRITING)
def test_what_writes_says_so_in_one_line(
    words: tuple[str, ...], here: Callable[[tuple[str, ...]], Result], indexed: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in indexed.rglob("*")}
    result = here(words)
    assert result.exit_code == 3
    assert "can only be read here, and this would change it" in result.stderr.splitlines()[-1]
    assert "it is only read" not in result.stderr
    assert not result.stdout
    assert {path: path.stat().st_mtime_ns for path in indexed.rglob("*")} == before


@pytest.mark.parametrize(("words", "code"), [("dedup", 0), ("leak", 1)])
def test_finding_duplicates_says_how_it_works_all_the_same(
    words: str,
    code: int,
    here: Callable[[tuple[str, ...]], Result],
    indexed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (
        "what is compared for duplicates is kept in it; copy that folder"
        in here(_WRITING[words]).stderr
    )
    shutil.copytree(indexed, tmp_path / "copy")
    monkeypatch.setattr(access, "is_writable", lambda path: tmp_path in Path(path).parents)
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(tmp_path / "copy"))
    result = here(_WRITING[words])
    assert (result.exit_code, "only" in result.stderr) == (code, False)


def test_the_doctor_notes_it(here: Callable[[tuple[str, ...]], Result]) -> None:
    assert "only to be read by this user" in here(("doctor",)).stdout
