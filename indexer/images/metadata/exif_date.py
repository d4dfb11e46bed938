"""Dates of Exif tags as ISO 8601, as much of them as is certain.

Exif 3.0 (CIPA DC-008-2023, section 4.6.5, DateTime) writes "YYYY:MM:DD HH:MM:SS" in 24 hours,
with blanks for what is not known; section 4.6.6 has the tags for parts of a second and for the
offset from UTC. Cameras also write other separators, blanks for zeros, AM and PM, days that no
calendar has, second 60 and hour 24; programs the forms of PDF, of C and of English.
"""

import re
import unicodedata
from calendar import monthrange

from indexer.images.metadata.day_period import hour_of_day

_FIRST_PHOTO = 1826  # no image was taken before
_FILLER = 9999
_FURTHEST_OFFSET = 14 * 60  # minutes from UTC, on the Line Islands

# Separators of East Asian languages, in the places of those that the specification has; a minus
# sign for a hyphen; no quotation marks.
_MARKS = str.maketrans("年月日년월일時时시분分秒초−", ":: :: :::::  -", "\"'“”‘’")
# The D of PDF (ISO 32000-1, section 7.9.4) and anything else before the first letter or digit.
_LEAD = re.compile(r"[\W_]*(?:D:[\W_]*)?")
# Clocks that were never set: the first and the last day that .NET, Windows or SQL can write.
_UNSET = re.compile(r"[\W_]*(?:(?:0000|0001|1601)[-:/.]01[-:/.]01|9999)(?!\d)")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:[T ]?(\d\d)(\d\d)(\d\d)?)?(?!\d)")
# A field of one or two characters may be blank. `\d` takes the digits of every script, because
# phones write the date in those of their language.
_YEAR_FIRST = re.compile(
    r"(\d{4})(?:(?P<mark>[-:/._])(?P<month>[\d ]{1,2})"
    r"(?:(?P=mark)(?P<day>[\d ]{1,2})(?!\d)|(?!\w))|(?!\w))"
)
_YEAR_LAST = re.compile(r"(\d{1,2})([-:/.])(\d{1,2})\2(\d{4})(?!\w)")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAY, _YEAR = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?(?!\w)", r"(?P<year>\d{4})(?!\w)"
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![^\W\d_])"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[., ]+)?"
_GAP = r"[-., /]*"
_MONTH_NAMED = tuple(
    re.compile(_WEEKDAY + form, re.IGNORECASE)
    for form in (
        _MONTH + _GAP + _DAY + _GAP + _YEAR,
        _DAY + _GAP + _MONTH + _GAP + _YEAR,
        _YEAR + _GAP + _MONTH + _GAP + _DAY,
        # The date command and C's asctime (ISO/IEC 9899, section 7.27.3.1).
        _MONTH + _GAP + _DAY + r" +(?P<clock>\d{1,2}:[\d:.]+.*?) +" + _YEAR,
    )
)
_LONE_YEAR = re.compile(r"(?<![^\W_])\d{4}(?![^\W_])")
_SHORT_DATE = re.compile(r"(?<!\d)\d{1,2}([-/.])\d{1,2}\1\d")
_TIME = re.compile(
    r"(?P<before>[^\d:]*)(?P<hour>\d{1,2}) *(?P<mark>[-:._]) *(?P<minute>\d{1,2})(?!\d)"
    r"(?: *(?P=mark) *(?P<second>\d{1,2})(?!\d)(?:[.,](?P<fraction>\d+))?)?(?P<after>.*)"
)
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d\d))?|Z|UTC|GMT")
_INLINE_OFFSET = re.compile(r"(?:Z|UTC|GMT|[+-]\d{1,2}(?::?\d\d)?)\s*$")


def is_unset(written: str | None) -> bool:
    """Return whether a text contains no date: only zeros, or the date of a clock never set."""
    text = written or ""
    return bool(_UNSET.match(text)) or not any(unicodedata.numeric(c, 0) for c in text)


def taken_at(written: str | None, fraction: str | None, offset: str | None) -> str | None:
    """Return the certain part of a date as ISO 8601; None where not even the year is.

    "2015", "2015-07", "2015-07-04", "2015-07-04T12:30" or "2015-07-04T12:30:00", the last one
    with ".250" and those with a time with "+02:00" where the tags beside it, or the text itself,
    know them. `fraction` is the text of SubSecTime, `offset` that of OffsetTime.
    """
    text = unicodedata.normalize("NFKC", written or "").translate(_MARKS)
    day, rest = _day(_LEAD.sub("", text, count=1))
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
    if named := next(filter(None, (form.match(written) for form in _MONTH_NAMED)), None):
        parts = {"clock": "", **named.groupdict()}
        month = _MONTHS.index(parts["month"][:3].lower()) + 1
        day = _calendar(int(parts["year"]), month, int(parts["day"]))
        return day, parts["clock"] + _after(named)
    if found := _YEAR_FIRST.match(written):
        fields = found.group(1, "month", "day")
        return _calendar(*(int((part or "").strip() or 0) for part in fields)), _after(found)
    if found := _YEAR_LAST.match(written):
        first, second, year = (int(part) for part in found.group(1, 3, 4))
        if first > 12 or first == second:
            return _calendar(year, second, first), _after(found)
        # Which of two small numbers is the month is not certain.
        return _calendar(year, first if second > 12 else 0, second), _after(found)
    return _lone_year(written), ""


def _lone_year(written: str) -> str | None:
    """Return the only year in a text that is not understood."""
    years = {_calendar(int(year), 0, 0) for year in _LONE_YEAR.findall(written)} - {None}
    return years.pop() if len(years) == 1 and not _SHORT_DATE.search(written) else None


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
    minute = int(match["minute"])
    hour = hour_of_day(int(match["hour"]), f"{match['before']} {match['after']}")
    # Java's pattern letter "k" counts the hours of a day from 1 to 24: 24:08 is eight minutes
    # past the midnight that the day begins with, as phones that wrote it show in file names.
    if hour == 24:
        hour = 0
    if hour is None or hour > 23 or minute > 59:
        return None
    second = int(match["second"] or 61)
    if second > 60:
        return f"{hour:02}:{minute:02}"
    return f"{hour:02}:{minute:02}:{min(second, 59):02}"  # 60 is a leap second


def _thousandths(written: str | None) -> str:
    """Return the fraction of a second in ISO 8601, or "" if there is none."""
    digits = written or ""
    return f".{digits[:3]:0<3}" if digits.isascii() and digits.isdigit() else ""


def _offset(written: str | None) -> str:
    """Return the offset from UTC in ISO 8601, or "" if there is none."""
    match = _OFFSET.fullmatch((written or "").strip())
    if match is None:
        return ""
    if match[1] is None:
        return "+00:00"
    hours, minutes = int(match[2]), int(match[3] or 0)
    if minutes > 59 or hours * 60 + minutes > _FURTHEST_OFFSET:
        return ""
    return f"{match[1]}{hours:02}:{minutes:02}"
