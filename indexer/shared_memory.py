"""The memory that a worker process shares with this one: arrays cross in it, not in a pipe.

It is a file without a name that both hold open, in memory where the system offers that, so that
nothing of it stays when either is killed. It is read and written by calls and not mapped: cut
short, a mapping would end its reader, and it would count against a worker's memory limit. Where
there is no such file, as on Windows, everything goes through the pipe.
"""

import os
import pickle
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Self

_MOST_BYTES = 64 << 20  # of one answer; only what was once written takes memory
_LEAST_BYTES = 4096  # a smaller array is better off in the pipe


class SharedMemory:
    """A memory for one answer at a time; `descriptor` is None where everything is piped."""

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor

    @classmethod
    def create(cls) -> Self:
        """Create a memory that ends with the last process that holds it."""
        with suppress(OSError):
            return cls(_nameless_file())
        return cls(None)

    def dumps(self, answer: object) -> bytes:
        """Write the arrays of an answer into the memory, and return all else for the pipe."""
        sizes: list[int] = []

        def takes(buffer: pickle.PickleBuffer) -> bool:
            with buffer.raw() as raw:
                if self._put(raw, sum(sizes)):
                    sizes.append(raw.nbytes)
                    return True
            return False

        # The callback says which arrays belong in the pipe after all.
        body = pickle.dumps(answer, 5, buffer_callback=lambda buffer: not takes(buffer))
        return pickle.dumps(tuple(sizes)) + body

    def load(self, pipe: IO[bytes]) -> object:
        """Read an answer from a pipe, and its arrays from the memory.

        Raises ValueError where it names bytes that are not in the memory, and whatever pickle
        raises for one that is cut short.
        """
        buffers = self._read(pickle.load(pipe))
        return pickle.load(pipe, buffers=buffers)

    def close(self) -> None:
        """Close the memory; it ends when the other process has ended too."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def _put(self, raw: memoryview, place: int) -> bool:
        if self.descriptor is None or not _LEAST_BYTES <= raw.nbytes <= _MOST_BYTES - place:
            return False
        with suppress(OSError):  # the disk is full
            return os.pwrite(self.descriptor, raw, place) == raw.nbytes
        return False

    def _read(self, sizes: Sequence[int]) -> list[bytes]:
        # Written by a process that reads hostile files: nothing is taken on trust.
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ValueError(f"sizes of arrays are whole numbers, not {sizes!r}")
        if sum(sizes) > _MOST_BYTES or (sizes and self.descriptor is None):
            raise ValueError(f"arrays of {sum(sizes):,} bytes are not in the memory")
        places = [sum(sizes[:index]) for index in range(len(sizes))]
        return [self._bytes(place, size) for place, size in zip(places, sizes, strict=True)]

    def _bytes(self, place: int, size: int) -> bytes:
        assert self.descriptor is not None
        read = os.pread(self.descriptor, size, place)
        if len(read) != size:
            raise ValueError(f"the memory ends {size - len(read):,} bytes before the array")
        return read


def _nameless_file() -> int | None:
    """Open a file without a name and return its descriptor; None where there is no such file."""
    if os.name != "posix":
        return None
    if sys.platform == "linux":
        with suppress(OSError):
            return _sealed_memory()
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _sealed_memory() -> int:
    """Open memory whose size no process can change: Linux's."""
    import fcntl  # there is no such module on Windows

    descriptor = os.memfd_create("sightline", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, _MOST_BYTES)
        seals = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
