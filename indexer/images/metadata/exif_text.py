"""Texts of Exif tags, which the specification wants in ASCII or UTF-8 and cameras write in more."""

import re
from codecs import getincrementaldecoder

_MAX_LENGTH = 120  # characters of a camera or a lens; more is rubbish or an attack
_utf8 = getincrementaldecoder("utf-8")
# UTF-16 by its mark (RFC 2781, section 3.2), or two letters and more with a zero beside each.
_UTF16 = {
    "utf-16": re.compile(rb"\xff\xfe|\xfe\xff"),
    "utf-16-le": re.compile(rb"(?:[^\0]\0){2,}(?:\0|\Z)", re.DOTALL),
    "utf-16-be": re.compile(rb"(?:\0[^\0]){2,}(?:\0|\Z)", re.DOTALL),
}


def decode(value: bytes) -> str:
    """Return the text of a tag up to its first NUL, read as UTF-8, else as Windows-1252.

    Exif 3.0 (CIPA DC-008-2023, section 4.6.2) has ASCII (type 2) and UTF-8 (type 129); programs
    have long written UTF-8 into ASCII tags too. A letter that the end of a field cuts in two is
    left out. Some programs write UTF-16. Shift_JIS and GBK of older cameras name themselves
    nowhere and a maker's name is too short to tell them apart: their ASCII part is kept, the rest
    comes out as Western letters.
    """
    for encoding, form in _UTF16.items():
        if form.match(value):
            return getincrementaldecoder(encoding)("ignore").decode(value).split("\0")[0]
    value = value.split(b"\0")[0]
    try:
        return _utf8().decode(value)  # not final: what is cut at the end is no error
    except UnicodeDecodeError:
        pass
    try:
        return value.decode("cp1252")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def one_line(value: object) -> str | None:
    """Return a short text in one line without control characters; None for no text or no words."""
    if isinstance(value, str):
        text = value.split("\0")[0]
    elif isinstance(value, bytes):
        text = decode(value)
    else:
        return None
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:_MAX_LENGTH] or None
