"""Hits as a table for a person: rank, score, date, size or words, item, whole path."""

from collections.abc import Sequence

from cli.output.render import write_table
from search import Hit
from search.hits import first_path
from storage import Item

_SNIPPET = 60
_ALWAYS = ("", "score", "taken", "what", "item", "path")


def write_hits(hits: Sequence[Hit]) -> None:
    """Print hits, the path last and uncut, so that it can be copied whole.

    A caption stands in the place of the size; what no hit has gets no column.
    """
    columns = [
        ("", [str(hit.rank) for hit in hits]),
        ("match", [_figure(hit.match) for hit in hits]),
        ("likelihood", [_figure(hit.likelihood) for hit in hits]),
        ("score", [_figure(hit.score) for hit in hits]),
        ("lift", [_figure(hit.lift) for hit in hits]),
        ("taken", [(hit.item.taken_at or "")[:10] for hit in hits]),
        ("what", [_what(hit) for hit in hits]),
        ("why", [", ".join(hit.why) if "words" in hit.why else "" for hit in hits]),
        ("item", [hit.item.hash[:10] for hit in hits]),
        ("path", [_place(hit.item) for hit in hits]),
    ]
    kept = [(head, cells) for head, cells in columns if head in _ALWAYS or any(cells)]
    write_table(list(zip(*(cells for _, cells in kept), strict=True)), [head for head, _ in kept])


def snippet(words: str, length: int) -> str:
    """Return the first words of a text on one line."""
    words = " ".join(words.split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def _what(hit: Hit) -> str:
    item = hit.item
    if item.text or hit.caption:
        return snippet(item.text or hit.caption or "", _SNIPPET)
    return f"{item.width}×{item.height}" if item.width else ""


def _place(item: Item) -> str:
    copies = len(item.paths) - 1
    more = f" (+{copies} {'copy' if copies == 1 else 'copies'})" if copies > 0 else ""
    return f"{first_path(item)}{more}{'' if item.paths else ' (missing)'}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
