"""Dates of Exif tags as ISO 8601, as much of them as is certain.

Exif 3.0 (CIPA DC-008-2023, section 4.6.5, DateTime) writes "YYYY:MM:DD HH:MM:SS" in 24 hours,
with blanks for what is not known; section 4.6.6 has the tags for parts of a second and for the
offset from UTC. Cameras also write other separators, blanks for zeros, AM and PM, days that no
calendar has, second 60 and hour 24.
"""

import re
from calendar import monthrange

_FIRST_PHOTO = 1826  # no image was taken before; smaller years are clocks that were never set
_FILLER = 9999
_FURTHEST_OFFSET = 14 * 60  # minutes from UTC, on the Line Islands

# Separators of East Asian languages, in the places of those that the specification has.
_MARKS = str.maketrans("年月日년월일時时시分분秒초", ":: :: :::::  ")
_COMPACT = re.compile(r"\s*(\d{4})(\d\d)(\d\d)(?:[T ]?(\d\d)(\d\d)(\d\d)?)?(?!\d)")
# A field of one or two characters may be blank. `\d` takes the digits of every script, because
# phones write the date in those of their language.
_YEAR_FIRST = re.compile(
    r"\s*(\d{4})(?:(?P<mark>[-:/.])(?P<month>[\d ]{1,2})"
    r"(?:(?P=mark)(?P<day>[\d ]{1,2})(?!\d)|(?!\w))|(?!\w))"
)
_YEAR_LAST = re.compile(r"\s*(\d{1,2})([-:/.])(\d{1,2})\2(\d{4})(?!\w)")
_TIME = re.compile(
    r"(?P<before>[^\d:]*)(?P<hour>\d{1,2}) *(?P<mark>[-:.]) *(?P<minute>\d{1,2})(?!\d)"
    r"(?: *(?P=mark) *(?P<second>\d{1,2})(?!\d)(?:[.,](?P<fraction>\d+))?)?(?P<after>.*)"
)
_MORNING = re.compile(r"\b[aA]\.?\s?[mM]\b|上午|午前|오전")
_AFTERNOON = re.compile(r"\b[pP]\.?\s?[mM]\b|下午|午後|오후")
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d\d))?|Z|UTC|GMT")
_INLINE_OFFSET = re.compile(r"(?:Z|UTC|GMT|[+-]\d{1,2}(?::?\d\d)?)\s*$")


def taken_at(written: str | None, fraction: str | None, offset: str | None) -> str | None:
    """Return the certain part of a date as ISO 8601; None where not even the year is.

    "2015", "2015-07", "2015-07-04", "2015-07-04T12:30" or "2015-07-04T12:30:00", the last one
    with ".250" and those with a time with "+02:00" where the tags beside it, or the text itself,
    know them. `fraction` is the text of SubSecTime, `offset` that of OffsetTime.
    """
    day, rest = _day((written or "").translate(_MARKS))
    if day is None or len(day) < len("2015-07-04"):
        return day
    match = _TIME.match(rest)
    time = match and _time(match)
    if not match or not time:
        return day
    if match["second"] and len(time) == len("12:30:00"):
        time += _thousandths(fraction) or _thousandths(match["fraction"])
    inline = _INLINE_OFFSET.search(match["after"])
    return f"{day}T{time}{_offset(offset) or _offset(inline and inline[0])}"


def _day(written: str) -> tuple[str | None, str]:
    """Return the certain part of a day, and the text behind it."""
    if compact := _COMPACT.match(written):
        clock = ":".join(part for part in compact.group(4, 5, 6) if part)
        return _calendar(*map(int, compact.group(1, 2, 3))), clock + _after(compact)
    if found := _YEAR_FIRST.match(written):
        fields = found.group(1, "month", "day")
        return _calendar(*(int((part or "").strip() or 0) for part in fields)), _after(found)
    if found := _YEAR_LAST.match(written):
        first, second, year = (int(part) for part in found.group(1, 3, 4))
        if first > 12 or first == second:
            return _calendar(year, second, first), _after(found)
        # Which of two small numbers is the month is not certain.
        return _calendar(year, first if second > 12 else 0, second), _after(found)
    return None, ""


def _after(match: re.Match[str]) -> str:
    return match.string[match.end() :]


def _calendar(year: int, month: int, day: int) -> str | None:
    """Write a day as far as the calendar has it."""
    if not _FIRST_PHOTO <= year < _FILLER:
        return None
    if not 1 <= month <= 12:
        return f"{year}"
    if not 1 <= day <= monthrange(year, month)[1]:
        return f"{year}-{month:02}"
    return f"{year}-{month:02}-{day:02}"


def _time(match: re.Match[str]) -> str | None:
    """Write a time of day; without its second where that is not known or cannot be."""
    hour, minute = int(match["hour"]), int(match["minute"])
    around = f"{match['before']} {match['after']}"
    if _AFTERNOON.search(around) and hour < 12:
        hour += 12
    # Java's pattern letter "k" counts the hours of a day from 1 to 24: 24:08 is eight minutes
    # past the midnight that the day begins with, as phones that wrote it show in file names.
    if hour == 24 or (hour == 12 and _MORNING.search(around)):
        hour = 0
    if hour > 23 or minute > 59:
        return None
    second = int(match["second"] or 61)
    if second > 60:
        return f"{hour:02}:{minute:02}"
    return f"{hour:02}:{minute:02}:{min(second, 59):02}"  # 60 is a leap second


def _thousandths(written: str | None) -> str:
    """Write a part of a second as ISO 8601 does, where there is one."""
    digits = written or ""
    return f".{digits[:3]:0<3}" if digits.isascii() and digits.isdigit() else ""


def _offset(written: str | None) -> str:
    """Write an offset from UTC as ISO 8601 does, where there is one."""
    match = _OFFSET.fullmatch((written or "").strip())
    if match is None:
        return ""
    if match[1] is None:
        return "+00:00"
    hours, minutes = int(match[2]), int(match[3] or 0)
    if minutes > 59 or hours * 60 + minutes > _FURTHEST_OFFSET:
        return ""
    return f"{match[1]}{hours:02}:{minutes:02}"
