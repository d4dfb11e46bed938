"""Hits as a table for a person: rank, score, date, size or words, item, whole path."""

from collections.abc import Sequence

from cli.render import write_table
from cli.rows import first_path
from search import Hit
from storage import Item

HEADS = ("", "score", "taken", "what", "item", "path")
_SNIPPET = 60


def write_hits(hits: Sequence[Hit]) -> None:
    """Print hits, the path last and uncut, so that it can be copied whole."""
    write_table([_cells(hit) for hit in hits], HEADS)


def snippet(item: Item, length: int) -> str:
    """Give the first words of a passage on one line."""
    words = " ".join((item.text or "").split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def _cells(hit: Hit) -> tuple[str, ...]:
    item = hit.item
    size = f"{item.width}×{item.height}" if item.width else snippet(item, _SNIPPET)
    gone = "" if item.paths else " (missing)"
    return (
        str(hit.rank),
        f"{hit.score:.3f}",
        (item.capture.taken_at or "")[:10],
        size,
        item.hash[:10],
        f"{first_path(item)}{gone}",
    )
