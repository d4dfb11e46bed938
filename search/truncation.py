"""Truncation: notices about texts that are longer than a model's context."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple, Self

from indexer.models.protocols import TextReader

_SHOWN = 40  # characters of a text shown in a notice


class Truncation(NamedTuple):
    """The part of a text that a model reads, in its tokens without marks, and in words.

    `words_read` is 0 where the text has no blanks by which to count.
    """

    tokens_read: int
    tokens: int
    words_read: int

    @classmethod
    def of(cls, model: TextReader, text: str) -> Self | None:
        """Return how much of a text the model reads; None if it reads all."""
        count = model.count_tokens(text) if model.context is not None else 0
        if model.context is None or count <= model.context:
            return None
        marks = model.count_tokens("")
        words = text.split()
        whole = range(len(words) + 1)
        read = bisect_right(
            whole, model.context, key=lambda end: model.count_tokens(" ".join(words[:end]))
        )
        return cls(model.context - marks, count - marks, max(0, read - 1))

    def notice(self, name: str, text: str) -> str:
        """Return a sentence about what the model of that name reads of the text."""
        tokens = f"{self.tokens_read:,} of {self.tokens:,} tokens"
        words = f"{self.words_read:,} of {len(text.split()):,} words ({tokens})"
        said = words if self.words_read else tokens
        short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        return f"{short!r} is too long for the model {name}, which reads the first {said} of it"


def truncations(model: TextReader, name: str, texts: Iterable[str]) -> list[str]:
    """Return a notice about each text that the model truncates."""
    read = ((Truncation.of(model, text), text) for text in texts)
    return [truncated.notice(name, text) for truncated, text in read if truncated is not None]
