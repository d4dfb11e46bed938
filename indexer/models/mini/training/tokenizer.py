"""CLIP's byte-level BPE with merges learned from our own words, one token for each of them."""

import gzip
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from open_clip.tokenizer import SimpleTokenizer  # type: ignore[import-untyped]

from indexer.models.mini.scenes.phrases import vocabulary

BPE_NAME = "bpe.txt.gz"
CONTEXT_LENGTH = 32
_HEADER = "#version: sightline mini"
_BASE_TOKENS = 2 * 256
_SPECIAL_TOKENS = 2

Merge = tuple[str, str]


def merges(words: Iterable[str]) -> list[Merge]:
    """Learn byte-pair merges, in order, until every word is a single token."""
    # Ties are broken by the pair itself, so the same words always give the same file.
    spellings = {word: (*word[:-1], f"{word[-1]}</w>") for word in words if word.isalpha()}
    learned: list[Merge] = []
    while True:
        pairs = Counter(pair for s in spellings.values() for pair in zip(s, s[1:], strict=False))
        if not pairs:
            return learned
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        learned.append(best)
        spellings = {word: _merged(spelling, best) for word, spelling in spellings.items()}


def bpe_file() -> bytes:
    """Build the gzip file that open_clip's tokenizer reads, the same bytes every time."""
    lines = [_HEADER, *(" ".join(merge) for merge in _our_merges())]
    return gzip.compress("\n".join(lines).encode(), mtime=0)


def vocabulary_size() -> int:
    """Count the tokens: bytes, bytes that end a word, merges, start and end of text."""
    return _BASE_TOKENS + len(_our_merges()) + _SPECIAL_TOKENS


def load_tokenizer(directory: Path) -> SimpleTokenizer:
    """Read the tokenizer that lies beside a mini model's weights."""
    return SimpleTokenizer(str(directory / BPE_NAME), context_length=CONTEXT_LENGTH)


class Spelling:
    """Turns the word numbers of a pool into what a mini CLIP reads."""

    def __init__(self, tokenizer: SimpleTokenizer, words: Iterable[str]) -> None:
        ids = [0, *(tokenizer.encode(word)[0] for word in words)]
        self._ids = np.array(ids, np.int64)  # (words + 1,) int64, word number to token
        self._start, self._end = tokenizer.sot_token_id, tokenizer.eot_token_id

    def tokens(self, said: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Put word numbers, (n, 30), between start and end: (n, 32) int64."""
        tokens = np.zeros((len(said), CONTEXT_LENGTH), np.int64)
        tokens[:, 0] = self._start
        tokens[:, 1:-1] = self._ids[said]
        tokens[np.arange(len(said)), 1 + (said > 0).sum(1)] = self._end
        return tokens


@cache
def _our_merges() -> tuple[Merge, ...]:
    return tuple(merges(vocabulary()))


def _merged(spelling: tuple[str, ...], pair: Merge) -> tuple[str, ...]:
    out: list[str] = []
    for piece in spelling:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return tuple(out)
