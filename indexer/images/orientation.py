"""The orientation of an image: one rule for each format.

| format | what counts | specification |
| :- | :- | :- |
| JPEG | Exif tag 274 | CIPA DC-008 (Exif) |
| PNG | Exif tag 274 of its eXIf chunk | PNG, Third Edition (W3C) |
| WebP | Exif tag 274 of its EXIF chunk | RFC 9649 |
| TIFF | tag 274 of its first directory; Pillow turns while it loads | TIFF 6.0 |
| HEIF | `irot` and `imir`, never Exif; libheif turns | ISO/IEC 23008-12 |
| AVIF | `irot` and `imir`, never Exif; Pillow reports them as an Exif tag | ISO/IEC 23000-22 |
| JPEG XL | a field of the codestream, never Exif; libjxl turns | ISO/IEC 18181-1 and 18181-2 |
| JPEG 2000, GIF, BMP | nothing: they are stored upright | ISO/IEC 15444-1, GIF89a, MS-WMF |

Never counts what XMP says (tiff:Orientation, a copy of the Exif tag by CIPA DC-010), nor Exif in
a text chunk of a PNG ("Raw profile type exif"), which no specification has; browsers and most
viewers turn by neither.
"""

from typing import Literal

from PIL import Image

from indexer.images.formats import jxl
from indexer.images.metadata import exif

Rule = Literal["exif", "turned by its decoder", "codestream", "stored upright"]

RULES: dict[str, Rule] = {
    "JPEG": "exif",
    "PNG": "exif",
    "WEBP": "exif",
    "TIFF": "turned by its decoder",
    "HEIF": "turned by its decoder",
    "AVIF": "exif",
    "JXL": "codestream",
    "JPEG2000": "stored upright",
    "GIF": "stored upright",
    "BMP": "stored upright",
}

_UPRIGHT = {  # orientation → what turns the stored image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image, form: str, data: bytes) -> int:
    """Return how a loaded image still has to be turned, 1 (not at all) to 8, as Exif counts.

    `form` is a key of RULES, `data` the bytes of the file.
    """
    rule = RULES[form]
    if rule == "exif":
        return exif.orientation(image)
    if rule == "codestream" and getattr(image, "jpeg", False):
        # A JPEG packed without loss is handed over as the JPEG that it was, not turned.
        return jxl.orientation(data)
    return 1


def upright(image: Image.Image, turn: int) -> Image.Image:
    """Return the image turned upright by an orientation of 1 to 8."""
    return image.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else image
