"""A term: one thing that a query is near to or far from."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from storage.errors import InvalidArgument
from storage.fields import check_fields

TermKind = Literal["text", "image", "item"]
HEAVIEST = 1000.0  # beside which no other term counts
_WEIGHT = re.compile(r"^(\d+(?:\.\d+)?|\.\d+):(.*)$", re.DOTALL)


def plain(words: str) -> str:
    """Return words that a tokenizer takes: bytes that were no UTF-8 become question marks."""
    return words.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to be near to (weight above 0) or far from (weight below 0).

    Raises InvalidArgument for words without a letter, number or pictogram, a path or an item
    without a name, and a weight of 0 or beyond `HEAVIEST`.
    """

    kind: TermKind
    value: str  # words, the path of a picture, or an item's hash (a unique beginning will do)
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.kind == "text":  # a path keeps the bytes that it has
            object.__setattr__(self, "value", plain(self.value))
        if not _says_something(self.kind, self.value):
            raise InvalidArgument(f"the term {self.value!r} has no words: write what to look for")
        if not 0 < abs(self.weight) <= HEAVIEST:
            raise InvalidArgument(
                f"the term {self.value[:40]!r} has a weight of {self.weight:g}: give one above 0, "
                f"up to {HEAVIEST:g}"
            )

    @classmethod
    def parse(cls, kind: TermKind, written: str, sign: int = 1) -> "Term":
        """Read `2:red kite` as weight 2; a leading number and colon are always a weight.

        Words that begin that way are written with a weight of their own: `1:10:30 train`.
        """
        match = _WEIGHT.match(written) if kind == "text" else None
        weight, value = (float(match[1]), match[2]) if match else (1.0, written)
        return cls(kind, value, sign * weight)


def _says_something(kind: TermKind, value: str) -> bool:
    """Return whether there is something to look for; signs alone are no words."""
    if kind != "text":
        return bool(value.strip())
    return any(unicodedata.category(character)[0] not in "PZC" for character in value)
