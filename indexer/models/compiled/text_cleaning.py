"""The cleaning of a text before it becomes tokens, as open_clip does it, without open_clip.

Plain text in ASCII, which is most of what people type, needs no library for it.
"""

import html
import string
from typing import Literal

Cleaning = Literal["", "lower", "whitespace", "canonicalize", "canonical"]
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def clean(text: str, how: Cleaning) -> str:
    """Return a text as a tokenizer of that kind takes it; "" leaves it as it is.

    "canonicalize" mends broken characters before what "canonical" does.
    """
    if how in ("", "canonical"):
        return canonical(text) if how else text
    mended = _mended(text)
    if how == "canonicalize":
        return canonical(mended)
    joined = " ".join(mended.split())
    return joined.lower() if how == "lower" else joined


def canonical(text: str) -> str:
    """Return a text in lower case, without punctuation, with single spaces (SigLIP's rule)."""
    return " ".join(text.replace("_", " ").translate(_WITHOUT_PUNCTUATION).lower().split())


def _mended(text: str) -> str:
    # ftfy leaves printable ASCII without entities as it is, and takes a while to import.
    if text.isascii() and text.isprintable() and "&" not in text:
        return text.strip()
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()
