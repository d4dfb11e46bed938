"""Truncation: notices about texts that are longer than a model's context."""

from bisect import bisect_right
from collections.abc import Iterable

from indexer.models.protocols import TextReader

_SHOWN = 40  # characters of a text shown in a notice


def truncation(model: TextReader, name: str, text: str) -> str | None:
    """Return a notice about how much of a text the model reads; None if it reads all.

    The amount is given in the model's tokens, without start and end tokens, and in words if the
    text has blanks.
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
    """Return a notice about each text that the model truncates."""
    told = (truncation(model, name, text) for text in texts)
    return [sentence for sentence in told if sentence is not None]
