"""The models of a library by role, each loaded once, when it is first needed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from indexer.models import (
    RECOMMENDED,
    Answerer,
    Captioner,
    ChatModel,
    Checkpoint,
    DualEncoder,
    ImageSpec,
    PairScorer,
    Pixels,
    Role,
    cached,
    canonical,
    default_for,
    fetch,
    is_mini,
)
from indexer.models.compiled.calibrator import ReadSample
from indexer.models.compiled.loader import ModelLoader
from indexer.models.compiled.precision import WantedPrecision
from storage import fork
from storage.library import Library
from storage.records import Matrix, Space
from storage.tables import spaces

Loaded = TypeVar("Loaded")


class LazyEncoder:
    """An encoder of a space new to the library, loaded on first use.

    The indexer uses it under the library's lock, so that a second command finds the library in
    use, and a Ctrl-C while the model loads leaves a library that can be continued.
    """

    space: Space
    image_spec: ImageSpec
    context: int | None

    def __init__(self, load_encoder: Callable[[], DualEncoder]) -> None:
        self._load = load_encoder
        self._known: DualEncoder | None = None

    def encode_images(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows."""
        return self.loaded.encode_images(pixels)

    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows."""
        return self.loaded.encode_texts(texts)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        return self.loaded.count_tokens(text)

    def __getattr__(self, name: str) -> Any:
        """Load the model for its space, image specification and context."""
        if name in ("space", "image_spec", "context"):
            return getattr(self.loaded, name)
        raise AttributeError(name)

    @property
    def loaded(self) -> DualEncoder:
        """Load the model, or return it if it is loaded."""
        if self._known is None:  # not for one thread alone: `Models` loads it once
            self._known = self._load()
        return self._known


class StoredEncoder(LazyEncoder):
    """The encoder of a space of the library: known from the catalogue, loaded on first use."""

    def __init__(self, space: Space, load_encoder: Callable[[], DualEncoder]) -> None:
        super().__init__(load_encoder)
        self.space = space
        self.image_spec = ImageSpec.parse(space.preprocessing)


class Models:
    """The models used with a library, loaded by one loader.

    Each is loaded once, by the first thread that needs it; others that need the same wait. A child
    that is forked meanwhile is refused. `default` names the encoder for an empty library; one with
    vectors keeps its own.
    """

    def __init__(
        self,
        library: Library,
        loader: ModelLoader | None = None,
        default: str | None = None,
    ) -> None:
        self._library, self._loader = library, loader or ModelLoader(notify=library.notices.append)
        self._default = default or RECOMMENDED
        self._lock = Lock()  # of the dictionaries, never held while a model is loaded
        self._locks: dict[tuple[object, ...], Lock] = {}
        self._loaded: dict[tuple[object, ...], Any] = {}

    def encoder(
        self,
        name: str | None = None,
        precision: WantedPrecision | None = None,
        read_sample: ReadSample | None = None,
    ) -> DualEncoder:
        """Return the named encoder, or that of the library's current space.

        Its weights are loaded on first use, so not at all if there is nothing to encode. None for
        the precision keeps that of the current space; "int8" needs `read_sample`, which is called
        on first use where there is no calibration yet.
        """
        current = self._library.space()
        if name is None and current is not None:
            chosen, space = current.name, current
        else:
            chosen, space = canonical(name or self._default), None
        if precision == "int8":
            assert read_sample is not None
            return LazyEncoder(lambda: self._quantized(chosen, read_sample))
        if space is None or precision is not None:
            kept = current is not None and current.name == chosen and current.quantized
            space = self._space_of(chosen, quantized=kept and precision is None)
        if space is None:
            return LazyEncoder(lambda: self._load_new(chosen))
        known = space
        return self._once(("space", known), lambda: self._of_space(known))

    def name(self, role: Role, name: str | None = None) -> str:
        """Return the name of the model for a role: the one given, or the library's default."""
        return default_for(role, self._library.space()) if name is None else name

    def scorer(self, name: str | None = None) -> PairScorer:
        """Return a pair scorer; raises WrongRole for a model of another kind."""
        chosen = self.name("pair-scorer", name)
        return self._once(
            ("pair-scorer", chosen), lambda: self._loader.load_reader(chosen, "pair-scorer")
        )

    def captioner(self, name: str | None = None) -> Captioner:
        """Return a captioner; raises WrongRole for a model of another kind."""
        chosen = self.name("captioner", name)
        return self._once(
            ("captioner", chosen), lambda: self._loader.load_reader(chosen, "captioner")
        )

    def answerer(self, name: str | None = None) -> Answerer:
        """Return a model that answers questions about images; raises WrongRole for another kind."""
        chosen = self.name("answerer", name)
        return self._once(
            ("answerer", chosen), lambda: self._loader.load_reader(chosen, "answerer")
        )

    def chat_model(self, name: str | None = None) -> ChatModel:
        """Return a model for dialogues about images; raises WrongRole for another kind."""
        chosen = self.name("dialogue", name)
        return self._once(
            ("dialogue", chosen), lambda: self._loader.load_reader(chosen, "dialogue")
        )

    def _once(self, key: tuple[object, ...], load_it: Callable[[], Loaded]) -> Loaded:
        with self._turn(key):
            if key not in self._loaded:
                self._loaded[key] = load_it()
            loaded: Loaded = self._loaded[key]
            return loaded

    @contextmanager
    def _turn(self, key: tuple[object, ...]) -> Iterator[None]:
        """Hold the turn of one thread to load what has this key; raises ForkedProcess."""
        with fork.guard():
            with self._lock:
                turn = self._locks.setdefault(key, Lock())
            with turn:
                yield

    def _of_space(self, space: Space) -> StoredEncoder:
        def load_encoder() -> DualEncoder:
            encoder = self._load(space.name, space.revision)
            if not spaces.same(space, encoder.space):
                raise spaces.mismatch(space, encoder.space)
            return encoder

        return StoredEncoder(space, load_encoder)

    def _load(self, name: str, revision: str) -> DualEncoder:
        return self._once(("encoder", name, revision), lambda: self._loader.load(name, revision))

    def _load_new(self, name: str) -> DualEncoder:
        """Load the encoder of a space new to the library; kept for when it is registered."""
        key = ("new encoder", name)
        with self._turn(key):
            known: DualEncoder | None = self._loaded.get(key)
            if known is None or (_is_local(name) and fetch(name).revision != known.space.revision):
                made = self._loader.load(name)
                known = self._loaded.setdefault(("encoder", name, made.space.revision), made)
                self._loaded[key] = known
            return known

    def _quantized(self, name: str, read_sample: ReadSample) -> DualEncoder:
        """Load the encoder in int8 that the library has vectors of, or calibrate one."""
        weights = fetch(name).revision if _is_local(name) else ""

        def load_it() -> DualEncoder:
            known, current = self._space_of(name, quantized=True), self._library.space()
            wanted = weights
            if current is not None and current.name == name and not _is_local(name):
                wanted = current.weights
            revision = None if known is None else known.revision
            made = self._loader.load_quantized(name, wanted, revision, read_sample)
            return self._once(("encoder", name, made.space.revision), lambda: made)

        return self._once(("new encoder in int8", name, weights), load_it)

    def _space_of(self, name: str, quantized: bool) -> Space | None:
        """Return the latest space of a model in its current revision, or None."""
        with self._library.catalogue.reading() as connection:
            named = [space for space in spaces.every(connection) if space.name == name]
        named = [space for space in named if space.quantized == quantized]
        if named and _is_local(name):
            revision = fetch(name).revision
            named = [space for space in named if space.weights == revision]
        return max(named, key=lambda space: space.id or 0, default=None)


def local_checkpoint(name: str, role: Role) -> Checkpoint | None:
    """Return a model's checkpoint without loading it; None if its files are not on this machine."""
    return None if cached(name) is None else fetch(name, role=role)


def _is_local(name: str) -> bool:
    """Return whether a model's files may change under its name: then they form a new space."""
    return is_mini(name) or Path(name).is_absolute()
