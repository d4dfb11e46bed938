"""Truncation: what a model does not read of a text that is longer than its context."""

from bisect import bisect_right
from collections.abc import Iterable

from indexer.models.protocols import TextReader

_SHOWN = 40  # characters of a text by which a person knows it again


def truncation(model: TextReader, name: str, text: str) -> str | None:
    """Return a sentence about how much of a text the model reads; None where it is all.

    Counted in the model's own tokens, without the marks it puts around them, and in words where
    there are blanks between them.
    """
    count = model.count_tokens(text) if model.context is not None else 0
    if model.context is None or count <= model.context:
        return None
    marks = model.count_tokens("")
    tokens = f"{model.context - marks:,} of {count - marks:,} tokens"
    words = text.split()
    whole = range(len(words) + 1)
    read = bisect_right(
        whole, model.context, key=lambda end: model.count_tokens(" ".join(words[:end]))
    )
    said = f"{read - 1:,} of {len(words):,} words ({tokens})" if read > 1 else tokens
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{short!r} is too long for the model {name}, which reads the first {said} of it"


def truncations(model: TextReader, name: str, texts: Iterable[str]) -> list[str]:
    """Return a sentence about each text that the model reads in part."""
    told = (truncation(model, name, text) for text in texts)
    return [sentence for sentence in told if sentence is not None]
