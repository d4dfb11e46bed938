"""A JPEG whose pixels are whole although its segments or its end mark are not (ITU-T T.81 annex B).

Whether every pixel is there cannot be told from the size. It is tried: where the last scan is
whole, a decoder never looks at what follows it, so other bytes there change no pixel.
"""

import re
import struct
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

_END = b"\xff\xd9"
_SCAN, _COMMENT = 0xDA, 0xFE
# Bytes below which an application segment is cut; None where its parts may be, too.
_LEAST = {b"JFIF": 14, b"ICC_PROFILE\0": 15, b"Adobe": 12, b"Photoshop 3.0\0": None}
_APPLICATIONS = range(0xE0, 0xF0)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
# What may stand between two scans: tables, lines, comments, and the next scan.
_BETWEEN = frozenset((0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, _COMMENT)) | frozenset(_APPLICATIONS)
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in a scan: neither data nor a restart
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_NOISE = b"\xaa\x5c" * 512  # taken for pixels where some are missing
_STRIP = 64  # rows


class Segment(NamedTuple):
    """A marker segment: its marker and where it and its content begin and end."""

    marker: int
    start: int
    content: int
    end: int


def repaired(data: bytes, pixels: int) -> bytes | None:
    """Return a JPEG without damaged application segments, and with an end mark if it lacks one.

    None where its pixels are not all there, where it has more than `pixels` of them, or where
    there is nothing to mend.
    """
    segments = list(_segments(data))
    if not any(segment.marker == _SCAN for segment in segments):
        return None
    sound = _without_damaged(data, segments)
    last = max(segment.end for segment in _segments(sound))
    if sound.find(_END, last) >= 0:
        return sound if sound != data else None
    return _ended(sound, pixels)


def _segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments up to the end of the file or the first that makes no sense."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        at, marker = found.start(), data[found.end() - 1]
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _END[1] or size < 2 or at + 2 + size > len(data):
            return
        yield Segment(marker, at, at + 4, at + 2 + size)
        at += 2 + size


def _without_damaged(data: bytes, segments: list[Segment]) -> bytes:
    kept, at = [], 0
    for segment in segments:
        if segment.marker == _SCAN:
            break
        if _is_damaged(segment, data[segment.content : segment.end]):
            kept.append(data[at : segment.start])
            at = segment.end
    return b"".join((*kept, data[at:])) if kept else data


def _is_damaged(segment: Segment, content: bytes) -> bool:
    """Return whether a segment that no pixel needs is shorter than its declared length."""
    if segment.marker not in _APPLICATIONS:
        return False
    return any(
        content.startswith(name) and (least is None or len(content) < least)
        for name, least in _LEAST.items()
    )


def _ended(data: bytes, pixels: int) -> bytes | None:
    """Return the file with an end mark, or None where pixels are missing before it."""
    data = data.rstrip(b"\xff")  # half an end mark, or what fills up to one
    return data + _END if _is_whole(data, pixels) else None


def _is_whole(data: bytes, pixels: int) -> bool:
    """Return whether no byte put behind a file that lacks its end mark changes its pixels."""
    segments = list(_segments(data))
    if not _has_every_scan(data, segments, pixels):
        return False
    count = len(_RESTART.findall(data, max(segment.end for segment in segments)))
    restarts = (b"\xff" + bytes((0xD0 + (count + more) % 8,)) for more in range(3))
    noise = _NOISE + b"".join(restart + _NOISE for restart in restarts)
    return _digest(data + _END) == _digest(data + noise + _END)


def _has_every_scan(data: bytes, segments: list[Segment], pixels: int) -> bool:
    """Return whether scans of every component and of every coefficient's last bit were begun."""
    missing: set[tuple[int, int]] = set()  # of component and coefficient
    is_progressive, seen_scan = False, False
    for segment in segments:
        content = data[segment.content : segment.end]
        if segment.marker in _FRAMES and not seen_scan:
            _, height, width, count = struct.unpack_from(">BHHB", content.ljust(6, b"\0"))
            if width * height > pixels or len(content) < 6 + 3 * count:
                return False
            is_progressive = segment.marker in _PROGRESSIVE
            missing = {(content[6 + 3 * at], k) for at in range(count) for k in range(64)}
        elif segment.marker == _SCAN:
            seen_scan = True
            missing -= set(_completed(content, is_progressive))
        elif seen_scan and segment.marker not in _BETWEEN:
            return False
    return seen_scan and not missing


def _completed(scan: bytes, is_progressive: bool) -> Iterator[tuple[int, int]]:
    """Yield the component and coefficient pairs of which a scan brings the last bit."""
    count = scan[0] if scan else 0
    if len(scan) < 4 + 2 * count:
        return
    first, last, bits = scan[1 + 2 * count : 4 + 2 * count]
    if is_progressive and bits & 15:
        return
    for at in range(count):
        for coefficient in range(first, min(last, 63) + 1) if is_progressive else range(64):
            yield scan[1 + 2 * at], coefficient


def _digest(data: bytes) -> bytes:
    """Return a hash of the pixels that a JPEG decodes to."""
    image: Image.Image = JpegImageFile(BytesIO(data))
    image.load()
    seen = sha256()
    for top in range(0, image.height, _STRIP):
        bottom = min(top + _STRIP, image.height)
        seen.update(image.crop((0, top, image.width, bottom)).tobytes())
    return seen.digest()
