"""The first version of the reader that reads an image as now."""

from PIL import ExifTags, ImageFile

from indexer.images import colour
from indexer.images.formats.png import Png
from indexer.images.formats.tiff import BITS_PER_SAMPLE, EXTRA_SAMPLES, Directory
from indexer.images.orientation import orientation
from indexer.images.rgb import base_mode
from indexer.images.samples import deep_grey_alpha

_ALPHA_KINDS = frozenset((1, 2))


def reads_since(image: ImageFile.ImageFile, form: str, data: bytes, is_mended: bool) -> int:
    """Return the first version that may give the pixels of an opened image as they are given now.

    0 for what was always read so; 1 where a profile, the orientation, the bit depth or the
    transparency is seen to, or where the file had to be mended. Told by the header alone.
    """
    if is_mended or _is_turned_otherwise(image, form, data) or _has_other_samples(image, data):
        return 1
    profile = colour.profile(image, data)
    converts = profile is not None and colour.conversion(profile, base_mode(image)) is not None
    return int(converts)


def _is_turned_otherwise(image: ImageFile.ImageFile, form: str, data: bytes) -> bool:
    """Return whether the orientation differs from the one in Exif, which once always counted."""
    return form != "TIFF" and _once(image) != orientation(image, form, data)


def _once(image: ImageFile.ImageFile) -> int:
    """Return how an image was turned before: by all that Pillow takes for Exif, XMP among it."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a broken EXIF block raises nearly anything
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _has_other_samples(image: ImageFile.ImageFile, data: bytes) -> bool:
    if image.format == "PNG":
        return _png_has_other_samples(Png(data))
    if image.format == "TIFF":
        directory = Directory(data)
        alpha = _ALPHA_KINDS & set(directory.numbers(EXTRA_SAMPLES))
        is_deep = image.mode.startswith("I;16") or 16 in directory.numbers(BITS_PER_SAMPLE)
        is_deep |= image.mode == "I" and directory.is_unsigned
        return is_deep or (image.mode == "RGBA" and not alpha)
    return deep_grey_alpha(image) is not None or (image.format, image.mode) == ("BMP", "RGBA")


def _png_has_other_samples(png: Png) -> bool:
    header = png.header
    if header is None:
        return False
    return header.depth == 16 or (header.depth != 8 and png.transparent() is not None)
