"""The companions that a folder holds, found from the image and the other way round."""

import os
from pathlib import Path

import pytest

from search.dedup.companions import CompanionFinder, Folder
from tests.search.dedup.planted_duplicates import put


def test_companions_are_files_that_are_there(tmp_path: Path) -> None:
    image = put(tmp_path / "P.jpg")
    beside = [put(tmp_path / name) for name in ("P.MOV", "P.jpg.xmp", "p.Nef")]
    for name in ("P.png", "Q.mov", "P.jpg.txt"):
        put(tmp_path / name)
    (tmp_path / "P.json").mkdir()
    (tmp_path / "P.wav").symlink_to("nowhere")
    (tmp_path / "P.thm").symlink_to("P.MOV")
    found = Folder(str(tmp_path)).companions("P.jpg")
    assert found == sorted(map(str, [*beside, tmp_path / "P.thm"]))
    assert CompanionFinder()(str(image)) == tuple(found)


def test_the_images_that_share_a_companion_are_found(tmp_path: Path) -> None:
    for name in ("IMG_1.HEIC", "img_1.jpg", "IMG_E1.HEIC", "IMG_2.HEIC", "IMG_1.AAE", "IMG_1.NEF"):
        put(tmp_path / name)
    shared = Folder(str(tmp_path)).images("IMG_1.AAE")
    assert [os.path.basename(path) for path in shared] == ["IMG_1.HEIC", "IMG_E1.HEIC", "img_1.jpg"]


def test_a_further_version_is_no_companion_where_an_image_has_its_name(tmp_path: Path) -> None:
    put(tmp_path / "P.jpg")
    sidecar = str(put(tmp_path / "P_01.jpg.xmp"))
    alone = Folder(str(tmp_path))
    assert alone.companions("P.jpg") == [sidecar]
    assert alone.images("P_01.jpg.xmp") == [str(tmp_path / "P.jpg")]
    other = str(put(tmp_path / "P_01.JPG"))
    both = Folder(str(tmp_path))
    assert both.companions("P.jpg") == []
    assert both.companions("P_01.JPG") == [sidecar]
    assert both.images("P_01.jpg.xmp") == [other]


def test_a_folder_is_listed_once_for_all_its_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [put(tmp_path / f"{number}.jpg") for number in range(9)]
    put(tmp_path / "3.mov")
    listed, real = [], os.listdir

    def counted(path: str) -> list[str]:
        listed.append(path)
        return real(path)

    monkeypatch.setattr(os, "listdir", counted)
    finder = CompanionFinder()
    assert [bool(finder(str(image))) for image in images] == [n == 3 for n in range(9)]
    assert len(listed) == 1


def test_where_no_folder_is_no_companions_are_known(tmp_path: Path) -> None:
    assert CompanionFinder()(str(tmp_path / "none" / "P.jpg")) == ()
