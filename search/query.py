"""A query as data: weighted terms, filters, number of hits, and cut-offs."""

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
HEAVIEST = 1000.0  # next to such a weight no other term matters
_WEIGHT = re.compile(r"^(\d+(?:\.\d+)?|\.\d+):(.*)$", re.DOTALL)
_WIDEST_LIFT = 2.0  # the difference of two cosines


def plain(words: str) -> str:
    """Return words as valid UTF-8 for tokenizers: undecodable bytes become question marks."""
    return words.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a query: near to it (weight above 0) or far from it (weight below 0).

    Raises InvalidArgument for words without a letter, number or pictogram, an empty path or item,
    and a weight of 0 or above `HEAVIEST`.
    """

    kind: TermKind
    value: str  # words, the path of an image, or an item's hash (a unique prefix is enough)
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.kind == "text":  # a path keeps its bytes
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
        """Parse a term such as `2:red kite`; a leading number and colon are always a weight.

        Words that begin like that need a weight of their own: `1:10:30 train`.
        """
        match = _WEIGHT.match(written) if kind == "text" else None
        weight, value = (float(match[1]), match[2]) if match else (1.0, written)
        return cls(kind, value, sign * weight)


@dataclass(frozen=True, slots=True)
class Rerank:
    """Reranking of the first stage's images, down to a depth."""

    depth: int = DEFAULT_DEPTH

    def __post_init__(self) -> None:
        check_fields(self)
        if self.depth < 1:
            raise InvalidArgument(
                f"{{depth}} is {self.depth}: read at least 1 image again",
                parameter="depth",
                value=self.depth,
            )


@dataclass(frozen=True, slots=True)
class Query:
    """A query: terms, filters, the number and kind of hits, and cut-offs.

    `kind` None means images, or texts if the library has no images. `rerank` has the best
    images reranked; `min_match` (0 to 1) implies it, and drops hits that were not reranked or
    have a lower probability. `min_lift` drops hits by the normalised first-stage score, which
    only words have. `describe` adds a caption to every image; `words` also finds images by
    captions that contain the query's words.
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
                "{min_lift} compares words with neutral words: leave images and items out of "
                "the query",
                parameter="min_lift",
                value=self.min_lift,
            )
        if self.effective_rerank is None:
            return
        if not any(term.weight > 0 for term in self.texts):
            raise InvalidArgument(
                "a query without words cannot be reranked: the second reader compares images "
                "with words, so add some or leave {rerank} and {min_match} out",
                parameter="rerank",
                others=("min_match",),
            )
        if self.kind == "text":
            raise InvalidArgument(
                "only images are reranked: leave {kind} text or {rerank} out",
                parameter="kind",
                value=self.kind,
                others=("rerank",),
            )

    @property
    def texts(self) -> tuple[Term, ...]:
        """Return the terms that are words, plus and minus."""
        return tuple(term for term in self.terms if term.kind == "text")

    @property
    def effective_rerank(self) -> Rerank | None:
        """Return the reranking to do, or None; `min_match` implies one."""
        if self.rerank is None and self.min_match is not None:
            return Rerank()
        return self.rerank

    @property
    def reading(self) -> Rerank | None:
        """Return `effective_rerank`, under its name in earlier versions."""
        return self.effective_rerank


def _says_something(kind: TermKind, value: str) -> bool:
    """Return whether a term has content; punctuation alone is none."""
    if kind != "text":
        return bool(value.strip())
    return any(unicodedata.category(character)[0] not in "PZC" for character in value)
