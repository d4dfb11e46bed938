"""Free file names: numbered names for files whose own name is taken."""

import os
from collections import Counter
from collections.abc import Callable, Sequence


class FreeNames:
    """Finds free names in folders; a taken name gets a number in the form of `pattern`.

    It remembers the names it returned, since thousands of files may share one name.
    """

    def __init__(self, pattern: str, is_taken: Callable[[str], bool] = os.path.lexists) -> None:
        self._pattern = pattern  # " ({})"
        self._is_taken = is_taken
        self._returned: Counter[str] = Counter()

    def free(self, folder: str, name: str, companions: Sequence[str] = ()) -> str:
        """Return a path in the folder that does not exist and was not returned before.

        The renamed `companions` are free as well, as far as their names follow the file's.
        """
        path = wanted = os.path.join(folder, name)
        stem, end = os.path.splitext(wanted)
        while True:
            self._returned[wanted] += 1
            if (number := self._returned[wanted]) > 1:
                path = stem + self._pattern.format(number) + end
            beside = filter(None, (renamed(each, name, path) for each in companions))
            if not any(map(self._is_taken, (path, *beside))):
                return path


def renamed(companion: str, name: str, path: str) -> str | None:
    """Return the path of a companion beside a file that was called `name` and is now at `path`.

    Return None if its name does not begin with the file's, as IMG_1.AAE beside IMG_E1.HEIC.
    """
    stem, new_stem = os.path.splitext(name)[0], os.path.splitext(path)[0]
    for old, new in ((name, path), (stem, new_stem)):
        if companion[: len(old)].casefold() == old.casefold():
            return new + companion[len(old) :]
    return None
