"""How many pictures a file holds: copies are told by the first, and the others would go unseen."""

from pathlib import Path

from PIL import Image

from indexer import jxl

UNTOLD = 0
# Formats of animations and of pages; MPO and HEIF hold views of one shot.
_SEVERAL = frozenset({"GIF", "WEBP", "PNG", "AVIF", "TIFF"})


def frames(path: str, form: str) -> int:
    """Count the frames of an animation or the pages of a scan, from the file's headers.

    `form` is the format as the library names it. `UNTOLD` where the file cannot be read, or is a
    JPEG XL that moves: those do not say how often.
    """
    try:
        if form.upper() == "JXL":
            return 1 if jxl.moves(Path(path).read_bytes()) is False else UNTOLD
        if form.upper() not in _SEVERAL:
            return 1
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return UNTOLD
