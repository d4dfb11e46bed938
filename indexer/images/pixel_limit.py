"""Pillow's check against decompression bombs, by a limit of ours in the calls that ask for it.

Pillow checks every size it meets (headers, frames, tiles, a JPEG inside a JPEG XL) against
`Image.MAX_IMAGE_PIXELS`, and warns or raises. That number and Python's warning filters belong to
the whole process: set for one call, they change what another thread sees, and two threads that
each put back what they met leave them changed. So neither is touched. The check itself is
replaced, once, by one that goes by the limit of the call it runs in and is Pillow's own
everywhere else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from PIL import Image

_allowed: ContextVar[int | None] = ContextVar("pixels allowed", default=None)
_check_of_pillow = Image._decompression_bomb_check


@contextmanager
def pixel_limit(pixels: int) -> Iterator[None]:
    """Make Pillow raise DecompressionBombError above `pixels`, and neither warn nor raise below.

    For what this thread does inside the block, and for nothing else.
    """
    before = _allowed.set(pixels)
    try:
        yield
    finally:
        _allowed.reset(before)


def _check(size: tuple[int, int], *, error_only: bool = False) -> None:
    allowed = _allowed.get()
    if allowed is None:
        _check_of_pillow(size, error_only=error_only)
        return
    pixels = max(1, size[0]) * max(1, size[1])
    if pixels > allowed:
        raise Image.DecompressionBombError(
            f"Image size ({pixels} pixels) exceeds limit of {allowed} pixels"
        )


Image._decompression_bomb_check = _check
