"""The front door for Python.

    import sightline

    with sightline.open("~/Pictures.library") as library:
        library.index("~/Pictures")
        for hit in library.search("red kite"):
            print(hit.score, hit.item.paths)
        for item, answer in library.ask("how many birds are there?", *library.search("red kite")):
            print(answer, item.paths)

The same line stands behind the command `sightline`, and says the same of a wrong argument; what it
raises is in `storage.errors`. It may be used by several threads, and by a forked child, and leaves
what belongs to the whole process as it is: how many threads torch has is for the program to say.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from cli import wiring
from cli.question import check_folder
from cli.settings import Settings
from indexer import IndexConfig, Progress, Report
from indexer.models import canonical
from indexer.models.protocols import Role
from search import Chat, Describing, Hit, LabelSet, Query, Rerank, Tagging, Term
from search.ask import ask, askable
from search.chat import check_there
from search.describe import Described
from search.tag import Tagged
from storage import Filters, Item, Library, Status
from storage.errors import SightlineError as SightlineError
from storage.fields import check_arguments, check_calls, filled, path_text
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

Filled = Annotated[str, filled]
PathText = Annotated[str, path_text]
Named = Hit | Item | PathText | Path  # a hit, its item, or a path or the beginning of a hash
Model = TypeVar("Model")


@check_calls
class Sightline:
    """A library with everything that can be done with it; made by `open`.

    Its methods raise InvalidArgument for an argument of another kind, LibraryClosed after `close`,
    and ForkedProcess in a child that was forked while another thread used a library.
    """

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
        model: Filled | None = None,
        exclude: tuple[str, ...] = (),
        text_columns: tuple[Filled, ...] = (),
        reread: bool = False,
        index_kind: Filled | None = None,
        watch: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Bring the library up to date with these folders and files, or with all it knows.

        `exclude` holds patterns of gitignore; `reread` hashes files that seem unchanged as well;
        `index_kind` chooses how nearest vectors are found, see `IndexConfig`.
        """
        config = IndexConfig(
            paths=tuple(str(path) for path in paths),
            exclude=exclude or self._settings.exclude,
            exclude_by_root=not exclude,
            text_columns=text_columns,
            reread=reread,
            index_kind=index_kind,
            workers=self._settings.workers,
            limits=self._settings.file_limits(),
        )
        report = wiring.indexer(self.library, self._settings, config, model, watch).run()
        self._engine = wiring.engine(self.library, self._settings)
        return report

    def search(
        self, query: str | Query, k: int | None = None, filters: Filters | None = None
    ) -> list[Hit]:
        """Find the items nearest to words, or to a `Query` of weighted terms.

        Raises PathNotFound for a folder that was never indexed, and what `Engine.search` raises.
        """
        if isinstance(query, str):
            query = Query((Term.parse("text", query),))
        if k is not None:
            query = replace(query, k=k)
        if filters is not None:
            query = replace(query, filters=filters)
        check_folder(self.library, query.filters, "the folder")
        return self._engine.search(query)

    def describe(
        self,
        *,
        filters: Filters | None = None,
        model: Filled | None = None,
        watch: Callable[[int, int], None] | None = None,
    ) -> list[Described]:
        """Caption the pictures that the filters allow and that lack the model's caption."""
        captioner = self._reader("captioner", wiring.captioner, model)
        describing = Describing(self.library, captioner, self._settings.file_limits())
        given = list(describing.run(self._pictures(filters), watch))
        self.library.notices.extend(describing.notices)
        return given

    def ask(
        self, question: str, *pictures: Named, model: Filled | None = None
    ) -> list[tuple[Item, str]]:
        """Put a question to each picture; those that cannot be read give no answer."""
        asked = askable(question, [self._item(one) for one in pictures])
        answerer = self._reader("answerer", wiring.answerer, model)
        return list(ask(self.library, answerer, question, asked, self._settings.file_limits()))

    def chat(self, *pictures: Named, model: Filled | None = None) -> Chat:
        """Begin a dialogue about one or several pictures."""
        about = [self._item(one) for one in pictures]
        check_there(self.library, about)
        conversant = self._reader("dialogue", wiring.conversant, model)
        return Chat.about(self.library, conversant, about, self._settings.file_limits())

    def tag(
        self,
        labels: LabelSet | PathText | Path,
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

    def use(self, model: Filled) -> None:
        """Make searches go by the vectors of a model, once the library holds all of them."""
        self.library.use(canonical(model))
        self._engine = wiring.engine(self.library, self._settings)

    def status(self) -> Status:
        """Count what the library holds."""
        return self.library.status()

    def close(self) -> None:
        """Close the library."""
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
        chosen = filters or Filters()
        check_folder(self.library, chosen, "the folder")
        with self.library.catalogue.reading() as connection:
            return select_items(connection, "image", chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@check_arguments
def open(path: PathText | Path, device: Filled | None = None) -> Sightline:
    """Open the library at a path, or begin one where there is nothing yet.

    One that this user cannot write is opened to be read. Raises what `Library.open` raises.
    """
    settings = Settings.read(library=str(path), device=device)
    return Sightline(wiring.open_library(settings, create=True), settings)
