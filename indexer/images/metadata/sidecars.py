"""The XMP sidecars of images: found by name, and known again by size and date.

"photo.jpg.xmp" is the sidecar of photo.jpg, as darktable and digiKam write it. "photo.xmp", as
Adobe's programs write it (XMP Specification Part 3, 3), is so too unless another "photo.*" is
there that may be an image: beside photo.jpg and photo.cr2 it speaks for the RAW file, and beside
photo.jpg and photo.jpg.png "photo.jpg.xmp" speaks for the former. Names are compared as file
systems compare them that are lax about case and accents.
"""

import json
import os
import stat
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from indexer.images.file_kind import may_be_image

_XMP = ".xmp"
_FOLDERS = 64  # whose listings are held at a time
_SETTLED = 2_000_000_000  # nanoseconds; dates of folders are this coarse on FAT


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar as the file system shows it."""

    path: str
    size: int
    mtime_ns: int


def folded(name: str) -> str:
    """Return a name as file systems that are lax about case and accents compare it."""
    return unicodedata.normalize("NFC", name).casefold()


def state(sidecars: Sequence[Sidecar]) -> str | None:
    """Return in a few words what sidecars look like, None where there are none."""
    looks = [[os.path.basename(each.path), each.size, each.mtime_ns] for each in sidecars]
    return json.dumps(looks) if looks else None


class SidecarFinder:
    """Finds the sidecars of images; each folder is listed once."""

    def __init__(self) -> None:
        self._folder = lru_cache(_FOLDERS)(_Folder)

    def __call__(self, path: str, excludes: Callable[[str], bool]) -> tuple[Sidecar, ...] | None:
        """Return the sidecars of an image that no pattern excludes, the more telling name first.

        Return None where its folder is there and cannot be listed.
        """
        folder, name = os.path.split(path)
        names: list[str] = []
        try:
            names = self._folder(folder).sidecars(name)
        except FileNotFoundError:
            return ()
        except OSError:
            return None
        return tuple(
            seen
            for found in names
            if not excludes(beside := os.path.join(folder, found))
            for seen in _seen(beside)
        )


def sidecar_paths(path: str) -> list[str]:
    """Return the paths of what is named as a sidecar of an image now, the more telling name first.

    Raises OSError where the folder cannot be listed.
    """
    folder, name = os.path.split(path)
    return [os.path.join(folder, found) for found in _current(folder).sidecars(name)]


def _current(folder: str) -> "_Folder":
    """List a folder unless its date shows that it is as it was."""
    looked = os.stat(folder or os.curdir)
    # A change in the same tick of the clock as the one before would not show.
    if time.time_ns() - looked.st_mtime_ns < _SETTLED:
        return _Folder(folder)
    return _listed(os.path.abspath(folder), looked.st_dev, looked.st_ino, looked.st_mtime_ns)


@lru_cache(_FOLDERS)
def _listed(folder: str, *_looks: int) -> "_Folder":
    return _Folder(folder)


class _Folder:
    """The names of a folder as they were when it was listed; raises OSError where it cannot be."""

    def __init__(self, path: str) -> None:
        with os.scandir(path or os.curdir) as entries:
            found = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        names = sorted(found)
        self._sidecars = defaultdict[str, list[str]](list)  # by folded stem
        for name in names:
            if not name.startswith(".") and name.lower().endswith(_XMP):
                self._sidecars[folded(name[: -len(_XMP)])].append(name)
        self._images = defaultdict[str, int](int)  # by folded stem
        self._files = set[str]()  # folded
        if self._sidecars:
            files = [name for name in names if not found[name]]
            self._files.update(map(folded, files))
            for name in filter(may_be_image, files):
                self._images[folded(os.path.splitext(name)[0])] += 1

    def sidecars(self, name: str) -> list[str]:
        if not self._sidecars:
            return []
        whole, stem = folded(name), folded(os.path.splitext(name)[0])
        own = self._sidecars.get(whole, [])
        if stem != whole and stem not in self._files and self._images[stem] <= 1:
            own = [*own, *self._sidecars.get(stem, [])]
        return own


def _seen(path: str) -> tuple[Sidecar, ...]:
    with suppress(OSError):
        seen = os.lstat(path)
        if stat.S_ISREG(seen.st_mode):
            return (Sidecar(path, seen.st_size, seen.st_mtime_ns),)
    return ()
