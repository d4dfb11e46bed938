"""CLIP's byte-pair encoding, from its file of merges, without torch or transformers.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021; the
rules are those of the `SimpleTokenizer` that open_clip took over from OpenAI's CLIP (MIT).
"""

import gzip
import re
from functools import cache
from pathlib import Path
from typing import Any

from indexer.models.compiled.text_cleaning import Cleaning, clean

_MARKS = ("<start_of_text>", "<end_of_text>")
_WORDS = r"<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|{letters}+|{digit}|{other}+"
_ASCII = re.compile(
    _WORDS.format(letters="[a-z]", digit="[0-9]", other=r"[^\sa-z0-9]"), re.IGNORECASE
)
_END = "</w>"
_MOST_MERGES = 49152 - 256 - 2  # what open_clip reads of a longer file


class ClipTokenizer:
    """Turns texts into the tokens of a CLIP: words, then pairs merged by rank."""

    def __init__(self, merges: Path, cleaning: Cleaning) -> None:
        """Read the merges, one "first second" a line below a heading, maybe gzipped."""
        written = merges.read_bytes()
        if merges.suffix == ".gz":
            written = gzip.decompress(written)
        lines = written.decode("utf-8").split("\n")
        ranks = lines[1 : _MOST_MERGES + 1]
        # Tokens are numbered: bytes, bytes that end a word, merges by rank, marks.
        self._ranks = dict(zip(ranks, range(len(ranks)), strict=True))
        self._letters = _byte_letters()
        self._numbers = {letter: number for number, letter in enumerate(self._letters.values())}
        self._first_merge = 2 * len(self._letters)
        self.begin = self._first_merge + len(ranks)
        self.end = self.begin + 1
        self._cleaning = cleaning
        self._known: dict[str, list[int]] = {
            mark: [self.begin + number] for number, mark in enumerate(_MARKS)
        }

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text, without marks around it."""
        cleaned = clean(text, self._cleaning)
        pattern: Any = _ASCII if cleaned.isascii() else _any_script()
        found: list[int] = []
        for word in pattern.findall(cleaned):
            if word not in self._known:
                self._known[word] = self._of_word(word)
            found += self._known[word]
        return found

    def _of_word(self, word: str) -> list[int]:
        parts = [self._letters[byte] for byte in word.encode("utf-8")]
        parts[-1] += _END
        while len(parts) > 1:
            pairs = [f"{one} {other}" for one, other in zip(parts, parts[1:], strict=False)]
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            parts = _merged(parts, best)
        return [self._number(part) for part in parts]

    def _number(self, part: str) -> int:
        alone = part.removesuffix(_END)
        if len(alone) == 1:
            return self._numbers[alone] + (len(self._letters) if part != alone else 0)
        # Several merges may lead to one part, and the last of them gave it its number.
        pairs = (f"{part[:cut]} {part[cut:]}" for cut in range(1, len(part)))
        return self._first_merge + max(self._ranks.get(pair, -1) for pair in pairs)


def _merged(parts: list[str], pair: str) -> list[str]:
    first, second = pair.split(" ")
    joined: list[str] = []
    for part in parts:
        # A part that was just merged is longer than `first`, so it is not merged twice.
        if joined and part == second and joined[-1] == first:
            joined[-1] = first + second
        else:
            joined.append(part)
    return joined


@cache
def _byte_letters() -> dict[int, str]:
    """Return a printable letter for each byte, in the order in which tokens are numbered."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in printable}
    others = [byte for byte in range(256) if byte not in letters]
    return letters | {byte: chr(256 + place) for place, byte in enumerate(others)}


@cache
def _any_script() -> Any:
    import regex

    words = _WORDS.format(letters=r"[\p{L}]", digit=r"[\p{N}]", other=r"[^\s\p{L}\p{N}]")
    return regex.compile(words, regex.IGNORECASE)
