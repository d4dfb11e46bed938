"""Settings become a library, models, an indexer and an engine; only this file knows all parts.

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
from indexer.cpu import usable_cores
from indexer.models import (
    RECOMMENDED,
    Answerer,
    Captioner,
    Checkpoint,
    Conversant,
    DualEncoder,
    PairScorer,
    PictureSpec,
    Pixels,
    Role,
    cached,
    canonical,
    default_for,
    fetch,
    is_mini,
    load,
    load_reader,
)
from indexer.workers import ReadPool
from search import Engine
from storage import Library, Matrix, Space
from storage.errors import ModelMismatch
from storage.tables import spaces

DEMO_MARKER = ".sightline-demo"
_CAUTION = "{name} {knows}; for photos: sightline index --model {better}, sightline use {better}"
_MINI = "knows drawn shapes only"
_STAND_IN = "is for tests and understands nothing"


class LateEncoder:
    """An encoder of a space the library has not met: loaded when anything is asked of it.

    The indexer asks first under the library's lock, so that a second command finds it in use
    and a Ctrl-C while the model loads leaves a library to go on with.
    """

    space: Space
    pictures: PictureSpec
    context: int | None

    def __init__(self, name: str, device: str) -> None:
        self._name, self._device = name, device

    def encode_pictures(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows."""
        return self.loaded.encode_pictures(pixels)

    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows."""
        return self.loaded.encode_texts(texts)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        return self.loaded.count_tokens(text)

    def __getattr__(self, name: str) -> Any:
        """Load the model for what nothing else knows of it yet."""
        if name in ("space", "pictures", "context"):
            return getattr(self.loaded, name)
        raise AttributeError(name)

    @cached_property
    def loaded(self) -> DualEncoder:
        """Load the model."""
        return load(self._name, device=self._device)


class StoredEncoder(LateEncoder):
    """The encoder of a space of the library: known from the catalogue, loaded on first use."""

    def __init__(self, space: Space, device: str) -> None:
        super().__init__(space.name, device)
        self.space = space
        self.pictures = _picture_spec(space)

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
    """Return the encoder of `model`, else of the space that searches go by, else the set one.

    No weights are loaded yet, and none at all where a run finds nothing to encode.
    """
    space = library.space() if model is None else _space_of(library, canonical(model))
    if space is not None:
        return StoredEncoder(space, settings.device)
    return LateEncoder(canonical(model or settings.model or RECOMMENDED), settings.device)


def _space_of(library: Library, name: str) -> Space | None:
    """Find the space of a model as it is now, the latest of several."""
    with library.catalogue.reading() as connection:
        named = [space for space in spaces.every(connection) if space.name == name]
    if named and (is_mini(name) or Path(name).is_absolute()):
        # Files on this machine may have changed under their name, and are a new space then.
        revision = fetch(name).revision
        named = [space for space in named if space.revision == revision]
    return max(named, key=lambda space: space.id or 0, default=None)


def comparing(settings: Settings) -> ReadPool:
    """Return the processes that compare files at full detail; to be used as a context."""
    workers = settings.workers or usable_cores()
    return ReadPool(workers, settings.file_limits(), "indexer.compare.comparison")


def _current_encoder(library: Library, settings: Settings) -> Callable[[], DualEncoder]:
    """Return what loads the encoder of searches: another one once `sightline use` was given."""
    of_space = cache(lambda space: encoder(library, settings))
    return lambda: of_space(library.space())


def indexer(
    library: Library,
    settings: Settings,
    config: IndexConfig,
    model: str | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Indexer:
    """Build the ingest line over a library."""
    return Indexer(library, encoder(library, settings, model), config, watch)


def engine(library: Library, settings: Settings, scorer_name: str | None = None) -> Engine:
    """Build the query line over a library, in the library's own space.

    The pair scorer that is named, or the one that goes with the space, and the captioner are
    loaded when a query asks for them.
    """
    return Engine(
        library,
        _current_encoder(library, settings),
        settings.file_limits(),
        scorer=cache(lambda: scorer(reader_name(library, "pair-scorer", scorer_name), settings)),
        captioner=cache(lambda: captioner(reader_name(library, "captioner"), settings)),
    )


def reader_name(library: Library, role: Role, name: str | None = None) -> str:
    """Return which model does a thing: the one named, else the one that goes with the library."""
    return default_for(role, library.space()) if name is None else name


def on_hand(name: str, role: Role) -> Checkpoint | None:
    """Find a model's files without loading it; None where they are not on this machine."""
    return None if cached(name) is None else fetch(name, role=role)


def scorer(name: str, settings: Settings) -> PairScorer:
    """Load what says whether words fit a picture; raises WrongRole for a model that cannot."""
    return load_reader(name, "pair-scorer", device=settings.device)


def captioner(name: str, settings: Settings) -> Captioner:
    """Load what says in a sentence what is in a picture; raises as `scorer` does."""
    return load_reader(name, "captioner", device=settings.device)


def answerer(name: str, settings: Settings) -> Answerer:
    """Load what answers questions about pictures; raises as `scorer` does."""
    return load_reader(name, "answerer", device=settings.device)


def conversant(name: str, settings: Settings) -> Conversant:
    """Load what holds a dialogue about pictures; raises as `scorer` does."""
    return load_reader(name, "dialogue", device=settings.device)


def caution(library: Library) -> str | None:
    """Return where a model answers for what it does not understand; None where all is well."""
    space = library.space()
    if space is None or (is_mini(space) and _is_drawn(library)):
        return None
    knows = _STAND_IN if space.name == "stand-in" else _MINI if is_mini(space) else ""
    return _CAUTION.format(name=space.name, knows=knows, better=RECOMMENDED) if knows else None


def _is_drawn(library: Library) -> bool:
    """Return whether the library holds nothing but what `sightline demo` has drawn."""
    home = library.path.parent
    marked = (home / DEMO_MARKER).exists()
    return marked and all(Path(root.path).is_relative_to(home) for root in library.roots())


def _picture_spec(space: Space) -> PictureSpec:
    written: Any = loads(space.preprocessing)
    for name in ("mean", "std"):
        written[name] = tuple(written[name])
    return PictureSpec(**written)
