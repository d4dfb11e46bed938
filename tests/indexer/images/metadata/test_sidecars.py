"""Sidecars are found by the names that programs give them, where it is plain whose they are."""

import os
from pathlib import Path

import pytest

from indexer.images.metadata.sidecars import SidecarFinder, sidecar_paths, state


def beside(folder: Path, image: str, *others: str, excluded: str = "") -> list[str]:
    for name in (image, *others):
        (folder / name).write_bytes(b"x")
    found = SidecarFinder()(str(folder / image), lambda path: Path(path).name == excluded)
    return [Path(sidecar.path).name for sidecar in found or ()]


@pytest.mark.parametrize(
    ("image", "others", "expected"),
    [
        ("a.jpg", (), []),
        ("a.jpg", ("a.jpg.xmp",), ["a.jpg.xmp"]),
        ("a.jpg", ("a.xmp",), ["a.xmp"]),
        ("a.jpg", ("a.xmp", "a.jpg.xmp"), ["a.jpg.xmp", "a.xmp"]),
        ("a.jpg", ("b.xmp", "a.png.xmp", "a_01.jpg.xmp"), []),
        ("A.JPG", ("a.XMP",), ["a.XMP"]),
        ("cafe\u0301.jpg", ("caf\u00e9.xmp",), ["caf\u00e9.xmp"]),
        ("a.jpg", ("a.cr2", "a.xmp"), []),  # it speaks for the RAW file
        ("a.jpg", ("a.png", "a.xmp"), []),
        ("a.jpg", ("a.png", "a.xmp", "a.jpg.xmp"), ["a.jpg.xmp"]),
        ("a.heic", ("a.mov", "a.aae", "a.xmp"), ["a.xmp"]),  # a Live Photo is one image
        ("a.jpg", (".xmp", ".a.xmp"), []),
        ("a", ("a.xmp",), ["a.xmp"]),
        ("a.jpg.png", ("a.jpg", "a.jpg.xmp"), []),  # it speaks for a.jpg
        ("a.jpg.png", ("A.JPG", "a.jpg.xmp", "a.jpg.png.xmp"), ["a.jpg.png.xmp"]),
        ("a.jpg", ("a.jpg.png", "a.jpg.xmp"), ["a.jpg.xmp"]),
        ("a.jpg.png", ("a.jpg.xmp",), ["a.jpg.xmp"]),
    ],
)
def test_a_sidecar_is_known_by_its_name(
    tmp_path: Path, image: str, others: tuple[str, ...], expected: list[str]
) -> None:
    assert beside(tmp_path, image, *others) == expected


def test_a_folder_of_the_name_of_an_image_takes_no_sidecar_from_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert beside(tmp_path, "a.jpg", "a.xmp") == ["a.xmp"]


def test_a_sidecar_that_was_just_written_is_found(tmp_path: Path) -> None:
    image = str(tmp_path / "a.jpg")
    os.utime(tmp_path, (1, 1))
    assert sidecar_paths(image) == sidecar_paths(image) == []
    (tmp_path / "a.xmp").touch()
    assert sidecar_paths(image) == [str(tmp_path / "a.xmp")]
    (tmp_path / "a.xmp").unlink()
    assert sidecar_paths(image) == []
    with pytest.raises(FileNotFoundError):
        sidecar_paths(str(tmp_path / "gone" / "a.jpg"))


def test_what_is_excluded_and_what_a_link_leads_to_is_no_sidecar(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    (tmp_path / "a.jpg.xmp").symlink_to(tmp_path / "elsewhere")
    assert beside(tmp_path, "a.jpg") == []
    assert beside(tmp_path, "b.jpg", "b.xmp", excluded="b.xmp") == []


def test_a_folder_that_is_not_there_has_no_sidecars(tmp_path: Path) -> None:
    assert SidecarFinder()(str(tmp_path / "gone" / "a.jpg"), lambda _: False) == ()


def test_a_state_changes_with_names_sizes_and_dates(tmp_path: Path) -> None:
    def look() -> str | None:
        return state(SidecarFinder()(str(tmp_path / "a.jpg"), lambda _: False) or ())

    assert look() is None
    sidecar = tmp_path / "a.xmp"
    sidecar.write_bytes(b"one")
    states = {look()}
    sidecar.write_bytes(b"longer")
    states.add(look())
    sidecar.rename(tmp_path / "a.jpg.xmp")
    states.add(look())
    assert len(states) == 3
