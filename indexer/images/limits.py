"""The limits of reading one file: pixels, bytes, memory and seconds, and their messages."""

from dataclasses import dataclass
from typing import Annotated

from storage.fields import Between, check_fields

_MIB = 1 << 20
SIZES = Between(1, 1 << 40)  # pixels or bytes
SECONDS = Between(0.1, 3600)
Size = Annotated[int, SIZES]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of reading one file; exceeding one fails that file only.

    `pixels` is width × height as the header states it; `memory_bytes` is what a worker may
    take on top of what it holds when idle, and `seconds` is wall time for the whole file.
    """

    pixels: Size = 100_000_000
    file_bytes: Size = 512 * _MIB  # of an image; well above a 100-megapixel 16-bit TIFF's need
    text_bytes: Size = 64 * _MIB  # of a text or table: its passages travel home in one piece
    memory_bytes: Size = 1024 * _MIB
    seconds: Annotated[float, SECONDS] = 20.0

    def __post_init__(self) -> None:
        check_fields(self)

    def too_many_pixels(self, found: int) -> str:
        """Return the message that an image, or one of its frames, is larger than `pixels`."""
        return (
            f"the image has {found:,} pixels, the limit is {self.pixels:,}: "
            "make a smaller copy or raise the limit `pixels`"
        )

    def too_much_memory(self) -> str:
        """Return the message that reading ran out of `memory_bytes`."""
        return (
            f"reading it needed more than {_mib(self.memory_bytes)} of memory: "
            "make a smaller copy or raise the limit `memory_bytes`"
        )

    def too_long(self) -> str:
        """Return the message that reading took more than `seconds`."""
        return f"reading it took longer than {self.seconds:g} s: raise the limit `seconds`"


def too_many_bytes(size: int, limit: int, name: str) -> str:
    """Return the message that a file of `size` bytes is larger than the limit called `name`."""
    return f"the file has {_mib(size)}, the limit is {_mib(limit)}: raise the limit `{name}`"


def _mib(size: int) -> str:
    return f"{size / _MIB:,.1f} MiB"
