"""The front door for Python.

    import sightline

    with sightline.open("~/Pictures.library") as library:
        library.index("~/Pictures")
        for hit in library.search("red kite"):
            print(hit.score, hit.item.paths)
        for item, answer in library.ask("how many birds are there?", *library.search("red kite")):
            print(answer, item.paths)

The same line stands behind the command `sightline`; what it raises is in `storage.errors`.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from cli import wiring
from cli.settings import Settings
from indexer import IndexConfig, Progress, Report
from indexer.models import canonical
from indexer.models.protocols import Role
from search import Chat, Describing, Hit, LabelSet, Query, Rerank, Tagging, Term
from search import ask as answers
from search.describe import Described
from search.tagging import Tagged
from storage import Filters, Item, Library, Status
from storage.errors import SightlineError as SightlineError
from storage.selection import select_items

__all__ = [
    "Chat",
    "Filters",
    "Hit",
    "Query",
    "Report",
    "Rerank",
    "Sightline",
    "SightlineError",
    "Term",
    "open",
]

Named = Hit | Item | str | Path  # a hit, its item, or a path or the beginning of a hash
Model = TypeVar("Model")


class Sightline:
    """A library with everything that can be done with it; made by `open`."""

    def __init__(self, library: Library, settings: Settings) -> None:
        self.library = library
        self._settings = settings
        self._engine = wiring.engine(library, settings)
        self._readers: dict[tuple[Role, str], Any] = {}

    @property
    def notices(self) -> list[str]:
        """What was repaired, worked around or not read on the way to the answers so far."""
        return self.library.notices

    def index(
        self,
        *paths: str | Path,
        model: str | None = None,
        exclude: tuple[str, ...] = (),
        text_columns: tuple[str, ...] = (),
        watch: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Bring the library up to date with these folders and files, or with all it knows."""
        config = IndexConfig(
            paths=tuple(str(path) for path in paths),
            exclude=exclude or self._settings.exclude,
            text_columns=text_columns,
            workers=self._settings.workers,
            limits=self._settings.file_limits(),
        )
        report = wiring.indexer(self.library, self._settings, config, model, watch).run()
        self._engine = wiring.engine(self.library, self._settings)
        return report

    def search(
        self, query: str | Query, k: int | None = None, filters: Filters | None = None
    ) -> list[Hit]:
        """Find the items nearest to words, or to a `Query` of weighted terms."""
        if isinstance(query, str):
            query = Query((Term.parse("text", query),))
        if k is not None:
            query = replace(query, k=k)
        if filters is not None:
            query = replace(query, filters=filters)
        return self._engine.search(query)

    def describe(
        self,
        *,
        filters: Filters | None = None,
        model: str | None = None,
        watch: Callable[[int, int], None] | None = None,
    ) -> list[Described]:
        """Caption the pictures that the filters allow and that lack the model's caption."""
        captioner = self._reader("captioner", wiring.captioner, model)
        describing = Describing(self.library, captioner, self._settings.file_limits())
        given = list(describing.run(self._pictures(filters), watch))
        self.library.notices.extend(describing.notices)
        return given

    def ask(
        self, question: str, *pictures: Named, model: str | None = None
    ) -> list[tuple[Item, str]]:
        """Put a question to each picture; those that cannot be read give no answer."""
        answerer = self._reader("answerer", wiring.answerer, model)
        asked = [self._item(one) for one in pictures]
        return list(answers(self.library, answerer, question, asked, self._settings.file_limits()))

    def chat(self, *pictures: Named, model: str | None = None) -> Chat:
        """Begin a dialogue about one or several pictures."""
        conversant = self._reader("dialogue", wiring.conversant, model)
        about = [self._item(one) for one in pictures]
        return Chat.about(self.library, conversant, about, self._settings.file_limits())

    def tag(
        self,
        labels: LabelSet | str | Path,
        *,
        templates: tuple[str, ...] = (),
        min_score: float | None = None,
        filters: Filters | None = None,
    ) -> list[Tagged]:
        """Label the pictures that the filters allow, from a file or a built-in set of labels."""
        chosen = labels if isinstance(labels, LabelSet) else LabelSet.read(str(labels))
        encoder = wiring.encoder(self.library, self._settings)
        tagging = Tagging(self.library, encoder, chosen, templates, min_score)
        given = list(tagging.run(self._pictures(filters)))
        self.library.notices.extend(tagging.notices)
        return given

    def use(self, model: str) -> None:
        """Have searches go by the vectors of a model, once the library holds all of them."""
        self.library.use(canonical(model))
        self._engine = wiring.engine(self.library, self._settings)

    def status(self) -> Status:
        """Count what the library holds."""
        return self.library.status()

    def close(self) -> None:
        """Let go of the library."""
        self.library.close()

    def _reader(
        self, role: Role, loader: Callable[[str, Settings], Model], name: str | None
    ) -> Model:
        """Load a model once, however often it is asked."""
        key = role, wiring.reader_name(self.library, role, name)
        if key not in self._readers:
            self._readers[key] = loader(key[1], self._settings)
        reader: Model = self._readers[key]
        return reader

    def _item(self, named: Named) -> Item:
        if isinstance(named, Hit):
            return named.item
        return named if isinstance(named, Item) else self.library.find(str(named))

    def _pictures(self, filters: Filters | None) -> list[int]:
        with self.library.catalogue.reading() as connection:
            return select_items(connection, "image", filters or Filters())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open(path: str | Path, device: str | None = None) -> Sightline:
    """Open the library at a path, or begin one where there is nothing yet."""
    settings = Settings.read(library=str(path), device=device)
    return Sightline(wiring.open_library(settings, create=True), settings)
