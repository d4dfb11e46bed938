"""The demo's folder: a small photo collection, drawn and dated by us, with its own library.

It holds what real collections hold: albums by year and place, copies, a folder that is still
to be sorted, notes, and files that are broken. The same pixels come out every time.
"""

import random
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from PIL import ExifTags, Image

from cli.caution import DEMO_MARKER
from indexer.models.mini.scenes.drawing import draw
from indexer.models.mini.scenes.scenes import Colour, Look, Scene, Shape, scenes
from storage.errors import InvalidArgument

PHOTOS = 300
SIDE = 360  # pixels
_SEED = 2718
_COPIES = 12
_UNSORTED = 20
_DRAWN = "drawn\n"


@dataclass(frozen=True, slots=True)
class Album:
    """A journey: where the photos of a folder were taken, when, and with what."""

    year: int
    place: str
    latitude: float
    longitude: float
    maker: str
    model: str


ALBUMS = (
    Album(2019, "Lisbon", 38.7223, -9.1393, "Canon", "Canon EOS 80D"),
    Album(2020, "Bern", 46.9480, 7.4474, "NIKON CORPORATION", "NIKON Z 6"),
    Album(2021, "Kyoto", 35.0116, 135.7681, "SONY", "ILCE-7M3"),
    Album(2022, "Oaxaca", 17.0732, -96.7266, "Apple", "iPhone 13"),
    Album(2023, "Reykjavik", 64.1466, -21.9426, "FUJIFILM", "X-T4"),
    Album(2024, "Cape Town", -33.9249, 18.4241, "Google", "Pixel 8"),
)
_NOTES = {
    "stars.txt": "three small yellow stars on a dotted background",
    "circle and square.txt": "a big red circle left of a big blue square on a plain background",
    "hearts.md": "two big purple hearts on a striped background",
    "green.txt": "a small green triangle above a big orange ring on a checked background",
}


class Demo:
    """A demo folder; raises InvalidArgument where something else lies already."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.photos = self.home / "photos"
        self.library = self.home / "library"
        self.sheets = self.home / "sheets"
        self.page = self.home / "index.html"
        self._marker = self.home / DEMO_MARKER
        self._inbox = self.photos / "unsorted"
        taken = home.exists() and (not home.is_dir() or any(home.iterdir()))
        if taken and not self._marker.exists():
            raise InvalidArgument(f"{home} is not empty and no demo: choose another --out DIR")

    def typed(self, verb: str, *arguments: str) -> str:
        """Write a command on the demo's library as a person would type it."""
        return shlex.join(["sightline", verb, *arguments, "--library", str(self.library)])

    @property
    def is_drawn(self) -> bool:
        """Return whether all photos are there; an interrupted drawing is simply done again."""
        return self._marker.exists() and self._marker.read_text(encoding="utf-8") == _DRAWN

    def draw(self) -> Iterator[Path]:
        """Draw all photos, yielding each file when it is written."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._marker.write_text("drawing\n", encoding="utf-8")
        rng = random.Random(_SEED)
        for number, scene in enumerate(cast(PHOTOS, rng)):
            album = ALBUMS[number % len(ALBUMS)]
            path = self._path(album, number)
            _save(draw(scene, SIDE, number), path, album, rng)
            yield path
        self._copy(rng)
        self._break()
        for name, words in _NOTES.items():
            _write(self.photos / "notes" / name, words.encode())
        self._marker.write_text(_DRAWN, encoding="utf-8")

    def sort(self) -> int:
        """Move the unsorted photos into their album, as a tidy person would; returns how many."""
        moved = 0
        album = self._album(ALBUMS[-1])
        album.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._inbox.glob("*")):
            path.replace(album / path.name)
            moved += 1
        if self._inbox.exists():
            self._inbox.rmdir()
        return moved

    def _album(self, album: Album) -> Path:
        return self.photos / str(album.year) / album.place

    def _path(self, album: Album, number: int) -> Path:
        unsorted = album is ALBUMS[-1] and number < _UNSORTED * len(ALBUMS)
        folder = self._inbox if unsorted else self._album(album)
        suffix = "png" if number % 7 == 3 else "webp" if number % 7 == 5 else "jpg"
        return folder / f"{album.place.lower().replace(' ', '-')}-{number:03}.{suffix}"

    def _copy(self, rng: random.Random) -> None:
        favourites = self.photos / "favourites"
        favourites.mkdir(exist_ok=True)
        for path in rng.sample(sorted(self._album(ALBUMS[0]).glob("*")), _COPIES):
            shutil.copy2(path, favourites / path.name)

    def _break(self) -> None:
        whole = next(iter(sorted(self._album(ALBUMS[1]).glob("*.jpg")))).read_bytes()
        broken = self.photos / "from the old disk"
        _write(broken / "cut short.jpg", whole[: len(whole) * 3 // 5])
        _write(broken / "empty.jpg", b"")
        _write(broken / "no picture.jpg", b"A letter that somebody called a picture.\n" * 9)


def cast(count: int, rng: random.Random) -> list[Scene]:
    """Choose what is drawn: random scenes, and some that the tour asks for."""
    wanted = [
        *_pair(("red", "circle"), ("blue", "square"), 4),
        *_pair(("blue", "square"), ("red", "circle"), 4),
        *_alike(3, ("yellow", "star"), 4),
        *_alike(2, ("yellow", "star"), 2),
        *_alike(2, ("purple", "heart"), 3),
    ]
    chosen = [*wanted, *scenes(_SEED, count - len(wanted))]
    rng.shuffle(chosen)
    return chosen


def _pair(left: tuple[Colour, Shape], right: tuple[Colour, Shape], count: int) -> list[Scene]:
    found = (scene for scene in scenes(_SEED + 1, 1000) if scene.relation == "left of")
    return [_recast(scene, [left, right]) for scene in islice(found, count)]


def _alike(number: int, look: tuple[Colour, Shape], count: int) -> list[Scene]:
    stream = scenes(_SEED + 2, 1000)
    found = (scene for scene in stream if scene.kind == "same" and len(scene.objects) == number)
    return [_recast(scene, [look] * number) for scene in islice(found, count)]


def _recast(scene: Scene, looks: list[tuple[Colour, Shape]]) -> Scene:
    things = zip(scene.objects, looks, strict=True)
    recast = (replace(thing, look=Look(thing.look.size, *look)) for thing, look in things)
    return replace(scene, objects=tuple(recast))


def _save(image: Image.Image, path: Path, album: Album, rng: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    taken = datetime(album.year, 1, 1, 8) + timedelta(minutes=rng.randrange(525_000))
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = album.maker
    exif[ExifTags.Base.Model] = album.model
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"{taken:%Y:%m:%d %H:%M:%S}"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(_position(album, rng))
    image.save(path, exif=exif, quality=88)


def _position(album: Album, rng: random.Random) -> dict[int, object]:
    latitude = album.latitude + rng.uniform(-0.03, 0.03)
    longitude = album.longitude + rng.uniform(-0.03, 0.03)
    return {
        ExifTags.GPS.GPSLatitudeRef: "N" if latitude >= 0 else "S",
        ExifTags.GPS.GPSLatitude: (abs(latitude), 0.0, 0.0),
        ExifTags.GPS.GPSLongitudeRef: "E" if longitude >= 0 else "W",
        ExifTags.GPS.GPSLongitude: (abs(longitude), 0.0, 0.0),
    }


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
