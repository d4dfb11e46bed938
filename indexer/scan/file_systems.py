"""File systems: which of them keep a file's change time and inode across mounts.

A change time or a number that a file system makes up anew at each mount would have a whole disk
read again each time it is plugged in. On Windows Python's `st_ctime` is the time of creation,
which says nothing of changes.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

# Types as the system names them, in lower case.
# These number files on the disk itself: of all others the number says nothing.
_KEEP_INODE = frozenset(
    "ext2 ext3 ext4 xfs btrfs zfs bcachefs f2fs jfs nilfs2 reiserfs reiser4 ufs ffs hammer2 "
    "apfs hfs hfsplus ntfs ntfs3 refs tmpfs ramfs".split()
)
# FAT has no change time, and what Linux shows for one does not outlive the mount; behind FUSE
# and WebDAV anything may stand. Network drives (NFS, SMB) hand on their server's change time.
_NO_CTIME = frozenset("vfat fat fat12 fat16 fat32 msdos umsdos exfat webdav davfs davfs2".split())
_FUSE = ("fuse", "macfuse", "osxfuse")
_FUSE_WITH_CTIME = frozenset(("fuse.mergerfs",))  # shows that of the disks it joins


@dataclass(frozen=True, slots=True)
class StableStat:
    """The fields of a file's `stat` that a file system keeps across mounts."""

    ctime: bool
    inode: bool


UNKNOWN = StableStat(ctime=os.name != "nt", inode=False)


class FileSystems:
    """The mounted file systems; `mounts` maps each mount point to its stable stat fields."""

    def __init__(self, mounts: Mapping[str, StableStat]) -> None:
        self._mounts = mounts

    @classmethod
    def read(cls) -> Self:
        """Read the mount table, without touching a mounted disk: one may not answer."""
        import psutil  # an index run alone needs it

        try:
            mounted = psutil.disk_partitions(all=True)
        except (OSError, psutil.Error):  # a system that shows none: the least is expected of it
            mounted = []
        return cls({part.mountpoint: stable_stat(part.fstype) for part in mounted})

    def mounted_at(self, folder: str) -> StableStat | None:
        """Return the stable fields of the file system mounted at a folder, or None."""
        return self._mounts.get(folder)

    def of(self, path: str) -> StableStat:
        """Return the stable fields of the file system of an absolute real path."""
        while (kept := self._mounts.get(path)) is None:
            parent = os.path.dirname(path)
            if parent == path:
                return UNKNOWN
            path = parent
        return kept


def stable_stat(name: str) -> StableStat:
    """Return the stable fields of a type of file system."""
    name = name.lower()
    fuse = name.startswith(_FUSE) and name not in _FUSE_WITH_CTIME
    ctime = UNKNOWN.ctime and not fuse and name not in _NO_CTIME
    return StableStat(ctime, name in _KEEP_INODE)
