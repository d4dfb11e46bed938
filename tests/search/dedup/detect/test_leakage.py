"""Leaks: test images that are in the training set, as they are, as copies or as crops."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageOps

from indexer import Report
from indexer.images.limits import Limits
from indexer.images.thumbnail import thumbnail
from indexer.workers import ReadPool
from search.dedup.detect import leakage
from search.dedup.detect.detail_check import DetailCheck
from search.dedup.detect.kinds import Thresholds
from search.dedup.detect.leakage import Leak, LeakFinder
from storage import Capture, Library
from tests.conftest import Index
from tests.drawn_images import page, photo


def _tested(file: Path, image: Image.Image, quality: int = 90) -> leakage.TestImage:
    file.parent.mkdir(exist_ok=True)
    image.save(file, "JPEG", quality=quality)
    content, read = file.read_bytes(), Image.open(file).convert("RGB")
    digest = sha256(content).hexdigest()
    return leakage.TestImage(str(file), digest, len(content), Capture(), thumbnail(read))


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
    library: Library,
    folder: Path,
    tested: Iterable[leakage.TestImage],
    crops: bool = True,
    **how: Any,
) -> list[Leak]:
    with ReadPool(1, Limits(), "indexer.images.compare.comparison") as pool:
        check = DetailCheck(Thresholds(), library.thumbnail, pool)
        finder = LeakFinder(library, str(folder), Thresholds(), check, crops, **how)
        finder.prepare()
        return list(finder.run(tested))


def _said(found: list[Leak]) -> set[tuple[str, str, str]]:
    return {(Path(each.test).name, Path(each.paths[0]).name, each.kind) for each in found}


@pytest.fixture
def tests(tmp_path: Path) -> list[leakage.TestImage]:
    folder = tmp_path / "test"
    cropped = photo(5).crop((48, 36, 432, 324))
    retouched = photo(6).copy()
    ImageDraw.Draw(retouched).rectangle((200, 150, 206, 156), "#20e040")
    return [
        _tested(folder / "same bytes", photo(1)),
        _tested(folder / "smaller", photo(2).resize((240, 180)), 70),
        _tested(folder / "mirrored", ImageOps.mirror(photo(3))),
        _tested(folder / "cropped", cropped),
        _tested(folder / "retouched", retouched),
        _tested(folder / "stranger", photo(99)),
        _tested(folder / "plain", Image.new("RGB", (320, 240), "white")),
    ]


@pytest.mark.parametrize("at_once", [4096, 2])
def test_copies_and_edits_are_found_and_strangers_are_not(
    library: Library,
    training: Path,
    tests: list[leakage.TestImage],
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
) -> None:
    monkeypatch.setattr(leakage, "_AT_ONCE", at_once)
    found = _found(library, training.parent / "test", tests)
    assert _said(found) == {
        ("same bytes", "1.jpg", "identical"),
        ("smaller", "2.jpg", "same-picture"),
        ("mirrored", "3.jpg", "edited"),
        ("cropped", "5.jpg", "edited"),
        ("retouched", "6.jpg", "similar"),
    }
    turned = {Path(each.test).name: each.evidence.orientation for each in found}
    assert turned["mirrored"] == "mirror"


def test_without_features_a_crop_goes_unseen(
    library: Library, training: Path, tests: list[leakage.TestImage]
) -> None:
    found = _found(library, training.parent / "test", tests, crops=False)
    assert "cropped" not in {Path(each.test).name for each in found}
    assert len(found) == 4


def test_the_test_set_is_no_part_of_the_training_set(
    library: Library, training: Path, tests: list[leakage.TestImage]
) -> None:
    assert _found(library, training, tests) == []


def test_only_the_chosen_training_images_count(
    library: Library, training: Path, tests: list[leakage.TestImage]
) -> None:
    number = library.find(str(training / "2.jpg")).id
    folder = training.parent / "test"
    found = _found(library, folder, tests, among=[number], within=str(training))
    assert _said(found) == {("smaller", "2.jpg", "same-picture")}


def test_an_empty_library_leaks_nothing(
    library: Library, tmp_path: Path, tests: list[leakage.TestImage]
) -> None:
    assert _found(library, tmp_path, tests) == []


def test_a_crop_in_which_something_differs_is_similar(
    library: Library, training: Path, index: Index
) -> None:
    other = photo(4).copy()
    ImageDraw.Draw(other).rectangle((150, 120, 210, 150), "white")
    bill = page(1, (1240, 1754))
    bill.save(training / "bill.png")
    index(training)
    changed = bill.copy()
    ImageDraw.Draw(changed).text((300, 400), "paid 80.00", "black", font_size=24)
    folder = training.parent / "test"
    tested = [
        _tested(folder / "written over", other.crop((30, 20, 450, 340))),
        _tested(folder / "bill", bill.crop((30, 30, 1210, 1720))),
        _tested(folder / "another bill", changed.crop((30, 30, 1210, 1720))),
    ]
    found = _found(library, folder, tested)
    assert _said(found) == {
        ("written over", "4.jpg", "similar"),
        ("bill", "bill.png", "edited"),
        ("another bill", "bill.png", "similar"),
    }
    assert not any(each.unchecked for each in found)


def test_what_could_not_be_compared_closely_says_so(
    library: Library, training: Path, tests: list[leakage.TestImage]
) -> None:
    training.rename(training.parent / "away")
    found = _found(library, training.parent / "test", tests)
    assert {Path(each.test).name: each.unchecked for each in found} == {
        "same bytes": False,
        "smaller": True,
        "mirrored": True,
        "cropped": True,
        "retouched": True,
    }
