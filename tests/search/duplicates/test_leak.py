"""Leaks: test pictures that are in the training set, as they are, as copies or as crops."""

from collections.abc import Iterable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from indexer import Report
from indexer.thumbnail import thumbnail
from search.duplicates import leak
from search.duplicates.kinds import Thresholds
from search.duplicates.leak import Leaked, LeakFinder, Suspect
from storage import Capture, Library
from tests.conftest import Index
from tests.search.duplicates.drawn import photo


def _tested(name: str, image: Image.Image, quality: int = 90) -> Suspect:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    read = Image.open(stream).convert("RGB")
    return Suspect(name, sha256(stream.getvalue()).hexdigest(), Capture(), thumbnail(read))


@pytest.fixture
def training(tmp_path: Path, library: Library, index: Index) -> Path:
    folder = tmp_path / "training"
    folder.mkdir()
    for seed in range(1, 7):
        photo(seed).save(folder / f"{seed}.jpg", quality=90)
    report: Report = index(folder)
    assert report.failed == 0
    return folder


def _found(
    library: Library, folder: Path, tested: Iterable[Suspect], crops: bool = True
) -> list[Leaked]:
    finder = LeakFinder(library, str(folder), Thresholds(), crops)
    finder.prepare()
    return list(finder.run(tested))


def _said(found: list[Leaked]) -> set[tuple[str, str, str]]:
    return {(each.test, Path(each.paths[0]).name, each.kind) for each in found}


def _set() -> list[Suspect]:
    cropped = photo(5).crop((48, 36, 432, 324))
    return [
        _tested("same bytes", photo(1)),
        _tested("smaller", photo(2).resize((240, 180)), 70),
        _tested("mirrored", ImageOps.mirror(photo(3))),
        _tested("cropped", cropped),
        _tested("stranger", photo(99)),
        _tested("plain", Image.new("RGB", (320, 240), "white")),
    ]


@pytest.mark.parametrize("at_once", [4096, 2])
def test_copies_and_edits_are_found_and_strangers_are_not(
    library: Library, training: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(leak, "_AT_ONCE", at_once)
    found = _found(library, training.parent / "test", _set())
    assert _said(found) == {
        ("same bytes", "1.jpg", "identical"),
        ("smaller", "2.jpg", "same-picture"),
        ("mirrored", "3.jpg", "edited"),
        ("cropped", "5.jpg", "edited"),
    }
    assert [each.evidence.turned for each in found if each.test == "mirrored"] == ["mirror"]


def test_without_features_a_crop_goes_unseen(library: Library, training: Path) -> None:
    found = _found(library, training.parent / "test", _set(), crops=False)
    assert "cropped" not in {each.test for each in found}
    assert len(found) == 3


def test_the_test_set_is_no_part_of_the_training_set(library: Library, training: Path) -> None:
    assert _found(library, training, _set()) == []


def test_only_the_chosen_training_pictures_count(library: Library, training: Path) -> None:
    number = library.find(str(training / "2.jpg")).id
    folder = str(training.parent / "test")
    finder = LeakFinder(library, folder, Thresholds(), among=[number], within=str(training))
    finder.prepare()
    assert _said(list(finder.run(_set()))) == {("smaller", "2.jpg", "same-picture")}


def test_an_empty_library_leaks_nothing(library: Library, tmp_path: Path) -> None:
    assert _found(library, tmp_path, _set()) == []
