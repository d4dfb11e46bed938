"""Tables: the named columns of `.csv` and `.jsonl` files as passages, a row at a time.

CSV is RFC 4180 and what spreadsheets make of it; a line of JSON Lines is an object of RFC 8259.
One broken row is a failure of that row: the others are read, and it is told which were not.
"""

import csv
import json
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from indexer.texts.passages import parts
from storage.errors import TextFailure
from storage.records import Span

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # JSON strings may hold rarer line ends
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?[,;\t ]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_SEPARATORS = ",;\t|"
_MOST_NAMED = 12  # columns listed in a message
_MOST_TOLD = 5  # broken rows that are told one by one


class TableText(NamedTuple):
    """The passages of a table, and in words which rows gave none; empty for none."""

    spans: tuple[Span, ...]
    omitted: str


class _Row(NamedTuple):
    line: int  # from 1, where it begins
    cells: list[str]
    start: int  # characters
    end: int  # without the line end


def jsonl_passages(text: str, columns: Sequence[str]) -> TableText:
    """Make a passage of each named column of each line; a list of strings gives one each.

    A long cell gives several. `start` and `end` are those of the line. Raises TextFailure where
    no line gives any words, naming broken lines, or the columns there are where none of the named
    ones is among them.
    """
    spans: list[Span] = []
    broken = _BrokenRows()
    seen: dict[str, None] = {}
    for number, line in enumerate(_LINE.finditer(text), 1):
        written = line[0].rstrip()
        row = _json_row(written, number, broken) if written else {}
        seen.update(dict.fromkeys(row))
        for value in (row.get(column) for column in columns):
            for words in value if isinstance(value, list) else [value]:
                spans.extend(_cell(words, line.start(), line.start() + len(written)))
    if seen or not broken:
        _present(columns, tuple(seen))
    return broken.beside(spans)


def csv_passages(text: str, columns: Sequence[str]) -> TableText:
    """Make a passage of each named column of each row, under a header line.

    A first line `sep=;` names the separator, as Excel writes and reads it. Cells that a row has
    too many, or too few, are empty ones. `start` and `end` are those of the row, which a quoted
    cell may stretch over lines. Raises TextFailure as `jsonl_passages` does.
    """
    broken = _BrokenRows()
    rows = _csv_rows(text, columns, broken)
    names = [name.strip() for name in next(rows, _Row(1, [], 0, 0)).cells]
    present = _present(columns, names)
    wanted = [at for column in present for at, name in enumerate(names) if name == column]
    spans: list[Span] = []
    for row in rows:
        if any(cell.strip() for cell in row.cells[len(names) :]):
            cells = len(row.cells)
            broken.add(f"line {row.line}: {cells} cells under a header of {len(names)}")
            continue
        for column in wanted:
            spans.extend(_cell("".join(row.cells[column : column + 1]), row.start, row.end))
    return broken.beside(spans)


@dataclass(slots=True)
class _BrokenRows:
    """Counts the rows that cannot be read and keeps the words about the first ones."""

    count: int = 0
    told: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, reason: str) -> None:
        self.count += 1
        if self.count <= _MOST_TOLD:
            self.told += (reason,)

    def beside(self, spans: list[Span]) -> TableText:
        """Join what was read and what was not; raises TextFailure where nothing was read."""
        if not spans:
            raise TextFailure("; ".join(self.told) or "there are no words in it")
        more = self.count - len(self.told)
        said = [*self.told, f"and {more:,} more lines"] if more else [*self.told]
        return TableText(tuple(spans), f"left out: {'; '.join(said)}" if said else "")


def _json_row(line: str, number: int, broken: _BrokenRows) -> dict[str, object]:
    try:
        # float, since int refuses more than a few thousand digits; no number becomes a passage
        row = json.loads(line.removeprefix("\ufeff"), parse_int=float)
    except (ValueError, RecursionError):
        broken.add(f"line {number} is not JSON")
        return {}
    if not isinstance(row, dict):
        broken.add(f"line {number} is JSON, but not an object with named columns")
        return {}
    return row


def _csv_rows(text: str, columns: Sequence[str], broken: _BrokenRows) -> Iterator[_Row]:
    """Yield the header and every row that is not blank; a broken one costs its first line."""
    ends = array("q", (line.end() for line in _LINE.finditer(text)))  # characters, of lines
    separator_line = _SEPARATOR_LINE.match(text)
    at = 1 if separator_line else 0
    separator = separator_line[1] if separator_line else _separator(text, columns)
    while at < len(ends):
        lines = (text[ends[n - 1] if n else 0 : ends[n]] for n in range(at, len(ends)))
        reader = csv.reader(lines, delimiter=separator, strict=True)
        first = at
        try:
            for cells in reader:
                start = ends[first - 1] if first else 0
                end = start + len(text[start : ends[at + reader.line_num - 1]].rstrip("\r\n"))
                if cells:
                    yield _Row(first + 1, cells, start, end)
                first = at + reader.line_num
        except csv.Error as error:
            broken.add(f"line {first + 1}: the row is broken ({error})")
            first += 1
        at = first


def _separator(text: str, columns: Sequence[str]) -> str:
    """Choose the separator by which the first line with words has a named column, or most cells."""
    head = next((line[0].strip("\r\n") for line in _LINE.finditer(text) if line[0].strip()), "")

    def fits(separator: str) -> tuple[bool, int]:
        try:
            cells = [cell.strip() for cell in next(csv.reader([head], delimiter=separator), [])]
        except csv.Error:  # longer than a cell may be
            return False, 0
        return not set(columns).isdisjoint(cells), len(cells)

    return max(_SEPARATORS, key=fits)


def _cell(value: object, start: int, end: int) -> Iterator[Span]:
    if isinstance(value, str) and value.strip():
        for part in parts(_whole(value.strip())):
            yield Span(part, start, end)


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can spell and nothing after it can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _present(wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """Keep the wanted columns that a table has: one is enough, other tables may have the rest."""
    present = [column for column in wanted if column in found]
    if not present:
        missed = " or ".join(map(repr, wanted))
        named = ", ".join(found[:_MOST_NAMED]) + (", …" if len(found) > _MOST_NAMED else "")
        raise TextFailure(f"there is no column {missed}; there are: {named or 'none'}")
    return present
