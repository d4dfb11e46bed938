"""What a person would call duplicates where programs err: blanks, skies, pages, screens, bursts.

The whole line, from files to groups. `GROUPS` lists all that is to come out of it; a file that is
drawn and not listed there is to be in no group.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw
from PIL.ExifTags import IFD, Base

from indexer import IndexConfig
from indexer.images.limits import Limits
from indexer.ingest import Indexer
from indexer.models import load
from indexer.workers import ReadPool
from search.dedup.detect.detail_check import DetailCheck
from search.dedup.detect.finder import DuplicateFinder
from search.dedup.detect.kinds import KINDS, Kind, Thresholds
from search.dedup.plan.groups import Grouper
from search.dedup.plan.keepers import KeepOrder
from search.dedup.request import DROPPED, KEEP_RULES
from storage import Library
from tests.drawn_images import page, photo, screen, sky

# What each file is beside the keeper. Two groups share a keeper where one holds copies, which are
# to go, and the other edits of what stays of them.
GROUPS: dict[str, dict[str, Kind | None]] = {
    "a black frame, copied": {"black.png": None, "black copy.png": "identical"},
    "a blank page, copied": {"blank.png": None, "blank copy.png": "identical"},
    "a letter, scanned and encoded again": {"letter.png": None, "letter.jpg": "same-picture"},
    "a bill, scanned and encoded again": {"bill.png": None, "bill.jpg": "same-picture"},
    # Of so soft an image a hash says little: features find the copy, and it is not to go unseen.
    "clouds, encoded again": {"cloudy.png": None, "cloudy.jpg": "edited"},
    "other clouds, encoded again": {"overcast.png": None, "overcast.jpg": "edited"},
    "a screen as PNG and as JPEG": {"inbox.png": None, "inbox.jpg": "same-picture"},
    "a shot of the burst, encoded again": {
        "burst 3.jpg": None,
        "burst 3 sent.jpg": "same-picture",
    },
    "the scene in colour": {
        "CMYK.tif": None,
        "RGB.png": "same-picture",
        "RGBA.png": "same-picture",
        "YCbCr.tif": "same-picture",
    },
    # A palette has made one colour of several: it is no full copy of the others. Nor is the one in
    # Lab, whose 8 bits moved the strongest colours by up to 28 levels.
    "the scene in 256 colours": {
        "PA.tif": None,
        "P.png": "same-picture",
        "P.gif": "same-picture",
    },
    "the scene in gray": {
        "F.tif": None,
        "I.tif": "same-picture",
        "I;16.tif": "same-picture",
        "I;16.png": "same-picture",
        "L.png": "same-picture",
        "LA.png": "same-picture",
    },
    "the scene, and what was made of it": {
        "CMYK.tif": None,
        "F.tif": "edited",
        "1.png": "edited",
        "RGBA cut out.png": "edited",
        "P cut out.png": "edited",
    },
}
BURST = {f"burst {number}.jpg" for number in range(10)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All images in one folder, drawn."""
    made = tmp_path_factory.mktemp("images")
    for draw in (_black, _white, _skies, _screens, _burst, _modes):
        draw(made)
    return made


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.create(tmp_path_factory.mktemp("library") / "library") as made:
        config = IndexConfig(paths=(str(folder),), workers=1)
        assert Indexer(made, load("mini", device="cpu"), config).run().failed == 0
        DuplicateFinder(made, Thresholds()).run()
        yield made


def _black(folder: Path) -> None:
    """Lens caps, and the frames between scenes of a film: nothing in them is an image."""
    frame = Image.new("RGB", (640, 360))
    for name in ("black.png", "black copy.png", "black.jpg", "black.bmp"):
        frame.save(folder / name)
    frame.resize((1280, 720)).save(folder / "black large.png")
    for number in range(2):
        noise = np.random.default_rng(number).integers(0, 9, (360, 640, 3)).astype(np.uint8)
        Image.fromarray(noise).save(folder / f"dark {number}.jpg", quality=90)


def _white(folder: Path) -> None:
    blank = Image.new("RGB", (620, 877), "white")
    for name in ("blank.png", "blank copy.png", "blank.jpg"):
        blank.save(folder / name)
    for name, seed in (("letter", 1), ("bill", 2)):
        page(seed).save(folder / f"{name}.png")
        page(seed).save(folder / f"{name}.jpg", quality=80)


def _skies(folder: Path) -> None:
    """Two are so smooth that nothing tells one from another: no copy of those is let go either."""
    for name, seed, top, bottom, clouds in (
        ("noon", 1, "#3f7fd0", "#b8d8f4", 0.0),
        ("evening", 2, "#2a3b6b", "#f0a060", 0.0),
        ("cloudy", 3, "#3f7fd0", "#b8d8f4", 0.9),
        ("overcast", 4, "#3f7fd0", "#b8d8f4", 0.9),
    ):
        drawn = sky(seed, top, bottom, clouds)
        drawn.save(folder / f"{name}.png")
        drawn.save(folder / f"{name}.jpg", quality=80)


def _screens(folder: Path) -> None:
    for name, seed in (("inbox", 1), ("sent", 2), ("drafts", 3), ("archive", 4)):
        screen(seed).save(folder / f"{name}.png")
    screen(1).save(folder / "inbox.jpg", quality=85)


def _burst(folder: Path) -> None:
    """Draw ten shots within two seconds, from the hand; one was also sent by a messenger."""
    scene = photo(11, (700, 540))
    for number in range(10):
        rng = np.random.default_rng(number)
        left, top = 20 + 3 * number, 20 + 2 * (number % 3)
        shot = np.asarray(scene.crop((left, top, left + 640, top + 480)), np.int16)
        noise = rng.normal(0, 3, shot.shape).round().astype(np.int16)
        image = Image.fromarray(np.clip(shot + noise, 0, 255).astype(np.uint8))
        exif = _shot(number * 200)
        image.save(folder / f"burst {number}.jpg", quality=92, exif=exif)
        if number == 3:
            image.resize((480, 360)).save(folder / "burst 3 sent.jpg", quality=70, exif=exif)


def _shot(milliseconds: int) -> Image.Exif:
    """Write what a camera says of a shot so long after noon."""
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model] = "Canon", "Canon EOS 40D"
    seconds, rest = divmod(milliseconds, 1000)
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = f"2024:05:01 12:00:{seconds:02}"
    exif.get_ifd(IFD.Exif)[Base.SubsecTimeOriginal] = f"{rest:03}"
    return exif


def _modes(folder: Path) -> None:
    """Store one scene in every mode that a file can have."""
    scene = photo(21, (320, 240))
    gray = scene.convert("L")
    levels = np.asarray(gray)
    palette = scene.quantize(256)
    opaque = Image.new("L", scene.size, 255)
    hole = opaque.copy()
    ImageDraw.Draw(hole).rectangle((0, 0, 110, 90), 0)
    alpha = palette.convert("PA")
    alpha.putalpha(opaque)
    cut = palette.copy()
    cut.paste(255, (0, 0, 110, 90))
    images = {
        "1.png": gray.convert("1"),
        "L.png": gray,
        "LA.png": Image.merge("LA", (gray, opaque)),
        "P.png": palette,
        "P.gif": palette,
        "PA.tif": alpha,
        "RGB.png": scene,
        "RGBA.png": Image.merge("RGBA", (*scene.split(), opaque)),
        "RGBA cut out.png": Image.merge("RGBA", (*scene.split(), hole)),
        "CMYK.tif": scene.convert("CMYK"),
        "YCbCr.tif": scene.convert("YCbCr"),
        "LAB.tif": _lab(scene),
        "I;16.tif": Image.fromarray(levels.astype(np.uint16) * 257),
        "I;16.png": Image.fromarray(levels.astype(np.uint16) * 257),
        "I.tif": Image.fromarray(levels.astype(np.int32)),
        "F.tif": Image.fromarray(levels.astype(np.float32) / 255),
    }
    for name, image in images.items():
        image.save(folder / name)
        with Image.open(folder / name) as stored:
            assert stored.mode == name.split(".")[0].split(" ")[0]
    cut.save(folder / "P cut out.png", transparency=255)


def _lab(scene: Image.Image) -> Image.Image:
    colours, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    made = ImageCms.profileToProfile(scene, colours, lab, outputMode="LAB")
    assert made is not None
    return made


def _groups(library: Library, *kinds: Kind) -> list[dict[str, Kind | None]]:
    """Return every group as it is planned: file names, and what each is beside the keeper."""
    with ReadPool(1, Limits(), "indexer.images.compare.comparison") as pool:
        check = DetailCheck(Thresholds(), library.thumbnail, pool)
        groups = list(Grouper(library, KeepOrder(KEEP_RULES), kinds, DROPPED, check).run())
    return [
        {Path(group.keeper.path).name: None}
        | {Path(member.path).name: member.kind for member in group.others}
        for group in groups
    ]


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_is_what_a_person_would_say(library: Library, name: str) -> None:
    found = _groups(library, *KINDS[:3])
    assert GROUPS[name] in found, [each for each in found if each.keys() & GROUPS[name].keys()]


def test_there_are_no_other_groups(library: Library) -> None:
    others = [each for each in _groups(library, *KINDS[:3]) if each not in GROUPS.values()]
    assert others == []


def test_no_shot_of_a_burst_is_to_go(library: Library) -> None:
    """Each is similar to others, for a person to choose among, and a copy of none."""
    found = [each for each in _groups(library, *KINDS) if each.keys() & BURST]
    kinds = {name: kind for each in found for name, kind in each.items() if name in BURST}
    assert kinds.keys() == BURST
    assert set(kinds.values()) <= {None, "similar"}, found
