"""A text cut into passages that a text tower can read whole, each with its place in the file."""

import csv
import json
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Iterator, Sequence
from contextlib import suppress

from storage.errors import TextFailure
from storage.records import Span

# A CLIP tower reads 77 tokens, two of them marks, and drops the rest unread. English takes about
# 1.35 tokens a word, so 55 words is what every word of a passage can count in.
MOST_WORDS = 55
ENOUGH_WORDS = 20  # a shorter paragraph (a heading, a line of a dialogue) joins the next one

# One "word" is a Han, kana or hangul character (they are written without spaces and cost a token
# or more each) or up to 16 other visible characters (so that a long address counts as what it is).
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_CJK}]|[^\s{_CJK}]{{1,16}}")
_PARAGRAPH_END = re.compile(r"\n[ \t\r]*\n\s*")
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])[」』]*\s*|\n(?=[ \t]*(?:[-*+]|\d+\.)\s)"
)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # not splitlines: JSON strings may hold its rarer line ends
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")

_BOMS = (  # the longer ones first: UTF-32 little-endian begins like UTF-16
    (BOM_UTF8, "utf-8"),
    (BOM_UTF32_LE, "utf-32-le"),
    (BOM_UTF32_BE, "utf-32-be"),
    (BOM_UTF16_LE, "utf-16-le"),
    (BOM_UTF16_BE, "utf-16-be"),
)
_DELIMITERS = ",;\t"
_MOST_NAMED = 12  # columns listed in a message


def text_of(data: bytes) -> str:
    """Decode the bytes of a text file; raises TextFailure for what is not text.

    A byte order mark decides and is dropped; else it is UTF-8, else Windows-1252, which old
    texts of Western Europe are in. Line ends stay as they are, so that offsets stay true.
    """
    text = _decoded(data)
    if "\0" in text:
        raise TextFailure("the file is not text: it holds zero bytes")
    return text


def passages(text: str) -> tuple[Span, ...]:
    """Cut a text into passages of at most `MOST_WORDS` words, at paragraphs and sentences.

    Every `text[span.start:span.end]` equals `span.text`. Raises TextFailure where there are no
    words.
    """
    spans: list[Span] = []
    start = end = words = 0  # of the passage that is being filled
    for piece_start, piece_end, count, closes in _pieces(text):
        if words and words + count > MOST_WORDS:
            spans.append(Span(text[start:end], start, end))
            words = 0
        start = start if words else piece_start
        end, words = piece_end, words + count
        if closes and words >= ENOUGH_WORDS:
            spans.append(Span(text[start:end], start, end))
            words = 0
    if words:
        spans.append(Span(text[start:end], start, end))
    return _some(spans)


def jsonl_passages(text: str, columns: Sequence[str]) -> tuple[Span, ...]:
    """Make a passage of each named column of each line; a list of strings gives one each.

    `start` and `end` are those of the line. Raises TextFailure naming a broken line, or the
    columns there are where none of the named ones is among them.
    """
    spans: list[Span] = []
    seen: dict[str, None] = {}
    for number, line in enumerate(_LINE.finditer(text), 1):
        written = line[0].rstrip()
        if not written:
            continue
        row = _json_row(written, number)
        seen.update(dict.fromkeys(row))
        for value in (row.get(column) for column in columns):
            for words in value if isinstance(value, list) else [value]:
                spans.extend(_cell(words, line.start(), line.start() + len(written)))
    _present(columns, tuple(seen))
    return _some(spans)


def csv_passages(text: str, columns: Sequence[str]) -> tuple[Span, ...]:
    """Make a passage of each named column of each row, under a header line.

    `start` and `end` are those of the row, which a quoted cell may stretch over lines. Raises
    TextFailure naming a broken row, or the columns there are where none of the named is there.
    """
    rows = _csv_rows(text)
    _, header, _, _ = next(rows, (1, [], 0, 0))
    names = [name.strip() for name in header]
    wanted = [names.index(column) for column in _present(columns, names)]
    spans: list[Span] = []
    for line, row, start, end in rows:
        if len(row) != len(names):
            raise TextFailure(f"line {line}: {len(row)} cells under a header of {len(names)}")
        for column in wanted:
            spans.extend(_cell(row[column], start, end))
    return _some(spans)


def _decoded(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError:
                raise TextFailure(
                    f"the file is marked as {encoding.upper()} and is not: save it as UTF-8"
                ) from None
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8")
    with suppress(UnicodeDecodeError):
        text = data.decode("cp1252")
        if not _CONTROL.search(text):
            return text
    raise TextFailure("the file is not text in UTF-8, UTF-16 or Windows-1252: save it as UTF-8")


def _pieces(text: str) -> Iterator[tuple[int, int, int, bool]]:
    """Yield the smallest parts that stay together: (start, end, words, closes a paragraph)."""
    for start, end in _between(_PARAGRAPH_END, text, 0, len(text)):
        parts = [
            part
            for sentence in _between(_SENTENCE_END, text, start, end)
            for part in _chunks(text, *sentence)
        ]
        for position, part in enumerate(parts, 1):
            yield *part, position == len(parts)


def _between(border: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches that end with a match of `border` or with the text."""
    for match in border.finditer(text, start, end):
        yield start, match.end()
        start = match.end()
    yield start, end


def _chunks(text: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield a sentence without the blanks around it, cut where it is too long for one passage."""
    words = list(_WORD.finditer(text, start, end))
    for first in range(0, len(words), MOST_WORDS):
        chunk = words[first : first + MOST_WORDS]
        yield chunk[0].start(), chunk[-1].end(), len(chunk)


def _json_row(line: str, number: int) -> dict[str, object]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise TextFailure(f"line {number} is not JSON") from None
    if not isinstance(row, dict):
        raise TextFailure(f"line {number} is JSON, but not an object with named columns")
    return row


def _csv_rows(text: str) -> Iterator[tuple[int, list[str], int, int]]:
    """Yield (line, cells, start, end) for the header and every row that is not blank."""
    head = text[: text.find("\n")] if "\n" in text else text
    position = 0

    def lines() -> Iterator[str]:
        nonlocal position
        for line in _LINE.finditer(text):
            position = line.end()
            yield line[0]

    reader = csv.reader(lines(), delimiter=max(_DELIMITERS, key=head.count), strict=True)
    while True:
        start, line = position, reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TextFailure(f"line {line}: the row is broken ({error})") from None
        if row:
            yield line, row, start, start + len(text[start:position].rstrip("\r\n"))


def _cell(value: object, start: int, end: int) -> Iterator[Span]:
    if isinstance(value, str) and value.strip():
        yield Span(_whole(value.strip()), start, end)


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


def _some(spans: list[Span]) -> tuple[Span, ...]:
    if not spans:
        raise TextFailure("there are no words in it")
    return tuple(spans)
