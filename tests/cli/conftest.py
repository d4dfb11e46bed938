"""A command line to try, photos to try it on, and a library of them."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import ExifTags, Image

from cli.main import cli
from indexer.models.compiled.loader import ModelLoader
from tests.cli.colour_reader import ColourReader

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the person's own settings, library and logs out of every test."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home" / name.lower()))
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.startswith("SIGHTLINE_")]:
        monkeypatch.delenv(name)
    return tmp_path / "home"


@pytest.fixture
def run() -> Run:
    """Run `sightline` with the words given, as if they were typed."""

    def invoke(*words: object, **options: Any) -> Result:
        return CliRunner().invoke(cli, [str(word) for word in words], **options)

    return invoke


@pytest.fixture
def run_json(run: Run) -> Callable[..., list[dict[str, Any]]]:
    """Run `sightline … --json` and read the objects it printed."""

    def invoke(*words: object) -> list[dict[str, Any]]:
        result = run(*words, "--json")
        assert result.exit_code == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    return invoke


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> ColourReader:
    """Use one reader for every model that reads images; `asked` says for which."""
    made = ColourReader()
    monkeypatch.setattr(ModelLoader, "load_reader", staticmethod(made.load))
    return made


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photos (one of them twice), a note, a video and a broken file."""
    folder = tmp_path_factory.mktemp("given") / "photos"
    (folder / "2020").mkdir(parents=True)
    (folder / "2021").mkdir()
    for name, colour in (("red", "#d22"), ("green", "#2a4"), ("blue", "#24d")):
        _photo(folder / "2020" / f"{name}.jpg", colour, "2020:06:01 12:00:00", "Canon", 46.9)
        _photo(folder / "2021" / f"{name}.png", colour, "2021:06:01 12:00:00", "Nikon", 35.0)
    shutil.copy(folder / "2020" / "red.jpg", folder / "2021" / "red again.jpg")
    (folder / "note.txt").write_text("a red kite above the hills")
    (folder / "holiday.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    (folder / "broken.jpg").write_bytes((folder / "2020" / "red.jpg").read_bytes()[:300])
    return folder


@pytest.fixture(scope="session")
def indexed(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of the photos, made once with the torch-free stand-in."""
    library = tmp_path_factory.mktemp("made") / "library"
    words = ["index", str(photos), "--library", str(library), "--model", "stand-in", "--json"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["failed"] == 1
    return library


@pytest.fixture
def library(indexed: Path, tmp_path: Path) -> Path:
    """A copy of that library which a test may change."""
    return Path(shutil.copytree(indexed, tmp_path / "library"))


def _photo(path: Path, colour: str, taken: str, maker: str, latitude: float) -> None:
    image = Image.new("RGB", (96, 64), colour)
    image.paste("white", (8, 8, 40, 30))
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = maker
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (latitude, 0.0, 0.0), 3: "E", 4: (7.4, 0.0, 0.0)}
    )
    image.save(path, exif=exif)
