"""The data after the end of an image: videos, further images, sound, archives.

Phones append the video of a motion photo and the gain map of an HDR photo; cameras append
previews, raw data and voice memos; people hide archives there. No viewer shows any of it.
"""

import re
from collections.abc import Callable, Iterator

from search.dedup.extras.boxes import box_at
from search.dedup.extras.byte_source import PADDING, ByteSource, UnknownStructure
from search.dedup.extras.contents import Extra, ExtraKind
from search.dedup.extras.jpeg_segments import START, JpegStream, stream_at

SMALL = 1024  # bytes; programs write shorter notes of their own into images
_NOTE = 64  # bytes of unknown data after an image
_ATTEMPTS = 64  # at parsing a JPEG; each may scan to the end of the file

# A JPEG; an ISO media file by its first box (ISO/IEC 14496-12, 4.3); sound and video in RIFF.
_SIGNATURE = re.compile(
    rb"\xff\xd8\xff[\xc0\xc2\xc4\xdb\xdd\xe0-\xef\xfe]|\0\0[\0-\x03].ftyp[ -~]{4}"
    rb"|RIFF....(?:WAVE|AVI )",
    re.DOTALL,
)
# A video, its name in Samsung's trailer, an archive: signatures too long to occur by chance.
_EMBEDDED = re.compile(
    rb"\0\0[\0-\x03].ftyp[ -~]{4}|MotionPhoto_Data|PK\x03\x04[\x0a\x14\x2d]\0", re.DOTALL
)
_ARCHIVES = (b"PK\x03\x04", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"%PDF-", b"\x1f\x8b\x08")
_RAW = (b"BRCM", b"II*\0", b"MM\0*")  # Raspberry Pi's sensor data; TIFF, which DNG is as well
_MOVIES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_STILL_BRANDS = frozenset((b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis"))

# Short notes by phones and programs: the trailers of Samsung, Huawei, vivo, AFCP, FotoStation and
# Photo Mechanic.
_OF_PROGRAMS = re.compile(
    rb"SEF[HT]|v[23]_f\d+|LIVE_\d+|vivo\{|AXS[!*]|\xa1\xb2\xc3\xd4|cbipcbbl", re.DOTALL
)

JpegKind = Callable[[JpegStream, int], ExtraKind]


def _further_image(stream: JpegStream, start: int) -> ExtraKind:
    return "image"


def behind(
    source: ByteSource, start: int, end: int, kind_of: JpegKind = _further_image
) -> list[Extra]:
    """Return the extras in a range after an image; `kind_of` returns the kind of a JPEG there."""
    return list(_Trailer(source, end, kind_of).parts(start))


def _is_note(data: bytes) -> bool:
    return len(data.strip(PADDING)) >= _NOTE and not _OF_PROGRAMS.search(data)


def large(source: ByteSource, kind: ExtraKind, *ranges: tuple[int, int]) -> list[Extra]:
    """Return an extra if the ranges hold more than the notes that programs write on their own."""
    length = sum(end - start for start, end in ranges)
    return [Extra(kind, length, digest=source.digest(*ranges))] if length > SMALL else []


def require_plain(source: ByteSource, start: int, end: int) -> None:
    """Raise UnknownStructure if a range seems to contain more than an image.

    For formats in which only a decoder can find the end of the image.
    """
    if source.find(_EMBEDDED, start, end):
        raise UnknownStructure("more than an image seems to stand in it")


class _Trailer:
    def __init__(self, source: ByteSource, end: int, kind_of: JpegKind) -> None:
        self._source, self._end, self._kind_of = source, end, kind_of
        self._attempts = 0

    def parts(self, start: int) -> Iterator[Extra]:
        """Yield the recognised parts, and the data between them unless it is padding."""
        plain = at = start  # nothing was recognised since `plain`
        while at < self._end:
            part = self._jpeg(at) or self._movie(at) or self._riff(at)
            if part is None:
                found = self._source.find(_SIGNATURE, at + 1, self._end)
                at = found[0] if found else self._end
                continue
            yield from self._data(plain, at)
            kind, plain = part
            yield self._extra(kind, at, plain)
            at = plain
        yield from self._data(plain, self._end)

    def _jpeg(self, at: int) -> tuple[ExtraKind, int] | None:
        if self._attempts >= _ATTEMPTS or self._source.peek(at, 3) != START:
            return None
        self._attempts += 1
        try:
            stream = stream_at(self._source, at)
        except UnknownStructure:
            return None
        if not stream.whole or stream.end > self._end:
            return None
        return self._kind_of(stream, at), stream.end

    def _movie(self, at: int) -> tuple[ExtraKind, int] | None:
        box = box_at(self._source, at, self._end)
        if box is None or box.kind not in _MOVIES:
            return None
        brand = self._source.peek(box.payload, 4)
        kind: ExtraKind = "image" if box.kind == b"ftyp" and brand in _STILL_BRANDS else "video"
        while box is not None:
            at = box.end
            box = box_at(self._source, at, self._end)
        if self._source.peek(at, 8)[4:] in _MOVIES:  # a video that was cut off
            return kind, self._end
        return kind, at

    def _riff(self, at: int) -> tuple[ExtraKind, int] | None:
        head = self._source.peek(at, 12)
        kinds: dict[bytes, ExtraKind] = {b"WAVE": "audio", b"AVI ": "video"}
        if head[:4] != b"RIFF" or head[8:] not in kinds:
            return None
        return kinds[head[8:]], min(self._end, at + 8 + int.from_bytes(head[4:8], "little"))

    def _data(self, start: int, end: int) -> Iterator[Extra]:
        if start >= end or self._source.is_padding(start, end):
            return
        head = self._source.peek(start, min(SMALL, end - start))
        if head.startswith(_RAW):
            yield self._extra("raw image", start, end)
        elif end - start > SMALL or head.startswith(_ARCHIVES) or _is_note(head):
            yield self._extra("data", start, end)

    def _extra(self, kind: ExtraKind, start: int, end: int) -> Extra:
        return Extra(kind, end - start, digest=self._source.digest((start, end)))
