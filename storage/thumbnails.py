"""The store of thumbnails: WebP files named by the hash of their content."""

import errno
from collections.abc import Iterable
from pathlib import Path

from storage.errors import DiskFull


class Thumbnails:
    """A folder of small images; derived, so missing ones can be made again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, content: str, webp: bytes, replace: bool = False) -> None:
        """Write the thumbnail of a content that has none; a reader never sees half of one.

        `replace` writes over one that an earlier version of the reader made.
        """
        path = self._path(content)
        # Not synced, for it can be made again: a power cut may have left an empty file.
        if not replace and path.exists() and path.stat().st_size:
            return
        unfinished = path.with_suffix(".tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(webp)
            unfinished.replace(path)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DiskFull(
                f"{self._folder}: the disk took no more; free some space and run the command "
                "again, what was committed is kept"
            ) from error

    def read(self, content: str) -> bytes | None:
        """Read the thumbnail of a content; None if there is none."""
        try:
            return self._path(content).read_bytes()
        except OSError:
            return None

    def delete(self, contents: Iterable[str]) -> None:
        """Delete the thumbnails of these contents."""
        for content in contents:
            self._path(content).unlink(missing_ok=True)

    def _path(self, content: str) -> Path:
        # 256 folders keep a library of two million under 8,000 files in each.
        return self._folder / content[:2] / f"{content}.webp"
