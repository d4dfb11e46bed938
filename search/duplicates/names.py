"""Names that are free: what to call a file where its own name is taken."""

import os
from collections import Counter
from collections.abc import Callable


class Names:
    """Finds free names in folders; a name that is taken gets a number, as `pattern` spells it.

    It remembers what it gave, for thousands of files may share one name.
    """

    def __init__(self, pattern: str, is_taken: Callable[[str], bool] = os.path.lexists) -> None:
        self._pattern = pattern  # " ({})"
        self._is_taken = is_taken
        self._given: Counter[str] = Counter()

    def free(self, folder: str, name: str) -> str:
        """Give a path in the folder that nothing has and that was not given before."""
        path = wanted = os.path.join(folder, name)
        stem, end = os.path.splitext(wanted)
        while True:
            self._given[wanted] += 1
            if (number := self._given[wanted]) > 1:
                path = stem + self._pattern.format(number) + end
            if not self._is_taken(path):
                return path
