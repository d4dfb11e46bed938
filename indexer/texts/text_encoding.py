"""Bytes of a text file as characters: which encoding they are in, and what of them is damaged.

UTF-8 is RFC 3629, byte order marks are section 23.8 of the Unicode Standard. What is neither is
recognised by chardet, whose answer counts only where it is clear; else the file is refused.
"""

import re
import unicodedata
from codecs import (
    BOM_UTF8,
    BOM_UTF16_BE,
    BOM_UTF16_LE,
    BOM_UTF32_BE,
    BOM_UTF32_LE,
    getincrementaldecoder,
)
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from itertools import chain

from indexer.texts.text_plausibility import (
    count_beyond_ascii,
    is_latin,
    is_of_one_script,
    is_plausible,
    letters,
)
from storage.errors import TextFailure

_BOMS = (  # the longer ones first: UTF-32 little-endian begins like UTF-16
    (BOM_UTF8, "utf-8"),
    (BOM_UTF32_LE, "utf-32-le"),
    (BOM_UTF32_BE, "utf-32-be"),
    (BOM_UTF16_LE, "utf-16-le"),
    (BOM_UTF16_BE, "utf-16-be"),
)
_ISO_2022 = ("iso2022_kr", "iso2022_jp_ext", "iso2022_jp_2")  # ASCII with escapes: valid UTF-8
_ISO_2022_ESCAPE = b"\x1b$"
_LEGACY = (
    "cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874 cp850 cp866 iso8859-2 "
    "iso8859-5 koi8-r koi8-u mac-roman mac-cyrillic cp932 euc-jp gb18030 big5hkscs cp949"
).split()
# What chardet knows besides and no text file is in: EBCDIC, and what `decode` tries before.
_EXCLUDED = (
    "ascii utf-8-sig utf-16 utf-16-be utf-16-le utf-32 utf-32-be utf-32-le utf-7 hz iso2022_jp_2 "
    "iso2022_jp_2004 iso2022_jp_ext iso2022_kr cp1140 cp424 cp500 cp875 cp1026 cp273"
).split()
_WINDOW = 1 << 16  # bytes or characters by which an encoding is recognised
_SAMPLE = 1 << 14  # of its bytes, by which chardet judges
_CLEARLY = 100  # bad places in a window
# How much likelier than its rival an encoding must be: 1 + 2 ÷ the bytes beyond ASCII.
_MARGIN = 2.0
# And how likely by itself, where most bytes are beyond ASCII: chardet rules out what one stray
# byte contradicts, and Hebrew with such a byte looks like Cyrillic, by 0.18. True ones have 0.3.
_LEAST, _LEAST_OF_SOME, _LEAST_OF_MANY = 0.005, 0.03, 0.25
_MANY, _MOSTLY = 60, 0.4  # bytes, and their share
# Within plain ASCII, Windows-1252 is met much oftener: its likelihood is taken twice, or, where
# more bytes beyond ASCII tell more, 1 + 10 ÷ their number times.
_USUAL, _ADVANTAGE, _AT_MOST = "cp1252", 10.0, 2.0
_WITHIN_ASCII = 3  # bytes to one of the words beyond ASCII
_FEW = 50  # characters to one beyond ASCII, where it hardly matters how that one is read
_MOST_STRAY = 2  # bad bytes in ASCII that are damage, rather than letters of another encoding
_SCRIPT = 3  # bytes beyond ASCII that tell a script: one or two are a damaged letter as well
# The others, near twins of these at most, have to be the likeliest one themselves, by more bytes.
_ENOUGH, _RARELY = 16, 0.8  # bytes beyond ASCII; what their likelihood is multiplied by
_COMMON = frozenset((*_LEGACY, "utf-8")) - {"mac-cyrillic"}
_UNASSIGNED = frozenset(("Cn", "Co", "Cs"))

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BAD_LETTER = re.compile("(?<=[\\w\ufffd])\ufffd|\ufffd(?=[\\w\ufffd])")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
# The digits and what follows them may be second bytes of East Asian characters.
_BETWEEN_WORDS = re.compile(rb"[\x00-/]+")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The characters of a file, and in words what of its bytes gave none; empty for nothing."""

    text: str
    damage: str = ""


def decode(data: bytes) -> Decoded:
    """Decode the bytes of a text file; raises TextFailure for what is not text.

    A byte order mark decides and is dropped; else it is UTF-8, also where a few of its bytes are
    not, which read as U+FFFD; else UTF-16, UTF-32 or an older encoding, where it is clear which.
    Line ends stay as they are, so that offsets stay true.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    if b"\0" in data:
        wide = None if _is_utf8(data.rstrip(b"\0")) else _wide(data)
        decoded = wide or _zeros(data)
        if decoded is None or "\0" in decoded.text:
            raise TextFailure("the file is not text: it holds zero bytes")
        return decoded
    return _iso_2022(data) or _utf8(data) or _wide(data) or _legacy(data)


def _marked(data: bytes, encoding: str) -> Decoded:
    text, bad, cut = _lenient(data, encoding)
    # In UTF-8 bad bytes show themselves; any two bytes make a number of UTF-16.
    first = "" if encoding == "utf-8" else text[:_WINDOW]
    odd = sum(unicodedata.category(c) in _UNASSIGNED for c in first)
    few = len(text) // 20 + 1
    if bad > few or odd > min(few, _WINDOW // 20) or (data and bad == len(text)):
        raise TextFailure(f"the file is marked as {encoding.upper()} and is not: save it as UTF-8")
    if "\0" in text:
        raise TextFailure("the file is not text: it holds zero characters")
    return Decoded(text, _damage(encoding, bad, cut))


def _iso_2022(data: bytes) -> Decoded | None:
    """Decode the encodings of East Asian mail, in which escapes change the alphabet."""
    for encoding in _ISO_2022 if _ISO_2022_ESCAPE in data else ():
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            if "\x1b" not in text and is_plausible(text):
                return Decoded(text)
    return None


def _utf8(data: bytes) -> Decoded | None:
    """Decode UTF-8 with a few bad bytes; None for bytes that are rather something else."""
    if len(_CONTROL.findall(data[:_WINDOW])) > min(len(data), _WINDOW) // 10:
        return None
    with suppress(UnicodeDecodeError):
        return Decoded(data.decode())
    text, bad, cut = _lenient(_window(data), "utf-8")
    if bad > _CLEARLY and not _is_sound(text, bad, cut):
        return None  # to decode all of it so would take long
    text, bad, cut = _lenient(data, "utf-8")
    return Decoded(text, _damage("utf-8", bad, cut)) if _is_sound(text, bad, cut) else None


def _is_sound(text: str, bad: int, cut: int) -> bool:
    """Return whether a text that was read as UTF-8 is that for the most part."""
    # Older encodings seldom make the sequences of several bytes that UTF-8 is made of, and then
    # letters of scripts that do not belong together.
    whole = count_beyond_ascii(text) - bad
    if whole > 4 * bad or not (bad or (cut and not whole)):
        return True
    return whole > bad and is_of_one_script(text) and is_plausible(text[:_WINDOW])


def _wide(data: bytes) -> Decoded | None:
    """Decode UTF-16 or UTF-32 without a mark; None for bytes that are neither."""
    if not _CONTROL.search(data):  # a byte of each letter is the small number of its alphabet
        return None
    zeros = data.count(0)
    if zeros and zeros < len(data) // 4 and _is_utf8(data.replace(b"\0", b"")):
        return None
    encodings = ["utf-16-be", "utf-16-le"]  # ASCII has its zeros in front, or behind
    if data[1::2].count(0) > data[::2].count(0):
        encodings.reverse()
    for encoding in ["utf-32-le", "utf-32-be", *encodings] if zeros else encodings:
        beginning, bad, _ = _lenient(data[:_WINDOW], encoding)
        if bad or len(beginning) < 2 or not is_plausible(beginning):
            continue
        text, bad, cut = _lenient(data, encoding)
        if not bad and (zeros or is_of_one_script(beginning)):
            return Decoded(text, _damage(encoding, bad, cut))
    return None


def _zeros(data: bytes) -> Decoded | None:
    """Decode a text that ends in zero bytes, as after a power cut, or contains a few."""
    written = data.rstrip(b"\0")
    lost = len(data) - len(written)
    if lost and written:
        with suppress(TextFailure):
            text, damage = astuple(decode(written))
            tail = (
                "1 zero byte at the end is" if lost == 1 else f"{lost:,} zero bytes at the end are"
            )
            said = f"{tail} left out"
            return Decoded(text, f"{damage}, {said}" if damage else said)
    zeros = data.count(0)
    if lost or zeros > len(data) // _FEW or not _is_utf8(data.replace(b"\0", b"")):
        return None
    said = "1 place is a zero byte" if zeros == 1 else f"{zeros:,} places are zero bytes"
    return Decoded(data.decode().replace("\0", "\ufffd"), f"{said} and read as \ufffd")


def _is_utf8(data: bytes) -> bool:
    """Return whether bytes are UTF-8 without control characters."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(data)


def _legacy(data: bytes) -> Decoded:
    """Decode what is neither Unicode nor ASCII; raises TextFailure where that is not clear."""
    encoding = None if _CONTROL.search(data) else _recognised(_window(data))
    if encoding is not None:
        text, bad, cut = _lenient(data, encoding)
        if bad <= len(text) // 1000:
            return Decoded(text, _damage(encoding, bad, cut))
    text, bad, cut = _lenient(data, "utf-8")
    whole = count_beyond_ascii(text) - bad
    share = len(text) // _FEW
    is_few = len(_BAD_LETTER.findall(text)) <= min(_MOST_STRAY, share)
    is_few &= bad <= max(_MOST_STRAY, share)
    if (is_few or bad <= whole) and (bad or cut > 1 or whole) and is_plausible(text[:_WINDOW]):
        return Decoded(text, _damage("utf-8", bad, cut))
    raise TextFailure(
        "the file is not text in UTF-8, and which encoding it is in is not certain: save it as "
        "UTF-8"
    )


def _recognised(data: bytes) -> str | None:
    """Return the encoding that is clearly likelier than all that read the bytes differently."""
    ranked = _plausible(data)
    read: list[tuple[float, str, str]] = []  # as far as the first rival: each costs its decoding
    for one in ranked:
        read.append(one)
        if one[1] in _COMMON and one[2] != read[0][2]:
            break
    if not read:
        return _USUAL if _is_nearly_ascii(data) else None
    alike = (one for one in read if one[1] in _COMMON and one[2] == read[0][2])
    likelihood, encoding, _ = next(alike, read[0])
    rivals = (one[0] for one in read if one[1] in _COMMON and one[2] != read[0][2])
    beyond = sum(byte > 0x7F for byte in data)
    least = _LEAST
    if beyond > _MOSTLY * len(data):
        least = _LEAST_OF_MANY if beyond >= _MANY else _LEAST_OF_SOME
    margin = 1 + _MARGIN / beyond
    needed = 1.0 if encoding == _USUAL else margin
    if likelihood >= max(least, needed * next(rivals, 0.0)) and (
        encoding in _COMMON or beyond >= _ENOUGH
    ):
        return encoding
    if not _is_nearly_ascii(data):
        return None
    usual = next((one[0] for one in chain(read, ranked) if one[1] == _USUAL), 0.0)
    return _USUAL if likelihood <= margin * usual else None


def _plausible(data: bytes) -> Iterator[tuple[float, str, str]]:
    """Yield (likelihood, encoding, text) for the possible encodings, the most likely first."""
    import chardet  # its models take a tenth of a second that only texts of this kind cost

    words = b" ".join(word for word in _BETWEEN_WORDS.split(data) if not word.isascii())
    is_within = len(words) * _WITHIN_ASCII < len(data)
    sample = words if is_within else data  # ASCII is likely in any encoding, English in cp1252
    found = chardet.detect_all(
        sample[:_SAMPLE],
        ignore_threshold=True,
        compat_names=False,
        exclude_encodings=_EXCLUDED,
        no_match_encoding="utf-8",  # which the bytes are not
    )
    beyond = len(_BEYOND_ASCII.findall(data))
    likelihoods = []
    for one in found:
        encoding = one["encoding"] or "utf-8"
        times = 1.0 if encoding in _COMMON or encoding in _LEGACY else _RARELY
        if is_within and encoding == _USUAL:
            times = min(_AT_MOST, 1 + _ADVANTAGE / beyond)
        likelihoods.append((one["confidence"] * times, encoding in _COMMON, encoding))
    for likelihood, _, encoding in sorted(likelihoods, key=lambda one: one[:2], reverse=True):
        with suppress(UnicodeDecodeError, LookupError):
            text = getincrementaldecoder(encoding)().decode(data)  # its end may be cut
            if is_plausible(text) and (beyond >= _SCRIPT or is_latin(text)):
                yield likelihood, encoding, text


def _window(data: bytes) -> bytes:
    """Return so much of a text as is enough to recognise its encoding by."""
    found = _BEYOND_ASCII.search(data)
    first = found.start() if found else 0
    start = data.rfind(b"\n", max(0, first - _WINDOW // 2), first) + 1  # of its line
    return data[start : start + _WINDOW]


def _is_nearly_ascii(data: bytes) -> bool:
    """Return whether a text is all ASCII but for some letters or signs of Western Europe."""
    try:
        text = data.decode(_USUAL)
    except UnicodeDecodeError:
        return False
    written = letters(text)
    beyond = sum(not c.isascii() for c in written)
    return beyond * _FEW <= len(written) and is_plausible(text)


def _lenient(data: bytes, encoding: str) -> tuple[str, int, int]:
    """Decode; count the characters that are bad, and the bytes of a last one that is cut short."""
    with suppress(UnicodeDecodeError):
        return data.decode(encoding), 0, 0
    decoder = getincrementaldecoder(encoding)("replace")
    text = decoder.decode(data)
    written = data.decode(encoding, "ignore").count("\ufffd")
    return text, text.count("\ufffd") - written, len(decoder.getstate()[0])


def _damage(encoding: str, bad: int, cut: int) -> str:
    said = []
    if bad:
        places = "1 place is" if bad == 1 else f"{bad:,} places are"
        said.append(f"{places} not {encoding.upper()} and read as \ufffd")
    if cut:
        said.append("the last letter is cut short")
    return ", ".join(said)
