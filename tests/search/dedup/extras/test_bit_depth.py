"""More than eight bits per channel are held, whatever the format; the same pixels are the same."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from search.dedup.extras import as_rows, in_words, lacking
from tests.drawn_images import photo
from tests.search.dedup.extras.containers import (
    Tag,
    box,
    chunk,
    contents,
    encoded,
    tiff_bytes,
)


def deep(seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 65536, (48, 64), np.uint16))


def significant(bits: int) -> bytes:
    """Make a PNG of 16 bits of which so many mean something (third edition, 11.3.2.5)."""
    plain = encoded("PNG", deep())
    return plain[:33] + chunk(b"sBIT", bytes([bits])) + plain[33:]


def jxl(form: str) -> bytes:
    """Make the beginning of a JPEG XL of 8 by 8 pixels (ISO/IEC 18181-1, annexes D.2 and D.3).

    Behind the size: not all by default, nothing out of the way, then `form`, lowest bit first.
    """
    bits = "1" + "00000" + "100" + "0" + "0" + form
    return b"\xff\x0a" + int(bits[::-1], 2).to_bytes(62, "little")


def heif(bits: int) -> bytes:
    levels = np.random.default_rng(1).integers(0, 65536, (64, 64, 3), np.uint16)
    stream = BytesIO()
    if bits == 8:
        pillow_heif.from_pillow(photo(1, (64, 64))).save(stream)
    else:
        made = pillow_heif.from_bytes("RGB;16", (64, 64), levels.tobytes())
        made.save(stream)
    return stream.getvalue()


def tiff(*bits: int) -> bytes:
    tags: list[Tag] = [(256, 3, [4]), (257, 3, [4]), (258, 3, bits)]
    return tiff_bytes([tags])


BOXED = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl ", bytes(4), b"jxl ")


@pytest.mark.parametrize(
    ("data", "bits"),
    [
        (encoded("PNG", deep()), 16),
        (significant(12), 12),
        (significant(8), None),
        (encoded("PNG"), None),
        (encoded("PNG", Image.new("P", (9, 9))), None),
        (encoded("TIFF", deep()), 16),
        (encoded("TIFF", deep(), compression="tiff_lzw"), 16),
        (encoded("TIFF", Image.new("F", (9, 9), 0.5)), 32),
        (encoded("TIFF"), None),
        (encoded("TIFF", Image.new("1", (9, 9))), None),
        (tiff(12, 12, 12), 12),
        (tiff(8, 8, 8, 16), 16),
        (encoded("JPEG2000", deep()), 16),
        (encoded("JPEG2000", deep(), no_jp2=True), 16),
        (encoded("JPEG2000"), None),
        (jxl("0" + "00"), None),
        (jxl("0" + "10"), 10),
        (jxl("0" + "01"), 12),
        (jxl("0" + "11" + "111100"), 16),
        (jxl("1" + "00"), 32),
        (jxl("1" + "10"), 16),
        (BOXED + box(b"jxlc", jxl("0" + "01")), 12),
        (BOXED + box(b"jxlp", bytes(4), jxl("0" + "10")), 10),
        (encoded("JXL", photo(1, (64, 48))), None),
        (heif(8), None),
        (heif(10), 10),
        (encoded("AVIF", photo(1, (64, 48))), None),
    ],
)
def test_the_bits_are_read_where_the_format_tells_them(
    tmp_path: Path, data: bytes, bits: int | None
) -> None:
    found = contents(tmp_path, data)
    assert [each.count for each in found.extras] == ([] if bits is None else [bits])
    assert found.kinds <= {"bit depth"}
    assert in_words(as_rows(found.extras)) == (f"{bits} bits per channel" if bits else "")


NOTED: dict[str, dict[str, Any]] = {
    "PNG": {"dpi": (300, 300)},
    "TIFF": {"tiffinfo": {270: "a note"}},
    "JPEG2000": {},
}


@pytest.mark.parametrize("form", NOTED)
def test_only_the_same_deep_pixels_are_the_same(tmp_path: Path, form: str) -> None:
    one, other = (contents(tmp_path, encoded(form, deep(seed))) for seed in (0, 1))
    noted = contents(tmp_path, encoded(form, deep(), **NOTED[form]))
    assert lacking(one, noted) == ()
    assert lacking(one, other) == one.extras
    assert lacking(one, contents(tmp_path, encoded(form))) == one.extras
