"""What only a dropped file says: shown in the report, written beside the keeper, taken back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli.pages import file_details
from cli.pages.file_details import FileDetails
from indexer.images.metadata.description import Metadata, read
from search.dedup.plan import plan
from search.dedup.plan.plan import Entry
from storage import Library
from storage.tables import items
from tests.search.dedup.planted_duplicates import group
from tests.search.dedup.xmp_samples import packet, photo

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]
SAID = packet(attributes='xmp:Rating="4"', keywords=("sea\u202e", "sand"))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A keeper that says nothing, a loser that does, and their plan."""
    keeper, loser = photo(tmp_path / "keeper.jpg", seed=1), photo(tmp_path / "b.jpg", SAID, seed=2)
    plan.write(group(keeper, loser, kind="same-picture"), tmp_path / "plan.jsonl")
    return keeper, loser


def test_a_sidecar_is_foretold_written_and_taken_back(
    run: Run, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    keeper, loser = files
    words = ("dedup", "apply", tmp_path / "plan.jsonl", "--sidecar", "--move", tmp_path / "moved")
    looked = run(*words, "--dry-run")
    assert looked.exit_code == 0, looked.stderr
    assert f"would write into {keeper}.xmp: keywords sea" in looked.stderr
    assert loser.exists() and not Path(f"{keeper}.xmp").exists()
    applied = run(*words, "--yes")
    assert applied.exit_code == 0, applied.stderr
    assert f"wrote into {keeper}.xmp" in applied.stderr and "rating 4 of 5" in applied.stderr
    assert read(str(keeper)) == Metadata(("sea\u202e", "sand"), 4)
    [journal] = tmp_path.glob("plan-*.journal.jsonl")
    undone = run("dedup", "undo", journal)
    assert undone.exit_code == 0, undone.stderr
    assert "1 file put back, 1 sidecar taken back" in undone.stderr
    assert loser.exists() and not Path(f"{keeper}.xmp").exists()


def test_programs_are_told_of_it(
    run_json: RunJson, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    (row,) = run_json("dedup", "apply", tmp_path / "plan.jsonl", "--sidecar", "--delete", "--yes")
    assert row["sidecar"] == f"{files[0]}.xmp"
    assert row["said"] == {"keywords": ["sea\u202e", "sand"], "rating": "4 of 5"}


def test_a_file_whose_words_cannot_be_saved_stays(
    run: Run, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    Path(f"{files[0]}.xmp").write_bytes(b"<x")
    left = run("dedup", "apply", tmp_path / "plan.jsonl", "--sidecar", "--delete", "--yes")
    assert left.exit_code == 3
    assert "cannot go into" in left.stderr and files[1].exists()


@pytest.fixture
def album(tmp_path: Path, run: Run) -> tuple[Path, list[Entry]]:
    """A library of twelve photos of which each says its number, and a plan of pairs of them."""
    folder, library = tmp_path / "album", tmp_path / "library"
    for number in range(12):
        photo(folder / f"{number:02}.png", packet(keywords=(str(number),)), seed=number * 900)
    done = run("index", folder, "--library", library, "--model", "mini")
    assert done.exit_code == 0, done.stderr
    entries = []
    for number in range(0, 12, 2):
        pair = [folder / f"{number + one:02}.png" for one in range(2)]
        entries += group(*pair, number=number, kind="same-picture")
    return library, entries


def test_looks_are_read_by_batches_in_any_order(
    album: tuple[Path, list[Entry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, entries = album
    entries = [*entries, entries[0]]  # a keeper that has another group as well
    asked: list[int] = []
    hydrate = items.hydrate

    def counted(connection: Any, numbers: Any) -> Any:
        asked.append(len(numbers))
        return hydrate(connection, numbers)

    monkeypatch.setattr(items, "hydrate", counted)
    monkeypatch.setattr(file_details, "_AHEAD", 4)
    with Library.open(path) as library:
        looks = FileDetails(library, entries)
        for entry in entries:
            look = looks(entry.item, entry.path)
            assert (look.width, look.height, look.format) == (32, 24, "PNG")
            assert look.thumbnail == library.thumbnail(entry.item)
        assert len(asked) == 4 and sum(asked) == 13
        assert looks("0" * 64, "/none").width is None


def test_only_what_could_be_lost_is_opened(
    album: tuple[Path, list[Entry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, entries = album
    kept = [json.loads(plan.line(entry)) | {"action": "keep"} for entry in entries[2:]]
    rows = [*entries[:2], *(Entry(**row) for row in kept)]
    opened = []

    def counted(path: str) -> Metadata:
        opened.append(path)
        return read(path)

    monkeypatch.setattr(file_details, "read", counted)
    with Library.open(path) as library:
        looks = FileDetails(library, rows)
        said = [looks(row.item, row.path).metadata for row in rows]
    assert opened == [row.path for row in rows[:2]]
    assert said[0] == {"keywords": ["0"]} and said[2] == {}
