"""Texts and tables: what a run makes of their passages."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from indexer import IndexConfig, Report
from indexer.encode import text_hash
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from search import Engine, Query, Term
from storage import Library, Matrix
from tests.indexer.search_results import counts

Count = Callable[[], int]
Draw = Callable[..., Path]
Index = Callable[..., Report]


def write_table(home: Path, rows: str, name: str = "rows.csv") -> Path:
    """Write a table in a folder of its own."""
    table = home / "corpus" / name
    table.parent.mkdir()
    table.write_text(rows)
    return table


def test_the_same_bytes_under_another_kind_of_name_are_read_for_what_they_are(
    library: Library, photos: Path, index: Index
) -> None:
    (photos / "note.txt").write_text("red kites over the hill")
    index(photos)
    shutil.copy(photos / "note.txt", photos / "note.jpg")
    shutil.copy(photos / "0.png", photos / "picture.txt")
    assert counts(index(photos)) == {"unchanged": 7, "failed": 2}
    assert [(Path(f.path).name, f.stage) for f in library.failures()] == [
        ("note.jpg", "decode"),
        ("picture.txt", "text"),
    ]


def test_half_a_surrogate_pair_in_a_table_is_replaced(
    library: Library, tmp_path: Path, index: Index
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "rows.jsonl").write_text('{"caption": "a cat \\ud83d"}\n')
    (folder / "odd.jsonl").write_text('{"\\ud83d": "a cat"}\n')
    assert counts(index(folder, text_columns=("caption",))) == {"new": 1, "failed": 1}
    hits = Engine(library, FakeEncoder).search(Query((Term("text", "cat"),)))
    assert [hit.item.text for hit in hits] == ["a cat ?"]


def test_an_edited_table_is_read_by_the_columns_it_was_read_by(
    library: Library, tmp_path: Path, index: Index
) -> None:
    table = write_table(tmp_path, "caption\na dog\n")
    index(table.parent, text_columns=("caption",))
    table.write_text("caption\na horse\n")
    assert counts(index(table.parent)) == {"new": 1}
    assert library.status().items == 1


def test_a_mistyped_column_is_mended_by_the_right_one(
    library: Library, tmp_path: Path, index: Index
) -> None:
    table = write_table(tmp_path, "caption\na dog\n")
    assert counts(index(table.parent, text_columns=("captoin",))) == {"failed": 1}
    assert counts(index(table.parent, text_columns=("caption",))) == {"new": 1}
    assert library.failures() == []


def test_a_failed_table_waits_for_the_name_of_a_column(
    library: Library, tmp_path: Path, index: Index
) -> None:
    table = write_table(tmp_path, "caption\na dog\n")
    index(table.parent, text_columns=("captoin",))
    assert counts(index(table.parent, retry_failures=True)) == {"failed": 1}
    assert len(library.failures()) == 1


def test_passages_of_an_interrupted_document_are_kept_for_the_next_run(
    library: Library, tmp_path: Path, photos: Path, index: Index
) -> None:
    class Tiring(FakeEncoder):
        def encode_texts(self, texts: Sequence[str]) -> Matrix:
            if "word 300" in " ".join(texts):
                raise RuntimeError("the device went away")
            return super().encode_texts(texts)

    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "long.txt").write_text(". ".join(f"word {number}" for number in range(2000)))
    config = IndexConfig(paths=(str(folder),), workers=1, batch_size=2)
    with pytest.raises(RuntimeError):
        Indexer(library, Tiring(), config).run()
    before = library.status().items
    assert before > 0
    index(photos)
    assert library.status().items == before + 6


def test_a_text_becomes_passages_that_know_their_place(
    library: Library, tmp_path: Path, index: Index
) -> None:
    notes = tmp_path / "notes" / "kites.txt"
    notes.parent.mkdir()
    notes.write_text("Red kites turned over the hill.\n\n" * 40)
    assert counts(index(notes.parent)) == {"new": 1}
    hits = Engine(library, FakeEncoder).search(Query((Term("text", "red kites"),)))
    text = notes.read_text()
    assert hits
    for hit in hits:
        assert hit.item.text == text[hit.item.start : hit.item.end]
        assert hit.item.paths == (str(notes),)


def test_a_table_is_read_by_the_named_column_and_again_by_another(
    library: Library, tmp_path: Path, index: Index
) -> None:
    rows = '{"en": "a dog", "de": "ein Hund"}\n{"en": "a cat", "de": "eine Katze"}\n'
    table = write_table(tmp_path, rows, "rows.jsonl")
    folder = table.parent
    assert counts(index(folder)) == {"skipped": 1}
    assert counts(index(folder, text_columns=("en",))) == {"new": 1}
    assert counts(index(folder, text_columns=("en",))) == {"unchanged": 1}
    index(folder, text_columns=("de",))
    hits = Engine(library, FakeEncoder).search(Query((Term("text", "Hund"),)))
    assert {hit.item.text for hit in hits} == {"ein Hund", "eine Katze"}
    assert library.status().items == 2


def test_rows_added_to_a_table_leave_the_others_alone(
    library: Library, tmp_path: Path, index: Index
) -> None:
    table = write_table(tmp_path, "caption\na dog\na cat\n")
    index(table.parent, text_columns=("caption",))
    before = library.find(text_hash("a dog")).id
    table.write_text("caption\na dog\na cat\na bird\n")
    index(table.parent, text_columns=("caption",))
    assert library.find(text_hash("a dog")).id == before
    assert library.status().items == 3


@pytest.mark.parametrize(
    ("context", "told"),
    [
        (None, ()),
        (8, ()),
        (6, ("1 passage is longer than the model stand-in reads (6 tokens): words",)),
        (3, ("2 passages are longer than the model stand-in reads (3 tokens): words",)),
    ],
)
def test_passages_that_the_model_reads_in_part_are_told_of_once(
    tmp_path: Path, index: Index, context: int | None, told: tuple[str, ...]
) -> None:
    class Short(FakeEncoder):
        def count_tokens(self, text: str) -> int:
            asked.append(text)
            return super().count_tokens(text)

    asked: list[str] = []
    reader = Short()
    reader.context = context
    folder = tmp_path / "notes"
    folder.mkdir()
    for number, words in enumerate(
        ("a kite of eight words over the hill", "der rote Drache fliegt")
    ):
        (folder / f"{number}.txt").write_text(words)
    (folder / "short.txt").write_text("o")
    notices = index(folder, by=reader).notices
    assert len(notices) == len(told)
    assert all(line.startswith(start) for line, start in zip(notices, told, strict=True))
    assert "o" not in asked  # no token is shorter than a byte
    assert index(folder, by=reader).notices == ()
