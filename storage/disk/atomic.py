"""Files that are there whole or not at all: written beside their place, synced, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Yield a stream whose bytes become the file when the block ends well; raises OSError.

    What stood there is replaced; nothing is left of a block that raises.
    """
    draft = path.with_name(f".sightline-{token_hex(8)}")
    try:
        with draft.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            draft.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a power cut, sees the old one or the new one."""
    with written_whole(path) as stream:
        stream.write(content)


def publish(draft: Path, path: Path) -> None:
    """Bring a finished file to the disk and then to its name; raises OSError."""
    with draft.open("rb+") as stream:
        os.fsync(stream.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: str | Path) -> None:
    """Bring a folder's names to the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
