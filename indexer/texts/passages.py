"""A text cut into passages that a text tower can read whole, each with its place in the file."""

import re
from collections.abc import Iterator

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
_LINE_END = r"(?:\r\n|\n|\r(?!\n))"
_PARAGRAPH_END = re.compile(rf"{_LINE_END}[ \t]*{_LINE_END}\s*")
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])[」』]*\s*|[\r\n](?=[ \t]*(?:[-*+]|\d+\.)\s)"
)


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
    if not spans:
        raise TextFailure("there are no words in it")
    return tuple(spans)


def parts(text: str) -> list[str]:
    """Return a short text whole, and the passages of one that no tower reads whole."""
    if len(_WORD.findall(text)) <= MOST_WORDS:
        return [text]
    return [span.text for span in passages(text)]


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
