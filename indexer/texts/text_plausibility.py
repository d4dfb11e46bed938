"""The plausibility of a text, to detect text decoded with a wrong encoding."""

import re
import unicodedata
from collections import Counter
from functools import cache

_MAX_ODD = 0.02  # of the characters beyond ASCII: nobody's spelling is perfect
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_NO_CHARACTER = frozenset(("Cn", "Co", "Cs"))  # unassigned, private, half of a surrogate pair
_WORD = re.compile(r"[^\W\d_]+")
_LETTER = "[A-Za-z\u00c0-\u052f]"
_EAST_ASIAN = "[\u3040-\u9fff\uac00-\ud7af]"
_UNCASED = "[\u0590-\u06ff\u0e00-\u0e7f]"  # Hebrew, Arabic, Thai
_DRAWING = "[\u2200-\u25ff\uff00-\uffef]"  # mathematics, boxes and blocks, other widths
_MISPLACED = re.compile(
    "|".join(
        (
            rf"{_LETTER}[\xa1-\xac\xae-\xb3\xb6\xb8\xb9\xbb-\xbf“”„‚‹›†‡‰•™ˆ˜€]+{_LETTER}",
            r"[a-zà-ÿ]–[a-zà-ÿ]",
            rf"[¢£¤¥¦¬¯±¶¸¹³¾€†‡‰™ˆ˜]{_LETTER}",
            rf"{_LETTER}[¡¿‚„¤¦¢ˆ˜]|{_LETTER}{{3}}[¹³±¼½¾]",
            rf"[A-Za-z]{_UNCASED}|{_UNCASED}[A-Za-z]",
            rf"{_DRAWING}{_LETTER}",
            rf"{_LETTER}{_DRAWING}",
            rf"[a-z]{_EAST_ASIAN}[a-z]",
        )
    )
)
_PAIRS = (("¿", "?"), ("¡", "!"))  # Spanish opens and closes
_NO_LETTER = frozenset("µªº")
_MAX_WITHOUT_ASCII = 0.2  # of the Latin words with a letter beyond ASCII: the Czech `říší`
_ONE_LETTER_WORDS = frozenset("àáåæèéêìíòóôöøùúÀÁÅÆÈÉÊÌÍÒÓÔÖØÙÚ")
_CASED = frozenset(("LATIN", "CYRILLIC", "GREEK"))
_JOINED = tuple(  # what stands together in one word
    frozenset(("LATIN", "FULLWIDTH", "CJK", *more))
    for more in (("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"), ("HANGUL",), ("BOPOMOFO",))
)


def is_plausible(text: str) -> bool:
    """Return whether the characters of a text stand as people write them.

    Read in a wrong encoding it has control characters and unassigned ones, words of two scripts,
    signs within words, capitals beyond ASCII behind small letters, and Latin words without an
    ASCII letter.
    """
    if any(unicodedata.category(c) in _NO_CHARACTER for c in set(text)) or _CONTROL.search(text):
        return False
    words = Counter(word for word in _WORD.findall(text) if not word.isascii())
    without = sum(count for word, count in words.items() if _is_without_ascii(word))
    if without > _MAX_WITHOUT_ASCII * words.total():
        return False
    odd = len(_MISPLACED.findall(text))
    odd += sum(count for word, count in words.items() if not _is_word(word))
    odd += sum(opening in text and closing not in text for opening, closing in _PAIRS)
    return odd <= _MAX_ODD * count_beyond_ascii(text)


def is_of_one_script(text: str) -> bool:
    """Return whether the letters of a text, Latin ones apart, are of scripts that go together."""
    return _go_together(_scripts(text) - {"LATIN"})


def is_latin(text: str) -> bool:
    """Return whether all letters of a text are Latin ones."""
    return _scripts(text) <= {"LATIN"}


def count_beyond_ascii(text: str) -> int:
    """Return how many characters of a text are not ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


def letters(text: str) -> list[str]:
    """Return the letters of a text; signs that Unicode counts among them are none."""
    return [c for c in text if c.isalpha() and c not in _NO_LETTER]


def _is_word(word: str) -> bool:
    scripts = _scripts(word)
    if len(scripts) != 1 or not scripts <= _CASED:
        return _go_together(scripts)
    pairs = zip(word, word[1:], strict=False)
    return not any(a.islower() and b.isupper() and not b.isascii() for a, b in pairs)


def _is_without_ascii(word: str) -> bool:
    """Return whether a word is Latin letters beyond ASCII alone, as few words are."""
    if len(word) < 3:
        return len(word) == 1 and word not in _ONE_LETTER_WORDS and _scripts(word) == {"LATIN"}
    return not any(map(str.isascii, word)) and _scripts(word) == {"LATIN"}


def _go_together(scripts: frozenset[str]) -> bool:
    return len(scripts) < 2 or any(scripts <= joined for joined in _JOINED)


def _scripts(text: str) -> frozenset[str]:
    return frozenset(map(_script, set(letters(text))))


@cache
def _script(letter: str) -> str:
    """Return the first word of a letter's name, which is its script."""
    return unicodedata.name(letter, "?").split(" ")[0]
