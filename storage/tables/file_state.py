"""Two states of a file: in the file system, and in the catalogue."""

from dataclasses import dataclass
from typing import TypeVar

from storage.records import Annotations

Value = TypeVar("Value")
# A file's path as the system has it, its size in bytes, the times of the last change of its content
# and of anything about it in nanoseconds, and its number: the last two may not be known. Then what
# an image's sidecars look like, None where there are none.
Looks = tuple[bytes, int, int, int | None, int | None, str | None]


@dataclass(frozen=True, slots=True)
class Sidecars:
    """The sidecars of an image: what they looked like when they were read, and what they say.

    `annotations` is None where reading them failed for good: what was known before stays.
    """

    state: str | None = None  # names, sizes and dates; None: there are none
    annotations: Annotations | None = Annotations()


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file as the file system shows it now.

    `ctime_ns` (when content or rights last changed) and `inode` are None where the system has
    none, or none that lasts from one mount to the next.
    """

    root_id: int
    path: str  # absolute
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int | None = None
    inode: str | None = None
    sidecars: Sidecars | None = None  # of an image; None: they were not looked at


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as the catalogue remembers it: an item's, or one that failed (`item_id` None)."""

    path: str
    size: int
    mtime_ns: int
    item_id: int | None
    missing: bool = False
    whole: bool = True  # every vector that the item should have is in the space asked about
    excluded: bool = False
    ctime_ns: int | None = None  # None: not recorded
    inode: str | None = None
    kind: str = ""  # of the item
    hash: str = ""  # of the item
    reader_version: int = 0  # by which rules it was read, or failed to be
    table_columns: tuple[str, ...] = ()  # of the item
    metadata_version: int = 0  # by which rules the item's metadata was read
    sidecar_state: str | None = None  # of the sidecars that were read

    def looks_like(self, seen: FileSeen) -> bool:
        """Return whether nothing about the file indicates a change.

        Size and date can both survive a rewrite or an exchange of names; the change time cannot
        be set back by a program, and the number is another's where a file took the place.
        """
        return (
            self.size == seen.size
            and self.mtime_ns == seen.mtime_ns
            and _agree(self.ctime_ns, seen.ctime_ns)
            and _agree(self.inode, seen.inode)
        )

    def lacks_stat_of(self, seen: FileSeen) -> bool:
        """Return whether the system shows a change time or inode that is not recorded."""
        pairs = ((self.ctime_ns, seen.ctime_ns), (self.inode, seen.inode))
        return any(known is None and shown is not None for known, shown in pairs)


def _agree(known: Value | None, shown: Value | None) -> bool:
    return known is None or shown is None or known == shown
