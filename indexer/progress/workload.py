"""A workload: how many files are to be read, or were read, and how large they are, by format."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Workload:
    """Counts of files and of their bytes by format, which is told by the ends of their names.

    None is changed once it is made, so that threads may hand it to each other.
    """

    files: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, sizes: Iterable[tuple[str, int]]) -> Self:
        """Count files, given by their paths and their sizes in bytes."""
        files, volume = Counter[str](), Counter[str]()
        for path, size in sizes:
            format = os.path.splitext(path)[1].lower()
            files[format] += 1
            volume[format] += size
        return cls(files, volume)

    def __add__(self, other: "Workload") -> "Workload":
        return Workload(self.files + other.files, self.bytes + other.bytes)

    def __sub__(self, other: "Workload") -> "Workload":
        """Return what is left of each format without the other; none is less than nothing."""
        return Workload(self.files - other.files, self.bytes - other.bytes)

    @property
    def total_files(self) -> int:
        """Return the number of files of all formats."""
        return self.files.total()

    @property
    def total_bytes(self) -> int:
        """Return the size of the files of all formats."""
        return self.bytes.total()
