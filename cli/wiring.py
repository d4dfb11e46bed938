"""Settings become a library, an encoder, an indexer and an engine; only this file knows all parts.

Nothing here prints. Weights are loaded when a picture or a text is first encoded, so a run
that finds nothing new, and a search by item, never wait for them.
"""

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from json import loads
from pathlib import Path
from typing import Any

from cli.settings import Settings
from indexer import IndexConfig, Indexer, Progress
from indexer.models import (
    RECOMMENDED,
    DualEncoder,
    PictureSpec,
    Pixels,
    canonical,
    is_mini,
    load,
)
from search import Engine
from storage import Library, Matrix, Space, spaces
from storage.errors import ModelMismatch

DEMO_MARKER = ".sightline-demo"
_MINI = (
    "mini is a stand-in that was trained on drawn shapes: what it finds among real photos means "
    "little; index into a new --library with --model NAME (sightline models lists them)"
)
_STAND_IN = (
    "the model stand-in is for tests and understands nothing: index into a new --library with "
    "--model NAME (sightline models lists them)"
)


class StoredEncoder:
    """The encoder of a library that has a space: known from the catalogue, loaded on first use."""

    def __init__(self, space: Space, device: str) -> None:
        self.space = space
        self.pictures = _picture_spec(space)
        self._device = device

    def encode_pictures(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows."""
        return self.loaded.encode_pictures(pixels)

    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows."""
        return self.loaded.encode_texts(texts)

    @cached_property
    def loaded(self) -> DualEncoder:
        """Load the model and make sure that its vectors are comparable with the stored ones."""
        encoder = load(self.space.name, device=self._device, revision=self.space.revision)
        if not spaces.same(self.space, encoder.space):
            raise ModelMismatch(spaces.difference(self.space, encoder.space))
        return encoder


def open_library(settings: Settings, create: bool = False) -> Library:
    """Open the library of the settings, or begin it where `create` says so."""
    return (Library.open_or_create if create else Library.open)(settings.library)


def encoder(library: Library, settings: Settings, model: str | None = None) -> DualEncoder:
    """Give the encoder of an index run: `model`, else the library's own, else the set one.

    Raises ModelMismatch, before any weights are loaded, for a model the library is not of.
    """
    space = library.space()
    wanted = canonical(model) if model else None
    if space is None:
        return load(wanted or canonical(settings.model or RECOMMENDED), device=settings.device)
    if wanted not in (None, space.name):
        raise ModelMismatch(
            f"the library {library.path} holds vectors of {space.name}, not of {wanted}: "
            "leave --model out, or index into a new --library DIR"
        )
    return StoredEncoder(space, settings.device)


def indexer(
    library: Library,
    settings: Settings,
    config: IndexConfig,
    model: str | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Indexer:
    """Build the ingest line over a library."""
    return Indexer(library, encoder(library, settings, model), config, watch)


def engine(library: Library, settings: Settings) -> Engine:
    """Build the query line over a library, in the library's own space."""
    return Engine(library, cache(lambda: encoder(library, settings)), settings.file_limits())


def caution(library: Library) -> str | None:
    """Say where a model answers for what it does not understand; None where all is well."""
    space = library.space()
    if space is None:
        return None
    if space.name == "stand-in":
        return _STAND_IN
    home = library.path.parent
    drawn = (home / DEMO_MARKER).exists()
    at_home = drawn and all(Path(root.path).is_relative_to(home) for root in library.roots())
    return _MINI if is_mini(space) and not at_home else None


def _picture_spec(space: Space) -> PictureSpec:
    written: Any = loads(space.preprocessing)
    for name in ("mean", "std"):
        written[name] = tuple(written[name])
    return PictureSpec(**written)
