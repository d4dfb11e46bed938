"""A hit as something to look at: its thumbnail, or the first words of its passage."""

from dataclasses import dataclass

from cli.output.hit_table import snippet
from cli.output.render import printable
from search import Hit
from search.hits import first_path
from sightline import Sightline

_WORDS = 240


@dataclass(frozen=True, slots=True)
class Tile:
    """One hit of a contact sheet."""

    rank: int
    score: float
    path: str | None  # as the catalogue has it, not for printing
    taken: str
    thumbnail: bytes | None  # WebP
    text: str | None
    match: float | None = None  # 0 to 1, where a pair scorer ran
    caption: str | None = None
    lift: float | None = None  # where a cut-off by it was asked for

    @classmethod
    def of(cls, hit: Hit, app: Sightline) -> "Tile":
        """Gather what a sheet shows of a hit."""
        item = hit.item
        return cls(
            rank=hit.rank,
            score=hit.score,
            path=first_path(item),
            taken=(item.taken_at or "")[:10],
            thumbnail=app.thumbnail(item) if item.kind == "image" else None,
            text=snippet(item.text or "", _WORDS) if item.kind == "text" else None,
            match=hit.match,
            caption=hit.caption,
            lift=hit.lift,
        )

    @property
    def figure(self) -> str:
        """Return how well it fits: the match where there is one, else the cosine; and the lift."""
        said = f"{self.score:.3f}" if self.match is None else f"match {self.match:.3f}"
        return said if self.lift is None else f"{said}, lift {self.lift:.3f}"

    @property
    def name(self) -> str:
        """Return the file's own name, safe to show."""
        return printable((self.path or "").rpartition("/")[2])
