"""Positions of Exif's GPS directory as signed degrees.

Exif 3.0 (CIPA DC-008-2023, section 4.6.8) has three unsigned rationals, degrees, minutes and
seconds, and a letter. Programs also write decimal degrees or minutes with 0/0 for what follows,
signed rationals, texts, small letters and no letters; ExifTool shows all of those. In texts of
degrees alone, and beside a degree sign, a comma is a decimal one: XMP (Specification Part 2,
GPSCoordinate) parts degrees from minutes with it only where seconds or decimals follow.
"""

import math
import re

from indexer.images.metadata.exif_text import one_line

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:\s*/\s*\d+)?")
_LETTER = re.compile(r"(?<![A-Za-z])[NSEW](?![A-Za-z])", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_DEGREES_ALONE = re.compile(r"[^\d'′\"″]*\d+,\d+[^\d'′\"″]*|.*(?:°|º|deg).*", re.IGNORECASE)
_DECIMALS = 7  # a centimetre


def position(
    latitude: object, north_or_south: object, longitude: object, east_or_west: object
) -> tuple[float, float] | tuple[None, None]:
    """Return latitude and longitude in degrees, north and east positive; both or neither.

    The arguments are the values of GPSLatitude, GPSLatitudeRef, GPSLongitude, GPSLongitudeRef.
    """
    north = _degrees(latitude, north_or_south, "NS", 90)
    east = _degrees(longitude, east_or_west, "EW", 180)
    # Exactly 0°, 0° is what a receiver without a fix writes; it lies in the open sea.
    if north is None or east is None or north == east == 0:
        return None, None
    return north, east


def _degrees(value: object, reference: object, letters: str, most: int) -> float | None:
    """Return degrees with a sign, `letters` being plus and minus; None for what makes no sense."""
    parts, written_letter = _parts(value)
    letter = (_reference(reference) or written_letter or letters[0])[0].upper()
    if letter not in letters or not parts or not math.isfinite(parts[0]):
        return None
    # 0/0 for minutes or seconds says that what stands before holds them already.
    finite = [part if math.isfinite(part) else 0.0 for part in parts[:3]]
    size = sum(abs(part) / unit for part, unit in zip(finite, (1, 60, 3600), strict=False))
    if size > most:
        return None
    is_negative = letter == letters[1] or any(math.copysign(1, part) < 0 for part in finite)
    return round(-size if is_negative and size else size, _DECIMALS)


def _reference(value: object) -> str | None:
    """Return the text of a reference, which may be character numbers; None where it is blank."""
    if value is None or isinstance(value, bytes | str):
        return one_line(value)
    numbers = value if isinstance(value, tuple) else (value,)
    if all(isinstance(number, int) and (not number or 32 <= number < 127) for number in numbers):
        return one_line(bytes(numbers))
    return "?"  # something is there, and which half of the earth it is is not known


def _parts(value: object) -> tuple[list[float], str]:
    """Return the numbers of a value, not finite where a denominator is 0, and a letter in it."""
    if isinstance(value, bytes | str):
        return _written_parts(one_line(value) or "")
    try:
        return [float(part) for part in (value if isinstance(value, tuple) else (value,))], ""
    except (TypeError, ValueError, ArithmeticError):
        return [], ""


def _written_parts(text: str) -> tuple[list[float], str]:
    if _DEGREES_ALONE.fullmatch(text):
        text = _DECIMAL_COMMA.sub(".", text)
    letter = _LETTER.search(text)
    numbers = [_ratio(*number.split("/")) for number in _NUMBER.findall(text)]
    if numbers and text.lstrip("NSEWnsew ").startswith(("-", "−")):
        numbers[0] = -numbers[0]
    return numbers, letter[0] if letter else ""


def _ratio(above: str, below: str = "1") -> float:
    return float(above) / float(below) if float(below) else math.nan
