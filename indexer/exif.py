"""What the camera wrote: when a picture was taken, with what, where, and which way up.

Nothing here raises: EXIF in the wild is often wrong, and a picture is worth more than its tags.
"""

import math
import re
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

from storage.records import Capture

_Tags = dict[int, Any]  # whatever type the file claims

_BASE, _GPS = ExifTags.Base, ExifTags.GPS
_MOMENTS = (  # the best first: when the shutter opened, when it was digitised, when last edited
    (_BASE.DateTimeOriginal, _BASE.SubsecTimeOriginal, _BASE.OffsetTimeOriginal),
    (_BASE.DateTimeDigitized, _BASE.SubsecTimeDigitized, _BASE.OffsetTimeDigitized),
    (_BASE.DateTime, _BASE.SubsecTime, _BASE.OffsetTime),
)
_DATE = re.compile(
    r"(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?)?"
)
_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")
_FIRST_PHOTO = 1826  # no picture was taken before; smaller years are clocks that were never set
_LONGEST_NAME = 120  # characters of a camera or a lens; more is rubbish or an attack


def capture(image: Image.Image) -> Capture:
    """Read date, camera, lens and place from an opened picture, as far as they make sense."""
    main, detail, place = _read(image)
    tags = {**main, **detail}
    latitude, longitude = _position(place)
    return Capture(
        taken_at=_taken_at(tags),
        camera=_camera(_words(tags.get(_BASE.Make)), _words(tags.get(_BASE.Model))),
        lens=_words(tags.get(_BASE.LensModel)),
        latitude=latitude,
        longitude=longitude,
    )


def orientation(image: Image.Image) -> int:
    """Read which way up an opened picture is, 1 to 8; 1 where no tag or a wrong one says it."""
    value = _read(image, with_details=False)[0].get(_BASE.Orientation)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _read(image: Image.Image, with_details: bool = True) -> tuple[_Tags, _Tags, _Tags]:
    # A broken EXIF block raises nearly anything, at opening or at any tag.
    try:
        exif = image.getexif()
        main = dict(exif)
    except Exception:
        return {}, {}, {}
    if not with_details:
        return main, {}, {}
    return main, _directory(exif, ExifTags.IFD.Exif), _directory(exif, ExifTags.IFD.GPSInfo)


def _directory(exif: Image.Exif, tag: int) -> _Tags:
    try:
        return dict(exif.get_ifd(tag))
    except Exception:
        return {}


def _words(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    printable = "".join(c if c.isprintable() else " " for c in value.split("\0")[0])
    return " ".join(printable.split())[:_LONGEST_NAME] or None


def _camera(make: str | None, model: str | None) -> str | None:
    """Join maker and model, but say "Canon EOS 40D" and not "Canon Canon EOS 40D"."""
    if make is None or model is None:
        return model or make
    maker = make.casefold().split()
    return model if model.casefold().split()[0] in maker else f"{make} {model}"


def _taken_at(tags: _Tags) -> str | None:
    for moment, fraction, offset in _MOMENTS:
        local = _date(_words(tags.get(moment)))
        if local is not None:
            local += _thousandths(_words(tags.get(fraction)))
            zone = _words(tags.get(offset)) or ""
            return local + ("+00:00" if zone == "Z" else zone if _OFFSET.fullmatch(zone) else "")
    return None


def _date(written: str | None) -> str | None:
    match = _DATE.match(written or "")
    if match is None:
        return None
    try:
        moment = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    return moment.isoformat() if moment.year >= _FIRST_PHOTO else None


def _thousandths(written: str | None) -> str:
    """Write the part of a second as ISO 8601 does, where the camera gave one."""
    digits = written or ""
    return f".{digits[:3]:0<3}" if digits.isascii() and digits.isdigit() else ""


def _position(place: _Tags) -> tuple[float, float] | tuple[None, None]:
    latitude = _degrees(place.get(_GPS.GPSLatitude), place.get(_GPS.GPSLatitudeRef), "NS", 90)
    longitude = _degrees(place.get(_GPS.GPSLongitude), place.get(_GPS.GPSLongitudeRef), "EW", 180)
    # Exactly 0°, 0° is what a receiver without a fix writes; it lies in the open sea.
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def _degrees(parts: object, reference: object, signs: str, most: int) -> float | None:
    """Turn degrees, minutes and seconds and a letter of `signs` (plus, minus) into degrees."""
    letter = (_words(reference) or "")[:1].upper()
    if not letter or letter not in signs or not isinstance(parts, tuple) or not parts:
        return None
    try:
        value = sum(float(part) / (1, 60, 3600)[place] for place, part in enumerate(parts[:3]))
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not math.isfinite(value) or not 0 <= value <= most:
        return None
    return round(-value if letter == signs[1] else value, 7)  # 7 decimals: a centimetre
