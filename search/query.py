"""A query as data: weighted terms, filters, how many hits, and what they must pass."""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from storage.errors import InvalidArgument
from storage.fields import check_fields
from storage.filters import Filters

TermKind = Literal["text", "image", "item"]
SearchKind = Literal["image", "text", "all"]
DEFAULT_K = 10
DEFAULT_DEPTH = 50  # images that are reranked
HEAVIEST = 1000.0  # beside which no other term counts
_WEIGHT = re.compile(r"^(\d+(?:\.\d+)?|\.\d+):(.*)$", re.DOTALL)
_WIDEST_LIFT = 2.0  # the difference of two cosines


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
            raise InvalidArgument(
                f"the term {self.value!r} has no words: write what to look for",
                parameter="terms",
                value=self.value,
            )
        if not 0 < abs(self.weight) <= HEAVIEST:
            raise InvalidArgument(
                f"the term {self.value[:40]!r} has a weight of {self.weight:g}: give one above 0, "
                f"up to {HEAVIEST:g}",
                parameter="terms",
                value=self.value,
            )

    @classmethod
    def parse(cls, kind: TermKind, written: str, sign: int = 1) -> "Term":
        """Read `2:red kite` as weight 2; a leading number and colon are always a weight.

        Words that begin that way are written with a weight of their own: `1:10:30 train`.
        """
        match = _WEIGHT.match(written) if kind == "text" else None
        weight, value = (float(match[1]), match[2]) if match else (1.0, written)
        return cls(kind, value, sign * weight)


@dataclass(frozen=True, slots=True)
class Rerank:
    """How far down the first stage's pictures are read again."""

    depth: int = DEFAULT_DEPTH

    def __post_init__(self) -> None:
        check_fields(self)
        if self.depth < 1:
            raise InvalidArgument(
                f"{{depth}} is {self.depth}: read at least 1 picture again",
                parameter="depth",
                value=self.depth,
            )


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: terms, filters, the number of hits, and of which kind.

    `kind` None asks for pictures, or for texts where the library holds no pictures. `rerank`
    has the best pictures read a second time; `min_match` (0 to 1) has that done too, and drops
    what was not read or is less likely to match. `min_lift` drops hits by the corrected
    first-stage score, which only words have. `describe` wants a caption with every picture;
    `words` lets captions that hold the query's words find pictures beside their vectors.
    """

    terms: tuple[Term, ...]
    filters: Filters = field(default_factory=Filters)
    k: int = DEFAULT_K
    kind: SearchKind | None = None
    rerank: Rerank | None = None
    min_match: float | None = None
    min_lift: float | None = None
    describe: bool = False
    words: bool = True

    def __post_init__(self) -> None:
        check_fields(self)
        if self.k < 1:
            raise InvalidArgument(
                f"{{k}} is {self.k}: ask for at least 1 hit", parameter="k", value=self.k
            )
        if not any(term.weight > 0 for term in self.terms):
            raise InvalidArgument(
                "the query is empty: give words, {image} or {item} to look for",
                parameter="terms",
                others=("image", "item"),
            )
        self._check_verdict()

    def _check_verdict(self) -> None:
        if self.min_match is not None and not 0 <= self.min_match <= 1:
            raise InvalidArgument(
                f"{{min_match}} is {self.min_match:g}: give a probability from 0 to 1",
                parameter="min_match",
                value=self.min_match,
            )
        if self.min_lift is not None and not abs(self.min_lift) <= _WIDEST_LIFT:
            raise InvalidArgument(
                f"{{min_lift}} is {self.min_lift:g}: give a difference of cosines, such as 0.02",
                parameter="min_lift",
                value=self.min_lift,
            )
        if self.min_lift is not None and any(term.kind != "text" for term in self.terms):
            raise InvalidArgument(
                "{min_lift} compares words with neutral words: leave pictures and items out of "
                "the query",
                parameter="min_lift",
                value=self.min_lift,
            )
        if self.reading is None:
            return
        if not any(term.weight > 0 for term in self.texts):
            raise InvalidArgument(
                "a query without words cannot be reranked: the second reader compares pictures "
                "with words, so add some or leave {rerank} and {min_match} out",
                parameter="rerank",
                others=("min_match",),
            )
        if self.kind == "text":
            raise InvalidArgument(
                "only pictures are reranked: leave {kind} text or {rerank} out",
                parameter="kind",
                value=self.kind,
                others=("rerank",),
            )

    @property
    def texts(self) -> tuple[Term, ...]:
        """The terms that are words, plus and minus."""
        return tuple(term for term in self.terms if term.kind == "text")

    @property
    def reading(self) -> Rerank | None:
        """The second reading that is wanted; `min_match` alone wants one too."""
        if self.rerank is None and self.min_match is not None:
            return Rerank()
        return self.rerank


def _says_something(kind: TermKind, value: str) -> bool:
    """Return whether there is something to look for; signs alone are no words."""
    if kind != "text":
        return bool(value.strip())
    return any(unicodedata.category(character)[0] not in "PZC" for character in value)
