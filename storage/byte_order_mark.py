"""Byte order marks: the encoding given by the first bytes of a text.

The Unicode Standard, section 23.8, "Byte Order Mark (BOM)". Notepad and PowerShell write them.
"""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE

_MARKS = (  # the longer ones first: UTF-32 little-endian begins like UTF-16
    (BOM_UTF8, "utf-8"),
    (BOM_UTF32_LE, "utf-32-le"),
    (BOM_UTF32_BE, "utf-32-be"),
    (BOM_UTF16_LE, "utf-16-le"),
    (BOM_UTF16_BE, "utf-16-be"),
)


def marked_encoding(data: bytes) -> tuple[str, bytes] | None:
    """Return the encoding of a byte order mark and the bytes after it, or None."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, data[len(mark) :]
    return None
