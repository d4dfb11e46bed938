"""The descriptive metadata of an image: keywords, rating, description, place, date and camera.

It stands in the file (XMP, IPTC, EXIF) or in a sidecar beside it. Only headers are read, and
nothing here raises: what cannot be read says nothing.
"""

import os
import stat
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import BinaryIO

from PIL import Image, ImageFile, IptcImagePlugin

from indexer.images.decode import FORMATS, register_all
from indexer.images.metadata import exif, xmp, xmp_packets
from indexer.images.metadata.exif_text import decode
from indexer.images.metadata.sidecars import sidecar_paths
from indexer.images.metadata.xmp import Metadata as Metadata
from indexer.images.metadata.xmp import stars, tidy
from indexer.images.pixel_limit import pixel_limit

_FORMATS = tuple(name for name in FORMATS if name != "JXL")  # its plugin decodes at once
_DESCRIPTION, _RATING, _COMMENT, _KEYWORDS = 0x010E, 0x4746, 0x9C9C, 0x9C9E
_IPTC_KEYWORDS, _IPTC_CAPTION = (2, 25), (2, 120)
# What cameras write into the description of every image.
_SAYS_NOTHING = frozenset(
    ("OLYMPUS DIGITAL CAMERA", "SONY DSC", "DCIM", "DIGITAL CAMERA", "DEFAULT")
)


def read(path: str) -> Metadata:
    """Read what is said of an image; a sidecar goes before the file, XMP before IPTC and EXIF."""
    beside: list[str] = []
    with suppress(OSError, ValueError):
        beside = sidecar_paths(path)
    return joined(*map(_sidecar, beside), _embedded(path))


def sidecar_of(path: str) -> str:
    """Return the path of the sidecar that is written for a file.

    The one that is there and is its own by the rules of `sidecars`, else "photo.jpg.xmp". Raises
    OSError where its folder cannot be listed.
    """
    return next(iter(sidecar_paths(path)), f"{path}.xmp")


def joined(*known: Metadata) -> Metadata:
    """Merge metadata: the union of the keywords, and the first known value of everything else."""
    place = next((one for one in known if one.latitude is not None), Metadata())
    return Metadata(
        keywords=tuple(dict.fromkeys(word for one in known for word in one.keywords)),
        rating=next((one.rating for one in known if one.rating is not None), None),
        description=next((one.description for one in known if one.description), None),
        latitude=place.latitude,
        longitude=place.longitude,
        taken_at=_telling_most(one.taken_at for one in known),
        camera=next((one.camera for one in known if one.camera), None),
        title=next((one.title for one in known if one.title), None),
        created_at=_telling_most(one.created_at for one in known),
    )


def lost(keeper: Metadata, loser: Metadata) -> Metadata:
    """Return the metadata that would be lost with a file: what its keeper has no value for.

    Of keywords each one counts; anything else that the keeper says stands for itself.
    """
    placed = keeper.latitude is not None
    # A program's date of creation stands for no camera's date, but a camera's for it.
    dated = _telling_most((keeper.taken_at, keeper.created_at, loser.taken_at))
    return Metadata(
        keywords=tuple(word for word in loser.keywords if word not in keeper.keywords),
        rating=loser.rating if keeper.rating is None else None,
        description=None if keeper.description else loser.description,
        latitude=None if placed else loser.latitude,
        longitude=None if placed else loser.longitude,
        taken_at=loser.taken_at if _tells_more(loser.taken_at, keeper.taken_at) else None,
        camera=None if keeper.camera else loser.camera,
        title=None if keeper.title else loser.title,
        created_at=loser.created_at if _tells_more(loser.created_at, dated) else None,
    )


def _telling_most(dates: Iterable[str | None]) -> str | None:
    return max(filter(None, dates), key=_has_time, default=None)


def _tells_more(taken_at: str | None, known: str | None) -> bool:
    """Return whether a date has a time of day that the known one lacks."""
    if taken_at is None:
        return False
    return known is None or _has_time(taken_at) > _has_time(known)


def _has_time(taken_at: str) -> bool:
    return "T" in taken_at


def _sidecar(path: str) -> Metadata:
    with suppress(OSError, ValueError):
        if stat.S_ISREG(os.lstat(path).st_mode):  # as the index has it: no link
            with open(path, "rb") as stream:
                return xmp.parse(stream.read(xmp.LARGEST + 1))
    return Metadata()


def _is_file(path: str) -> bool:
    """Return whether it is a file and no pipe, which might never end."""
    return stat.S_ISREG(os.stat(path).st_mode)


def _embedded(path: str) -> Metadata:
    # Headers of strangers raise nearly anything. No pixel is decoded, so none is too many.
    with suppress(Exception), pixel_limit(sys.maxsize):
        if _is_file(path):
            with open(path, "rb") as stream:
                packet, rest = embedded(stream)
                return joined(_packet(packet), rest)
    return Metadata()


def embedded(stream: BinaryIO) -> tuple[bytes | None, Metadata]:
    """Return the XMP packet of an image and what IPTC and EXIF say; no pixel is decoded.

    Raises nearly anything for an image that is damaged.
    """
    if (packet := xmp_packets.jxl(stream)) is not None:
        return packet, Metadata()
    stream.seek(0)
    register_all()
    with Image.open(stream, formats=_FORMATS) as image:
        text = image.info.get("xmp")
        if image.format == "PNG":
            text, block = xmp_packets.png(stream)
            image.info["exif"] = block or b""  # else Pillow decodes the pixels to look behind them
        packet = text.encode() if isinstance(text, str) else text
        rest = joined(_iptc(image), _exif(image))
        return packet if isinstance(packet, bytes) else None, rest


def _packet(packet: bytes | None) -> Metadata:
    with suppress(ValueError):
        return Metadata() if packet is None else xmp.parse(packet)
    return Metadata()


def _iptc(image: ImageFile.ImageFile) -> Metadata:
    known: Mapping[tuple[int, int], bytes | list[bytes]] = {}
    with suppress(Exception):
        known = IptcImagePlugin.getiptcinfo(image) or {}
    words = known.get(_IPTC_KEYWORDS, [])
    caption = known.get(_IPTC_CAPTION, b"")
    return Metadata(
        keywords=_each(decode(word) for word in ([words] if isinstance(words, bytes) else words)),
        description=_said(decode(caption if isinstance(caption, bytes) else caption[0])),
    )


def _exif(image: ImageFile.ImageFile) -> Metadata:
    capture, tags = exif.read(image)
    words = _wide(tags.get(_KEYWORDS)).split(";")
    return Metadata(
        keywords=_each(words),
        rating=stars(tags.get(_RATING)),
        description=_said(_text(tags.get(_DESCRIPTION))) or _said(_wide(tags.get(_COMMENT))),
        latitude=capture.latitude,
        longitude=capture.longitude,
        taken_at=xmp.moment(capture.taken_at),
        camera=tidy(capture.camera) or None,
    )


def _each(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(tidy, words))))


def _said(text: str) -> str | None:
    told = tidy(text)
    return None if told.upper() in _SAYS_NOTHING else told or None


def _text(value: object) -> str:
    return decode(value) if isinstance(value, bytes) else ""


def _wide(value: object) -> str:
    """Read what Windows Explorer writes: UTF-16 in bytes."""
    if isinstance(value, tuple):
        value = bytes(part for part in value if isinstance(part, int) and 0 <= part < 256)
    if not isinstance(value, bytes):
        return ""
    return value.decode("utf-16-le", "ignore").split("\0")[0]
