"""The companions of the images of a folder, by the folder's listing."""

import os
from collections import defaultdict
from contextlib import suppress
from functools import lru_cache

from search.dedup.companions.naming import belongs, folded, is_companion, original, stems

_FOLDERS = 256  # listings cached


class Folder:
    """The names in a folder at the time it was listed."""

    def __init__(self, path: str) -> None:
        """List a folder; raises OSError."""
        self.path = path
        self._images: list[str] = []  # and all other files that are no companions
        self._companions: dict[str, list[str]] = defaultdict(list)  # by folded stem
        names = sorted(os.listdir(path or os.curdir))
        self._folded = frozenset(map(folded, names))
        for name in names:
            if is_companion(name):
                stem = os.path.splitext(folded(name))[0]
                for each in {stem, original(name) or stem}:
                    self._companions[each].append(name)
            else:
                self._images.append(name)

    def companions(self, image: str) -> list[str]:
        """Return the paths of the files that belong to an image, given by name."""
        names = {
            name
            for stem in stems(image)
            for name in self._companions.get(stem, ())
            if name != image and self._belongs(name, image)
        }
        paths = (os.path.join(self.path, name) for name in sorted(names))
        return [path for path in paths if os.path.isfile(path)]

    def images(self, companion: str) -> list[str]:
        """Return the paths of the files to which a companion belongs, given by name."""
        sharing = (name for name in self._images if self._belongs(companion, name))
        paths = (os.path.join(self.path, name) for name in sharing)
        return [path for path in paths if os.path.isfile(path)]

    def _belongs(self, companion: str, image: str) -> bool:
        # If both P.jpg and P_01.jpg exist, P_01.jpg.xmp belongs to the latter only.
        own = os.path.splitext(folded(companion))[0]
        if original(companion) == folded(image) and own in self._folded:
            return False
        return belongs(companion, image)


class CompanionFinder:
    """Finds the companions of many images; each folder is listed once."""

    def __init__(self) -> None:
        self._folder = lru_cache(_FOLDERS)(Folder)

    def __call__(self, path: str) -> tuple[str, ...]:
        """Return the paths of an image's companions, none if its folder cannot be listed."""
        with suppress(OSError):
            folder, name = os.path.split(path)
            return tuple(self._folder(folder).companions(name))
        return ()
