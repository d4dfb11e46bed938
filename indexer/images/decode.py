"""Safe decoding of an image: from any bytes to upright RGB or one clear `DecodeFailure`.

Workers decode every photo of a library here and a search its query image, so both see the same
pixels. Decoders are C code fed with untrusted bytes: only formats of the list below are tried, the
size is checked before pixels are decoded, and whatever a decoder raises becomes a readable reason.
Decoders that hang or crash are handled by `indexer.workers`.
"""

import math
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageFile, UnidentifiedImageError

from indexer.images import colour
from indexer.images.file_kind import HEAD_BYTES, signature
from indexer.images.formats import jxl
from indexer.images.formats.png import Png
from indexer.images.formats.tiff import Directory
from indexer.images.limits import Limits as Limits
from indexer.images.limits import too_many_bytes
from indexer.images.metadata import exif
from indexer.images.orientation import orientation, upright
from indexer.images.pixel_limit import pixel_limit
from indexer.images.repair import prepared, repaired
from indexer.images.rgb import alpha_of, base_mode, to_rgb
from indexer.images.samples import normalised
from indexer.images.versions import reads_since
from storage.errors import DecodeFailure, FileFailure, UnreadableFile
from storage.records import Capture

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF", "BMP", "JPEG2000", "JXL")

# The formats that Pillow reads itself with little to load, and its plugins for them.
_LIGHT = {
    "JPEG": "Jpeg",
    "PNG": "Png",
    "WEBP": "WebP",
    "TIFF": "Tiff",
    "GIF": "Gif",
    "BMP": "Bmp",
    "JPEG2000": "Jpeg2K",
}
_SCALES_ITSELF = frozenset(("JPEG", "MPO"))
_REDUCIBLE = frozenset(("L", "RGB", "CMYK"))
_LONGEST_REASON = 160  # characters taken from a decoder's own words

T = TypeVar("T")


for plugin in _LIGHT.values():
    import_module(f"PIL.{plugin}ImagePlugin")


@cache
def register_all() -> None:
    """Register the decoders of `FORMATS` that are not light, and no others.

    Pillow knows its decoders by one table for the whole process, so a program reads HEIF and JPEG
    XL from here on. Its own settings of them are left as they are.
    """
    import_module("PIL.AvifImagePlugin")
    if "HEIF" not in Image.OPEN:
        from pillow_heif import register_heif_opener

        register_heif_opener()
    import_module("pillow_jxl")


def configure_decoders() -> None:
    """Configure the decoders of a process that only decodes, such as a worker.

    Each works on one thread, because many files are decoded side by side, and because every
    thread takes address space that counts against a worker's memory limit.
    """
    from PIL import AvifImagePlugin
    from pillow_heif import register_heif_opener

    register_all()
    register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    import_module("pillow_jxl").JpegXLImagePlugin.DECODE_THREADS = 1


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A decoded upright image.

    `width` and `height` are the upright size of the stored image; `image` (sRGB, 8 bits) may
    be smaller where the codec was asked to scale down. `reads_since` is the first version of the
    reader that gives these pixels, see `indexer.reader.READER_VERSION`.
    """

    image: Image.Image
    format: str  # "JPEG", "HEIF", …
    width: int
    height: int
    capture: Capture
    reads_since: int = 0
    alpha: Image.Image | None = None  # opacity (L) where it was asked for and not all is opaque


@dataclass(frozen=True, slots=True)
class Header:
    """The metadata of an image, and the first version that reads its pixels as now."""

    capture: Capture
    reads_since: int


def read_bytes(path: str | Path, limit: int, name: str = "file_bytes") -> bytes:
    """Read a file of at most `limit` bytes, a limit called `name`; raises UnreadableFile."""
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= limit:
                return file.read()
    except OSError as error:
        raise UnreadableFile(why_unreadable(error)) from None
    raise UnreadableFile(too_many_bytes(size, limit, name))


def open_image(
    source: bytes | str | Path,
    *,
    limits: Limits | None = None,
    smallest: tuple[int, int] | None = None,
    alpha: bool = False,
) -> DecodedImage:
    """Decode the first frame of an image, given as its bytes or its path.

    `smallest` (short side, long side) allows the codec to scale down as long as neither side
    falls below it; None decodes in full. With `alpha` the opacity is kept beside the colours that
    were laid over white. Raises UnreadableFile or DecodeFailure.
    """
    limits = limits or Limits()
    data = source if isinstance(source, bytes) else read_bytes(source, limits.file_bytes)
    if not data:
        raise DecodeFailure("the file is empty (0 bytes)")
    with pixel_limit(limits.pixels):
        return _read(
            data,
            limits,
            lambda file, original: _decode(file, original, limits, smallest, alpha),
        )


def open_header(data: bytes, limits: Limits) -> Header:
    """Read the metadata of an image without decoding it; raises DecodeFailure.

    Its pixels are not decoded, save those of JPEG XL, whose decoder cannot do without.
    """
    with pixel_limit(limits.pixels):
        return _read(data, limits, lambda file, original: _header(file, original, limits))


def _read(data: bytes, limits: Limits, read: Callable[[bytes, bytes], T]) -> T:
    """Read a file, and again after a repair if that fails.

    `read` takes the bytes, maybe mended, and the bytes as they were.
    """
    form = signature(data[:HEAD_BYTES]) or ""
    ready = prepared(data, form)
    try:
        return read(ready, data)
    except DecodeFailure:
        mended = _mended(ready, form, limits)
        if mended is None:
            raise
    return read(mended, data)


def _mended(data: bytes, form: str, limits: Limits) -> bytes | None:
    try:
        return repaired(data, form, limits.pixels)
    except DecodeFailure:
        raise
    except Exception:  # memory, or bytes that no repair foresaw: the first reason stands
        return None


def _open(data: bytes, limits: Limits) -> ImageFile.ImageFile:
    announced = signature(data[:HEAD_BYTES])
    if announced == "JXL":
        _check_jxl(data, limits)
    try:
        image = _identified(data, announced)
    except UnidentifiedImageError:
        if announced is None:
            raise DecodeFailure(
                f"the content is not an image of a supported format: {', '.join(FORMATS)}"
            ) from None
        raise DecodeFailure(_why_unknown(data, announced)) from None
    except Exception as error:
        raise _failure(error, announced or "image", limits) from None
    if math.prod(image.size) > limits.pixels:
        raise DecodeFailure(limits.too_many_pixels(math.prod(image.size)))
    return image


def _identified(data: bytes, announced: str | None) -> ImageFile.ImageFile:
    """Open by the decoder of the announced format, or by all; raises UnidentifiedImageError."""
    if announced in _LIGHT:
        with suppress(UnidentifiedImageError):
            return Image.open(BytesIO(data), formats=(announced,))
    register_all()
    return Image.open(BytesIO(data), formats=FORMATS)


def _why_unknown(data: bytes, announced: str) -> str:
    kind = Directory(data).kind if announced == "TIFF" else None
    if kind is None:
        return f"the file begins like {announced}, but its header is damaged"
    return f"a TIFF of this kind is not read: {kind}; save a copy as grey or RGB of 8 or 16 bits"


def _check_jxl(data: bytes, limits: Limits) -> None:
    """Raise a DecodeFailure for a large file: the plugin decodes all pixels on opening."""
    size = jxl.dimensions(data)
    if size is None:
        raise DecodeFailure("the file begins like JXL, but its header is damaged")
    if math.prod(size) > limits.pixels:
        raise DecodeFailure(limits.too_many_pixels(math.prod(size)))


def _header(data: bytes, original: bytes, limits: Limits) -> Header:
    # A PNG's Exif may stand behind its pixels, and Pillow decodes them to get there.
    small = Png(data).small() if signature(data[:HEAD_BYTES]) == "PNG" else None
    image = _open(small or data, limits)
    name = _name(image)
    try:
        return Header(exif.capture(image), reads_since(image, name, data, data is not original))
    except Exception as error:
        raise _failure(error, name, limits) from None


def _decode(
    data: bytes, original: bytes, limits: Limits, smallest: tuple[int, int] | None, alpha: bool
) -> DecodedImage:
    image = _open(data, limits)
    name, stored = _name(image), image.size
    try:
        if image.format == "PNG":
            image.load()  # its EXIF may stand behind the pixels
        capture, turn = exif.capture(image), orientation(image, name, data)
        since = reads_since(image, name, data, data is not original)
        profile = colour.profile(image, data)
        if smallest is not None:
            _scale_down(image, smallest)
        seen, opacity = normalised(image, data, original)
        if image.format == "TIFF":
            stored = seen.size  # Pillow has turned it while loading
        if smallest is not None and profile is not None and opacity is None:
            seen = _reduced(seen, profile, smallest)
        kept = alpha_of(seen, opacity) if alpha else None
        ready = upright(to_rgb(seen, profile, opacity), turn)
    except Exception as error:
        raise _failure(error, name, limits) from None
    width, height = stored if turn < 5 else stored[::-1]
    kept = None if kept is None else upright(kept, turn)
    return DecodedImage(ready, name, width, height, capture, since, kept)


def _name(image: ImageFile.ImageFile) -> str:
    return "JPEG" if image.format == "MPO" else image.format or "picture"


def _scale_down(image: ImageFile.ImageFile, smallest: tuple[int, int]) -> None:
    """Make a JPEG decoder produce 1/2, 1/4 or 1/8 of the size, at a fraction of the time."""
    if image.format not in _SCALES_ITSELF:
        return
    factor = max(need / side for need, side in zip(smallest, sorted(image.size), strict=True))
    if factor < 1:
        width, height = image.size
        image.draft(None, (math.ceil(width * factor), math.ceil(height * factor)))


def _reduced(image: Image.Image, profile: bytes, smallest: tuple[int, int]) -> Image.Image:
    """Reduce an image by an integer factor if its colours will be converted.

    That costs a third of decoding twelve megapixels of HEIF, and a fiftieth of it in the end.
    """
    needs = zip(smallest, sorted(image.size), strict=True)
    factor = min((side // need for need, side in needs if need), default=1)
    if factor < 2 or image.mode not in _REDUCIBLE or image.has_transparency_data:
        return image
    converts = colour.conversion(profile, base_mode(image)) is not None
    return image.reduce(factor) if converts else image


def _failure(error: Exception, name: str, limits: Limits) -> FileFailure:
    """Return a DecodeFailure with one readable line for any error of a decoder."""
    if isinstance(error, FileFailure):
        return error
    if isinstance(error, MemoryError):
        return DecodeFailure(limits.too_much_memory())
    said = _tidy(error)
    if isinstance(error, Image.DecompressionBombError):
        found = re.search(r"\((\d+) pixels\)", said)
        return DecodeFailure(limits.too_many_pixels(int(found[1]) if found else limits.pixels + 1))
    if "truncated" in said.lower() or isinstance(error, EOFError):
        return DecodeFailure(f"the {name} is cut short ({said})")
    return DecodeFailure(f"the {name} is damaged ({said})")


def _tidy(error: Exception) -> str:
    said = re.sub(r"<[^<>]* at 0x[0-9a-f]+>", "the file", " ".join(str(error).split()))
    said = re.sub(r"^(decoder error -?\d+|Generic Error).*", "its pixels cannot be decoded", said)
    return said[:_LONGEST_REASON] or type(error).__name__


def why_unreadable(error: OSError) -> str:
    """Return in words why the system did not let a file be read."""
    if isinstance(error, PermissionError):
        return "permission denied: allow the user who runs this program to read the file"
    if isinstance(error, FileNotFoundError):
        return "the file vanished before it was read"
    return f"the file cannot be read ({error.strerror or error})"
