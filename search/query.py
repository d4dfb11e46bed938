"""A query as data: weighted terms, filters, how many hits, and what they must pass."""

from dataclasses import dataclass, field
from typing import Literal

from search.rerank import Rerank
from search.term import Term
from storage.errors import InvalidArgument
from storage.fields import check_fields
from storage.filters import Filters

SearchKind = Literal["image", "text", "all"]
DEFAULT_K = 10
_WIDEST_LIFT = 2.0  # the difference of two cosines


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
            raise InvalidArgument(f"k is {self.k}: ask for at least 1 hit")
        if not any(term.weight > 0 for term in self.terms):
            raise InvalidArgument(
                "the query is empty: give words, --image FILE or --like ITEM to look for"
            )
        self._check_verdict()

    def _check_verdict(self) -> None:
        if self.min_match is not None and not 0 <= self.min_match <= 1:
            raise InvalidArgument(
                f"--min-match is {self.min_match:g}: give a probability from 0 to 1"
            )
        if self.min_lift is not None and not abs(self.min_lift) <= _WIDEST_LIFT:
            raise InvalidArgument(
                f"--min-lift is {self.min_lift:g}: give a difference of cosines, such as 0.02"
            )
        if self.min_lift is not None and any(term.kind != "text" for term in self.terms):
            raise InvalidArgument(
                "--min-lift compares words with neutral words: leave pictures and items out of "
                "the query"
            )
        if self.reading is None:
            return
        if not any(term.weight > 0 for term in self.texts):
            raise InvalidArgument(
                "a query without words cannot be reranked: the second reader compares pictures "
                "with words, so add some or leave --rerank and --min-match out"
            )
        if self.kind == "text":
            raise InvalidArgument("only pictures are reranked: leave --kind text or --rerank out")

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
