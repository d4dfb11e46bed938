"""The paths of a library's files, and the home folder in paths that users type."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


def expand_home(path: str | Path) -> Path:
    """Return a path with a leading `~` or `~user` expanded; an unknown user's is unchanged.

    `Path.expanduser` raises RuntimeError for one, while a shell takes it for a file name.
    """
    return Path(os.path.expanduser(path))


@dataclass(frozen=True, slots=True)
class LibraryPaths:
    """The paths of one library; no other file joins these names."""

    root: Path

    @property
    def catalogue(self) -> Path:
        """Return the path of the SQLite catalogue."""
        return self.root / "catalogue.sqlite3"

    @property
    def index(self) -> Path:
        """Return the folder of derived FAISS files."""
        return self.root / "index"

    @property
    def thumbnails(self) -> Path:
        """Return the folder of derived thumbnails."""
        return self.root / "thumbnails"

    @property
    def lock(self) -> Path:
        """Return the path of the lock file."""
        return self.root / "lock"


def folder_size(folder: Path) -> int:
    """Return the bytes of the files in a folder; with a list, as its folders may lie deep."""
    total, waiting = 0, [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                with suppress(OSError):  # a writer's temporary file, gone again, or kept from us
                    total += entry.stat(follow_symlinks=False).st_size
    return total
