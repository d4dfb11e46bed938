"""The report of duplicates: a page that shows every group and writes the plan anew.

The page holds its style, its program and all groups as JSON, and asks no network for anything;
images stand inside it as long as they are few, and in a folder beside it from there on.
"""

import json
import math
import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from itertools import groupby
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol, TextIO

from PIL import Image, UnidentifiedImageError

from cli.pages.evidence_text import in_words
from search.dedup import extras

PAGE = "report.html"
IMAGE_FOLDER = "report-pictures"

_MOST_INSIDE = 1_000  # images: some 14 MB, a file that can still be sent to somebody
_SIDE = 320  # pixels: a card is 170 high, on screens that have two pixels for one
_QUALITY = 70
_PIECE = 2_000_000  # characters of JSON in one element, so that the browser can draw in between

_HERE = Path(__file__).parent
_ITEM = re.compile(r"[0-9a-f]{64}")
# "<" ends an element and begins a comment, "&" an entity; JSON knows them by number as well.
_INERT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class Row(Protocol):
    """One file of a group, as a plan has it."""

    @property
    def group(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def item(self) -> str: ...
    @property
    def keeper(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def evidence(self) -> Mapping[str, object]: ...
    @property
    def bytes(self) -> int: ...
    @property
    def companions(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class ItemLook:
    """The facts that the page shows of a content beside those of the plan; any may be unknown."""

    thumbnail: bytes | None = None  # WebP, any size
    width: int | None = None  # upright pixels
    height: int | None = None
    format: str | None = None
    taken_at: str | None = None  # ISO 8601
    camera: str | None = None
    # Keywords, rating, description, place: the page tells what the keeper lacks of them.
    metadata: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


Look = Callable[[str, str], ItemLook]  # asked once for each row, by content and path


def write_page(rows: Iterable[Row], look: Look, folder: Path) -> Path:
    """Write the report of a plan into a folder and return the page's path.

    Takes the rows group by group, the first of a group first; holds one group at a time. The old
    report stays until the new one is whole. Raises OSError where the folder takes no file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, draft = folder / PAGE, folder / f".sightline-{token_hex(8)}"
    images = _Images(folder / IMAGE_FOLDER)
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as stream:
            before, after = _frame()
            stream.write(before)
            _write_groups(stream, rows, look, images)
            stream.write(after)
        draft.replace(page)
    finally:
        draft.unlink(missing_ok=True)
    images.sweep()
    return page


def _frame() -> tuple[str, str]:
    """Return the page before the groups and behind them, with a policy that runs nothing else."""
    style = _part(".css")
    script = (_HERE / "dedup_choices.js").read_text(encoding="utf-8")
    script = f"\n{script}\n{_part('.js')}"
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digest(script)}",
            f"style-src {_digest(style)}",
            "img-src 'self' data: file:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    before, after = _part(".html").split("{{groups}}")
    before = before.replace("{{policy}}", policy).replace("{{style}}", style)
    return before, after.replace("{{script}}", script)


def _part(suffix: str) -> str:
    return (_HERE / f"dedup_report{suffix}").read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _write_groups(stream: TextIO, rows: Iterable[Row], look: Look, images: "_Images") -> None:
    seen = sha256()
    written = 0
    stream.write(_OPEN)
    for _, members in groupby(rows, key=lambda row: row.group):
        for line in _lines(list(members), look, images):
            stream.write(line)
            seen.update(line.encode())
            written += len(line)
        if written > _PIECE:
            stream.write(f"{_CLOSE}{_OPEN}")
            written = 0
    # By this the page finds the choices again that were made in it, and in no other plan's page.
    stream.write(_line({"id": seen.hexdigest()}))
    stream.write(_CLOSE)


_OPEN = '<script type="application/json">\n'
_CLOSE = "</script>\n"


def _lines(rows: list[Row], look: Look, images: "_Images") -> Iterator[str]:
    places: dict[str, str | None] = {}
    files = []
    for row in rows:
        known = look(row.item, row.path)
        if row.item not in places:
            places[row.item], inside = images.put(row.item, known.thumbnail)
            if inside:
                yield _line({"item": row.item, "look": inside})
        files.append(_file(row) | _facts(known) | {"look": places[row.item]})
    paths = [row.path for row in rows]
    first = paths.index(rows[0].keeper) if rows[0].keeper in paths else 0
    yield _line({"group": rows[0].group, "first": first, "files": files})


def _line(row: Mapping[str, object]) -> str:
    return json.dumps(row, separators=(",", ":")).translate(_INERT) + "\n"


def _file(row: Row) -> dict[str, Any]:
    return {
        "path": row.path,
        "item": row.item,
        "kind": row.kind,
        "action": row.action,
        "rule": row.rule,
        "evidence": {key: _finite(value) for key, value in row.evidence.items()},
        "words": in_words(row.kind, row.evidence),
        "extras": extras.in_words(row.evidence.get("extras")),
        "companions": list(row.companions),
        "bytes": row.bytes,
        "uri": _uri(row.path),
        "changed": _changed(row.path),
    }


def _facts(known: ItemLook) -> dict[str, Any]:
    return {
        "width": known.width,
        "height": known.height,
        "format": known.format,
        "taken": (known.taken_at or "").replace("T", " "),
        "camera": known.camera,
        "metadata": dict(known.metadata),
    }


def _finite(value: object) -> object:
    """JSON has no word for an infinite number, and a browser refuses the one Python writes."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _uri(path: str) -> str | None:
    with suppress(ValueError):  # no absolute path, or one that no file system has
        return Path(path).as_uri()
    return None


def _changed(path: str) -> str:
    """Return when a file was last written, in local time; empty where it cannot be asked."""
    with suppress(OSError, ValueError, OverflowError):
        stamp = datetime.fromtimestamp(os.stat(path).st_mtime)
        return stamp.isoformat(" ", "minutes")
    return ""


class _Images:
    """The images of a report: the first ones inside the page, the rest beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._room = _MOST_INSIDE
        self._inside: set[str] = set()
        self._beside: set[bytes] = set()

    def put(self, item: str, thumbnail: bytes | None) -> tuple[str | None, str | None]:
        """Return where an image is, and it as base64 where it comes into the page just now."""
        if item in self._inside:
            return "inside", None
        if not thumbnail or not _ITEM.fullmatch(item):
            return None, None
        if self._room > 0 and (small := _smaller(thumbnail)):
            self._room -= 1
            self._inside.add(item)
            return "inside", b64encode(small).decode()
        self._write(item, thumbnail)  # as it is: to make thousands smaller takes minutes
        return f"{IMAGE_FOLDER}/{item[:2]}/{item}.webp", None

    def sweep(self) -> None:
        """Remove the images of an older report, and nothing that is not one of them."""
        for path in self._folder.glob("??/*.webp"):
            if _ITEM.fullmatch(path.stem) and bytes.fromhex(path.stem) not in self._beside:
                path.unlink(missing_ok=True)

    def _write(self, item: str, thumbnail: bytes) -> None:
        digest = bytes.fromhex(item)
        if digest in self._beside:
            return
        path = self._folder / item[:2] / f"{item}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(thumbnail)
        self._beside.add(digest)


def _smaller(thumbnail: bytes) -> bytes | None:
    encoded = BytesIO()
    try:
        with Image.open(BytesIO(thumbnail), formats=["WEBP"]) as opened:
            image = opened.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    image.save(encoded, "WEBP", quality=_QUALITY, method=0)
    return encoded.getvalue()
