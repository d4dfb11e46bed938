"""How many pictures a file holds: copies are told by the first, and the others would go unseen."""

from PIL import Image

# Formats of animations and of pages; MPO and HEIF hold views of one shot.
_SEVERAL = frozenset({"GIF", "WEBP", "PNG", "AVIF", "TIFF"})


def frames(path: str, form: str) -> int:
    """Count the frames of an animation or the pages of a scan, from the file's headers.

    `form` is the format as the library names it. A file that cannot be read counts as one.
    """
    if form.upper() not in _SEVERAL:
        return 1
    try:
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return 1
