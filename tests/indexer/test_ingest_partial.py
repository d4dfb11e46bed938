"""A text of which a part cannot be read: the rest is indexed, and the part is told."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Report
from indexer.models.networks.fake import FakeEncoder
from search import Engine, Query, Term
from storage import Library
from tests.indexer.search_results import counts

Index = Callable[..., Report]
ROWS = '{"caption": "a dog"}\n{"caption": \n{"caption": "a cat"}\n'
REASON = "read in part: left out: line 2 is not JSON"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "corpus"
    made.mkdir()
    (made / "rows.jsonl").write_text(ROWS)
    return made


def texts(library: Library) -> set[str | None]:
    hits = Engine(library, FakeEncoder).search(Query((Term("text", "anything"),), k=100))
    return {hit.item.text for hit in hits}


def told(library: Library) -> list[tuple[str, str, str, bool]]:
    return [(Path(f.path).name, f.stage, f.reason, f.partial) for f in library.failures()]


def test_one_broken_line_is_told_and_the_others_are_found(
    library: Library, folder: Path, index: Index
) -> None:
    report = index(folder, text_columns=("caption",))
    assert (counts(report), report.partial) == ({"new": 1}, 1)
    assert texts(library) == {"a dog", "a cat"}
    assert told(library) == [("rows.jsonl", "text", REASON, True)]
    assert library.status().failures == 1
    assert library.find(str(folder / "rows.jsonl")).omitted == "left out: line 2 is not JSON"


def test_an_unchanged_file_stays_told_and_is_not_read_again(
    library: Library, folder: Path, index: Index
) -> None:
    index(folder, text_columns=("caption",))
    report = index(folder)
    assert (counts(report), report.partial) == ({"unchanged": 1}, 0)
    assert len(told(library)) == 1


def test_what_is_told_goes_with_the_file_wherever_it_goes(
    library: Library, folder: Path, index: Index
) -> None:
    index(folder, text_columns=("caption",))
    (folder / "rows.jsonl").rename(folder / "moved.jsonl")
    assert counts(index(folder, text_columns=("caption",))) == {"moved": 1}
    shutil.copy(folder / "moved.jsonl", folder / "copy.jsonl")
    index(folder, text_columns=("caption",))
    assert [row[0] for row in told(library)] == ["copy.jsonl", "moved.jsonl"]
    assert len(library.failures(str(folder / "copy.jsonl"))) == 1
    (folder / "copy.jsonl").unlink()
    index(folder)
    assert [row[0] for row in told(library)] == ["moved.jsonl"]
    library.apply(library.plan_remove(str(folder)), "remove")
    assert told(library) == []


def test_a_mended_file_is_told_no_more(library: Library, folder: Path, index: Index) -> None:
    index(folder, text_columns=("caption",))
    (folder / "rows.jsonl").write_text(ROWS.replace('": \n', '": "a bird"}\n'))
    report = index(folder)
    assert (report.partial, told(library)) == (0, [])
    assert texts(library) == {"a dog", "a bird", "a cat"}


def test_read_by_other_columns_a_table_may_be_whole(
    library: Library, folder: Path, index: Index
) -> None:
    (folder / "rows.jsonl").unlink()
    (folder / "rows.csv").write_text("id,de,en\n1,Hund,dog\n2,Katze,cat,more\n")
    index(folder, text_columns=("de",))
    assert told(library)[0][2] == ("read in part: left out: line 3: 4 cells under a header of 3")
    (folder / "rows.csv").write_text("id,de,en\n1,Hund,dog\n2,Katze,cat\n")
    index(folder)
    assert told(library) == []


def test_bad_bytes_and_broken_rows_are_told_together(
    library: Library, folder: Path, index: Index
) -> None:
    (folder / "rows.jsonl").write_bytes(ROWS.replace("dog", "größer Bär").encode() + b"\n\xff")
    (folder / "note.txt").write_bytes("Der große Bär läuft.".encode() + b" \xff")
    assert index(folder, text_columns=("caption",)).partial == 2
    bad = "read in part: 1 place is not UTF-8 and read as \ufffd"
    assert told(library) == [
        ("note.txt", "text", bad, True),
        ("rows.jsonl", "text", f"{bad}; left out: line 2 is not JSON; line 5 is not JSON", True),
    ]
    assert "Der große Bär läuft. \ufffd" in texts(library)


def test_a_cell_longer_than_the_csv_module_takes_is_read_in_a_worker(
    library: Library, folder: Path, index: Index
) -> None:
    (folder / "rows.jsonl").unlink()
    (folder / "long.csv").write_text("caption\n" + "red kites turn " * 20_000 + "\nan owl\n")
    report = index(folder, text_columns=("caption",))
    assert (counts(report), told(library)) == ({"new": 1}, [])
    assert "an owl" in texts(library)


def test_a_part_that_is_missing_keeps_no_space_from_being_complete(
    library: Library, folder: Path, index: Index, second: FakeEncoder
) -> None:
    index(folder, text_columns=("caption",))
    index(folder, by=second)
    assert [counted.complete for counted in library.spaces()] == [True, True]
    library.use("second")
    assert len(told(library)) == 1
