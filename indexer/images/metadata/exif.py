"""Exif metadata: date, camera, lens, place and orientation.

Nothing here raises: EXIF in the wild is often wrong, and an image is worth more than its tags.
"""

from collections.abc import Mapping
from typing import IO, Any

from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

from indexer.images.metadata.exif_date import is_unset, taken_at
from indexer.images.metadata.exif_text import one_line
from indexer.images.metadata.gps_position import position
from storage.records import Capture

_Tags = dict[int, Any]  # whatever type the file claims; texts as bytes

_BASE, _GPS = ExifTags.Base, ExifTags.GPS
_MOMENTS = (  # the best first: when the shutter opened, when it was digitised, when last edited
    (_BASE.DateTimeOriginal, _BASE.SubsecTimeOriginal, _BASE.OffsetTimeOriginal),
    (_BASE.DateTimeDigitized, _BASE.SubsecTimeDigitized, _BASE.OffsetTimeDigitized),
    (_BASE.DateTime, _BASE.SubsecTime, _BASE.OffsetTime),
)
_UTF8 = 129  # the type of Exif 3.0 (CIPA DC-008-2023, section 4.6.2)
_BIG_TIFF = 43


class _Directory(TiffImagePlugin.ImageFileDirectory_v2):
    """A directory whose texts stay bytes: Pillow reads them as Latin-1, and skips type UTF-8."""

    # Pillow's own table of what reads a type; there is no public door to it.
    _load_dispatch = {
        **TiffImagePlugin.ImageFileDirectory_v2._load_dispatch,
        TiffTags.ASCII: (1, TiffImagePlugin.ImageFileDirectory_v2.load_undefined),
        _UTF8: (1, TiffImagePlugin.ImageFileDirectory_v2.load_undefined),
    }


def capture(image: Image.Image) -> Capture:
    """Read date, camera, lens and place from an opened image, as far as they make sense."""
    return read(image)[0]


def read(image: Image.Image) -> tuple[Capture, Mapping[int, Any]]:
    """Read what the camera wrote, and the tags of the main directory, IFD0, as they stand.

    Texts among the tags are bytes.
    """
    main, detail, place = _directories(image)
    tags = {**main, **detail}
    latitude, longitude = position(
        place.get(_GPS.GPSLatitude),
        place.get(_GPS.GPSLatitudeRef),
        place.get(_GPS.GPSLongitude),
        place.get(_GPS.GPSLongitudeRef),
    )
    found = Capture(
        taken_at=_taken_at(tags),
        camera=_camera(one_line(tags.get(_BASE.Make)), one_line(tags.get(_BASE.Model))),
        lens=one_line(tags.get(_BASE.LensModel)),
        latitude=latitude,
        longitude=longitude,
    )
    return found, main


def orientation(image: Image.Image) -> int:
    """Read the Exif orientation of an opened image, 1 to 8; 1 if the tag is missing or invalid.

    Only its own Exif counts, not what Pillow adds to it from XMP and from text chunks.
    """
    own = Image.Exif()
    try:
        own.load(image.info.get("exif", b""))
        value = own.get(_BASE.Orientation)
    except Exception:  # a broken EXIF block raises nearly anything
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _directories(image: Image.Image) -> tuple[_Tags, _Tags, _Tags]:
    """Read the main, the Exif and the GPS directory; empty where one is absent or broken."""
    # A broken EXIF block raises nearly anything, at opening or at any tag.
    try:
        stream = image.getexif().fp
        stream.seek(0)
        header = stream.read(8)
        if header[2] == _BIG_TIFF:
            header += stream.read(8)
        main = _read(stream, header, _Directory(header).next)
    except Exception:
        return {}, {}, {}
    detail, place = (
        _read(stream, header, main.get(tag), tag)
        for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
    )
    return main, detail, place


def _read(stream: IO[bytes], header: bytes, offset: object, group: int | None = None) -> _Tags:
    """Read a directory, leaving out the tags that are damaged."""
    tags: _Tags = {}
    if not isinstance(offset, int):
        return tags
    try:
        directory = _Directory(header, group=group)
        stream.seek(offset)
        directory.load(stream)
    except Exception:
        return tags
    for tag in directory:
        try:
            value = directory[tag]
        except Exception:
            continue
        tags[tag] = value[0] if isinstance(value, tuple) and len(value) == 1 else value
    return tags


def _camera(make: str | None, model: str | None) -> str | None:
    """Join maker and model, but say "Canon EOS 40D" and not "Canon Canon EOS 40D"."""
    if make is None or model is None:
        return model or make
    maker = make.casefold().split()
    return model if model.casefold().split()[0] in maker else f"{make} {model}"


def _taken_at(tags: _Tags) -> str | None:
    """Read the best tag that is set, as far as it is certain; never a later edit in its place."""
    for tag, fraction, offset in _MOMENTS:
        written = _date_text(tags.get(tag))
        if not is_unset(written):
            return taken_at(written, one_line(tags.get(fraction)), one_line(tags.get(offset)))
    return None


def _date_text(value: object) -> str | None:
    """Return the text of a date; what another type has is written out."""
    if isinstance(value, bytes):
        return one_line(value) or one_line(value.lstrip(b"\0"))
    return one_line(str(value or ""))
