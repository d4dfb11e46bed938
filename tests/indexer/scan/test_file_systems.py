"""What a file system keeps: the type decides, and the nearest mount point says which it is."""

import os
from pathlib import Path

import pytest

from indexer.scan.file_systems import UNKNOWN, FileSystems, StableStat, stable_stat

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows shows no change time")


@pytest.mark.parametrize("name", ["ext4", "xfs", "btrfs", "zfs", "apfs", "NTFS", "ntfs3", "tmpfs"])
def test_systems_that_number_files_on_the_disk(name: str) -> None:
    assert stable_stat(name) == StableStat(ctime=True, inode=True)


@pytest.mark.parametrize("name", ["vfat", "exfat", "FAT32", "fuseblk", "fuse.sshfs", "macfuse"])
def test_systems_that_make_both_up_at_each_mount(name: str) -> None:
    assert stable_stat(name) == StableStat(ctime=False, inode=False)


@pytest.mark.parametrize("name", ["nfs4", "cifs", "smbfs", "overlay", "fuse.mergerfs", "new-fs"])
def test_systems_that_hand_on_a_change_time(name: str) -> None:
    assert stable_stat(name) == StableStat(ctime=True, inode=False)


def test_the_nearest_mount_point_decides() -> None:
    stick = StableStat(ctime=False, inode=False)
    mounted = FileSystems({"/": StableStat(True, True), "/media/stick": stick})
    assert mounted.of("/media/stick/2019/a.jpg") == stick
    assert mounted.of("/media/sticks/a.jpg") == StableStat(True, True)
    assert mounted.mounted_at("/media/stick") == stick
    assert mounted.mounted_at("/media") is None
    assert FileSystems({}).of("/media/stick") == UNKNOWN


def test_the_mount_table_of_this_machine_is_read(tmp_path: Path) -> None:
    assert FileSystems.read().mounted_at(os.path.abspath(os.sep)) is not None
