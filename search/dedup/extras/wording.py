"""The extras of a file in words, and as the rows of a plan."""

from collections.abc import Iterable, Mapping
from typing import get_args

from search.dedup.extras.contents import Extra, ExtraKind

_ONE = {
    "video": "a video",
    "audio": "a sound recording",
    "image": "a further image",
    "frame": "further frames",
    "page": "a further page",
    "depth map": "a depth map",
    "gain map": "a gain map",
    "matte": "a matte",
    "layers": "layers",
    "raw image": "a raw image",
    "bit depth": "more than 8 bits per channel",
    "transparency": "transparency",
    "channels": "further channels",
    "georeference": "a georeference",
    "text": "text",
    "data": "other data",
    "unknown": "something not understood",
}
_SEVERAL = {
    "video": "videos",
    "audio": "sound recordings",
    "image": "further images",
    "frame": "further frames",
    "page": "further pages",
    "depth map": "depth maps",
    "gain map": "gain maps",
    "matte": "mattes",
    "raw image": "raw images",
    "bit depth": "bits per channel",
}


def as_rows(extras: Iterable[Extra]) -> list[dict[str, object]]:
    """Return one row for each kind: `kind`, `count` and `bytes`, None and 0 where unknown."""
    rows = []
    held = list(extras)
    for kind in get_args(ExtraKind):
        same = [each for each in held if each.kind == kind]
        if same:
            counts = [each.count for each in same]
            count = None if None in counts else sum(filter(None, counts))
            rows.append({"kind": kind, "count": count, "bytes": sum(one.bytes for one in same)})
    return rows


def in_words(rows: object) -> str:
    """Return rows in words for a user; a plan that was edited by hand may contain any rows."""
    said = [_row(row) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))


def _row(row: Mapping[str, object]) -> str:
    kind, count, size = str(row.get("kind")), row.get("count"), row.get("bytes")
    words = _ONE.get(kind, kind)
    if isinstance(count, int) and (count > 1 or kind == "frame") and kind in _SEVERAL:
        words = f"{count:,} {_SEVERAL[kind]}"
        words = words.replace("frames", "frame") if count == 1 else words
    return f"{words} of {_amount(size)}" if isinstance(size, int) and size else words


def _amount(size: float) -> str:
    if size < 1000:
        return f"{size:.0f} bytes"
    for unit in ("KB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"
