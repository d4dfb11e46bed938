"""The home folder in a path as a person types it."""

import os
from pathlib import Path


def expand_home(path: str | Path) -> Path:
    """Return a path with a leading `~` or `~user` expanded; of an unknown user it stays as it is.

    `Path.expanduser` raises RuntimeError there, where a shell takes the name for a file's.
    """
    return Path(os.path.expanduser(path))
