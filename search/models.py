"""The models of a library: which one does what, each loaded once, when it is first needed."""

from collections.abc import Callable, Sequence
from functools import cached_property
from json import loads
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

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
from storage.library import Library
from storage.records import Matrix, Space
from storage.tables import spaces

Loaded = TypeVar("Loaded")


class LazyEncoder:
    """An encoder of a space the library has not met: loaded when anything is asked of it.

    The indexer asks first under the library's lock, so that a second command finds it in use
    and a Ctrl-C while the model loads leaves a library to go on with.
    """

    space: Space
    pictures: PictureSpec
    context: int | None

    def __init__(self, load_encoder: Callable[[], DualEncoder]) -> None:
        self._load = load_encoder

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
        """The model, loaded."""
        return self._load()


class StoredEncoder(LazyEncoder):
    """The encoder of a space of the library: known from the catalogue, loaded on first use."""

    def __init__(self, space: Space, load_encoder: Callable[[], DualEncoder]) -> None:
        super().__init__(load_encoder)
        self.space = space
        self.pictures = _picture_spec(space)


class Models:
    """The models that a library is worked with, on one device.

    Each is loaded once, whichever thread asks first; the others wait for it. `default` names the
    encoder that an empty library begins with; one that holds vectors keeps its own.
    """

    def __init__(self, library: Library, device: str = "auto", default: str | None = None) -> None:
        self._library, self._device = library, device
        self._default = default or RECOMMENDED
        self._lock = RLock()
        self._loaded: dict[tuple[object, ...], Any] = {}

    def encoder(self, name: str | None = None) -> DualEncoder:
        """Return the encoder that is named, else that of the space that searches go by.

        No weights are loaded yet, and none at all where a run finds nothing to encode.
        """
        space = self._library.space() if name is None else self._space_of(canonical(name))
        if space is not None:
            return self._once(("space", space), lambda: self._of_space(space))
        new = canonical(name or self._default)
        return LazyEncoder(lambda: self._load(new))

    def name(self, role: Role, name: str | None = None) -> str:
        """Return which model has a role: the one named, else the one that goes with the library."""
        return default_for(role, self._library.space()) if name is None else name

    def scorer(self, name: str | None = None) -> PairScorer:
        """Return what says whether words fit an image; raises WrongRole for a model that cannot."""
        chosen = self.name("pair-scorer", name)
        return self._once(
            ("pair-scorer", chosen), lambda: load_reader(chosen, "pair-scorer", device=self._device)
        )

    def captioner(self, name: str | None = None) -> Captioner:
        """Return what says in a sentence what is in an image; raises as `scorer` does."""
        chosen = self.name("captioner", name)
        return self._once(
            ("captioner", chosen), lambda: load_reader(chosen, "captioner", device=self._device)
        )

    def answerer(self, name: str | None = None) -> Answerer:
        """Return what answers questions about images; raises as `scorer` does."""
        chosen = self.name("answerer", name)
        return self._once(
            ("answerer", chosen), lambda: load_reader(chosen, "answerer", device=self._device)
        )

    def conversant(self, name: str | None = None) -> Conversant:
        """Return what holds a dialogue about images; raises as `scorer` does."""
        chosen = self.name("dialogue", name)
        return self._once(
            ("dialogue", chosen), lambda: load_reader(chosen, "dialogue", device=self._device)
        )

    def _once(self, key: tuple[object, ...], load_it: Callable[[], Loaded]) -> Loaded:
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load_it()
            loaded: Loaded = self._loaded[key]
            return loaded

    def _of_space(self, space: Space) -> StoredEncoder:
        def load_encoder() -> DualEncoder:
            encoder = self._load(space.name, space.revision)
            if not spaces.same(space, encoder.space):
                raise spaces.mismatch(space, encoder.space)
            return encoder

        return StoredEncoder(space, load_encoder)

    def _load(self, name: str, revision: str | None = None) -> DualEncoder:
        """Load an encoder; of a new space it is kept for the space that will be made of it."""
        if revision is not None:
            return self._once(
                ("encoder", name, revision),
                lambda: load(name, device=self._device, revision=revision),
            )
        encoder = load(name, device=self._device)
        return self._once(("encoder", name, encoder.space.revision), lambda: encoder)

    def _space_of(self, name: str) -> Space | None:
        """Find the space of a model as it is now, the latest of several."""
        with self._library.catalogue.reading() as connection:
            named = [space for space in spaces.every(connection) if space.name == name]
        if named and (is_mini(name) or Path(name).is_absolute()):
            # Files on this machine may have changed under their name, and are a new space then.
            revision = fetch(name).revision
            named = [space for space in named if space.revision == revision]
        return max(named, key=lambda space: space.id or 0, default=None)


def on_hand(name: str, role: Role) -> Checkpoint | None:
    """Find a model's files without loading it; None where they are not on this machine."""
    return None if cached(name) is None else fetch(name, role=role)


def _picture_spec(space: Space) -> PictureSpec:
    written: Any = loads(space.preprocessing)
    for name in ("mean", "std"):
        written[name] = tuple(written[name])
    return PictureSpec(**written)
