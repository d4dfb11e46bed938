"""Things that every layer's tests need: a library, drawn photos, the torch-free encoder."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer import IndexConfig, Report
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from storage import Library

# The tests start some hundred processes; without bytecode each compiles torch and the rest anew,
# which takes eleven seconds in place of five.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Weights that are on this machine stay in reach of the tests that need them: see `cache_folder`.
_CACHES = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
os.environ.setdefault("HF_HOME", os.path.join(_CACHES, "huggingface"))

Draw = Callable[..., Path]
Index = Callable[..., Report]


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder for all tests of a run and its processes: a model is exported once."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shared))
        yield shared


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A new, empty library."""
    with Library.create(tmp_path / "library") as made:
        yield made


@pytest.fixture
def encoder(tmp_path: Path) -> FakeEncoder:
    """The stand-in, keeping a log of every image it encodes."""
    return FakeEncoder(log=tmp_path / "encoded.log")


@pytest.fixture
def second(tmp_path: Path) -> FakeEncoder:
    """Another model: a stand-in with a space of its own, and a log of its own."""
    made = FakeEncoder(dim=48, log=tmp_path / "encoded second.log")
    made.space = replace(made.space, name="second", revision="2")
    return made


@pytest.fixture
def encoded(tmp_path: Path) -> Callable[[], int]:
    """Counts the images that were encoded so far."""

    def count() -> int:
        log = tmp_path / "encoded.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    return count


@pytest.fixture
def draw() -> Draw:
    """Draws a photo that no other seed draws, and makes the folders on the way."""

    def drawn(path: Path, seed: int = 0, **options: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
        image = Image.fromarray(colours).resize((96, 64), Image.Resampling.NEAREST)
        image.save(path, **options)  # type: ignore[arg-type]
        return path

    return drawn


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    """A folder of six photos, two of them in a folder of their own."""
    folder = tmp_path / "photos"
    for number in range(4):
        draw(folder / f"{number}.png", number)
    for number in range(4, 6):
        draw(folder / "summer" / f"{number}.png", number)
    return folder


@pytest.fixture
def index(library: Library, encoder: FakeEncoder) -> Index:
    """Runs the ingest line over paths with one worker, `by` the stand-in unless told."""

    def run(*paths: Path, by: FakeEncoder = encoder, **settings: object) -> Report:
        config = IndexConfig(paths=tuple(map(str, paths)), workers=1, **settings)  # type: ignore[arg-type]
        return Indexer(library, by, config).run()

    return run
