"""The front door for Python.

    import sightline

    with sightline.open("~/Pictures.library") as library:
        library.index("~/Pictures")
        for hit in library.search("red kite"):
            print(hit.score, hit.item.paths)
        for item, answer in library.ask("how many birds are there?", *library.search("red kite")):
            print(answer, item.paths)

The same line stands behind the command line, which says the same of a wrong argument, by the name
it has there; what it raises is in `storage.errors`. It may be used by several threads, and by a
forked child, and leaves what belongs to the whole process as it is: how many threads torch has is
for the program to say. It reads no settings file and no environment: those are the command's.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from indexer import IndexConfig, Indexer, Progress, Report
from indexer.cpu import usable_cores
from indexer.images.limits import Limits
from indexer.models import canonical
from indexer.workers import ReadPool
from search import Chat, Describing, Engine, Hit, LabelSet, Query, Rerank, Tagging, Term
from search.ask import ask, askable
from search.chat import check_there
from search.describe import Described
from search.models import Models
from search.tag import Tagged
from storage import Filters, Item, Library, Status
from storage.errors import Hint, PathNotFound
from storage.errors import SightlineError as SightlineError
from storage.fields import check_arguments, check_calls, filled, path_text
from storage.paths import expand_home
from storage.selection import select_items

__all__ = [
    "Chat",
    "Filters",
    "Hit",
    "Limits",
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


@check_calls
class Sightline:
    """A library with everything that can be done with it; made by `open`.

    Its methods raise InvalidArgument for an argument of another kind, LibraryClosed after `close`,
    and ForkedProcess in a child that was forked while another thread used a library.
    """

    def __init__(
        self,
        library: Library,
        *,
        device: str = "auto",
        model: str | None = None,
        limits: Limits | None = None,
        workers: int | None = None,
        exclude: tuple[str, ...] = (),
    ) -> None:
        """Take a library and what holds for all that is done with it.

        `model` is what a new library begins with; `limits` bound what one file may cost;
        `workers` processes read files; `exclude` holds patterns for runs that name none.
        """
        self.library = library
        self.models = Models(library, device, model)
        self.limits = limits or Limits()
        self._workers, self._exclude = workers, exclude
        self._engine = cache(self._engine_with)

    @property
    def notices(self) -> list[str]:
        """What was repaired, worked around or not read on the way to the answers so far."""
        return self.library.notices

    def index(
        self,
        *paths: str | Path,
        files: tuple[str, ...] | None = None,
        model: Filled | None = None,
        exclude: tuple[str, ...] = (),
        text_columns: tuple[Filled, ...] = (),
        reread: bool = False,
        index_kind: Filled | None = None,
        watch: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Bring the library up to date with these folders and files, or with all it knows.

        `files` names single files instead; `exclude` holds patterns of gitignore; `reread` hashes
        files that seem unchanged as well; `index_kind` chooses how nearest vectors are found, see
        `IndexConfig`.
        """
        config = replace(
            self._config(files, exclude),
            paths=tuple(str(path) for path in paths),
            text_columns=text_columns,
            reread=reread,
            index_kind=index_kind,
        )
        return self._run(config, model, watch)

    def to_retry(self) -> tuple[str, ...]:
        """List the paths of files that could not be used; folders have no failure of their own.

        Where a folder has taken a file's place, the next run over its root forgets the failure.
        """
        failed = (failure.path for failure in self.library.failures() if not failure.partial)
        # A file may fail by each model.
        return tuple(path for path in dict.fromkeys(failed) if not os.path.isdir(path))

    def retry(
        self,
        files: tuple[str, ...] | None = None,
        watch: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Try files again that could not be used, or all of `to_retry`."""
        config = self._config(files=self.to_retry() if files is None else files)
        return self._run(replace(config, retry_failures=True), None, watch)

    def search(
        self,
        query: str | Query,
        k: int | None = None,
        filters: Filters | None = None,
        *,
        rerank_model: Filled | None = None,
    ) -> list[Hit]:
        """Find the items nearest to words, or to a `Query` of weighted terms.

        `rerank_model` names what reranks, in place of the one that goes with the library. Raises
        PathNotFound for a folder that was never indexed, and what `Engine.search` raises.
        """
        if isinstance(query, str):
            query = Query((Term.parse("text", query),))
        if k is not None:
            query = replace(query, k=k)
        if filters is not None:
            query = replace(query, filters=filters)
        check_folder(self.library, query.filters)
        return self._engine(rerank_model).search(query)

    def describe(
        self,
        *,
        filters: Filters | None = None,
        model: Filled | None = None,
        watch: Callable[[int, int], None] | None = None,
    ) -> list[Described]:
        """Caption the pictures that the filters allow and that lack the model's caption."""
        captioner = self.models.captioner(model)
        describing = Describing(self.library, captioner, self.limits)
        given = list(describing.run(self._pictures(filters), watch))
        self.library.notices.extend(describing.notices)
        return given

    def ask(
        self, question: str, *pictures: Named, model: Filled | None = None
    ) -> list[tuple[Item, str]]:
        """Put a question to each picture; those that cannot be read give no answer."""
        asked = askable(question, [self._item(one) for one in pictures])
        answerer = self.models.answerer(model)
        return list(ask(self.library, answerer, question, asked, self.limits))

    def chat(self, *pictures: Named, model: Filled | None = None) -> Chat:
        """Begin a dialogue about one or several pictures."""
        about = [self._item(one) for one in pictures]
        check_there(self.library, about)
        conversant = self.models.conversant(model)
        return Chat.about(self.library, conversant, about, self.limits)

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
        encoder = self.models.encoder()
        tagging = Tagging(self.library, encoder, chosen, templates, min_score)
        given = list(tagging.run(self._pictures(filters)))
        self.library.notices.extend(tagging.notices)
        return given

    def use(self, model: Filled) -> None:
        """Make searches go by the vectors of a model, once the library holds all of them."""
        self.library.use(canonical(model))

    def status(self) -> Status:
        """Count what the library holds."""
        return self.library.status()

    def comparing(self) -> ReadPool:
        """Return the processes that compare files at full detail; to be used as a context."""
        workers = self._workers or usable_cores()
        return ReadPool(workers, self.limits, "indexer.images.compare.comparison")

    def close(self) -> None:
        """Close the library."""
        self.library.close()

    def _engine_with(self, scorer: str | None) -> Engine:
        return Engine(
            self.library,
            self.models.encoder,
            self.limits,
            scorer=lambda: self.models.scorer(scorer),
            captioner=self.models.captioner,
        )

    def _config(self, files: tuple[str, ...] | None, exclude: tuple[str, ...] = ()) -> IndexConfig:
        return IndexConfig(
            files=files,
            exclude=exclude or self._exclude,
            exclude_by_root=not exclude,
            workers=self._workers,
            limits=self.limits,
        )

    def _run(
        self, config: IndexConfig, model: str | None, watch: Callable[[Progress], None] | None
    ) -> Report:
        return Indexer(self.library, self.models.encoder(model), config, watch).run()

    def _item(self, named: Named) -> Item:
        if isinstance(named, Hit):
            return named.item
        return named if isinstance(named, Item) else self.library.find(str(named))

    def _pictures(self, filters: Filters | None) -> list[int]:
        chosen = filters or Filters()
        check_folder(self.library, chosen)
        with self.library.catalogue.reading() as connection:
            return select_items(connection, "image", chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_folder(library: Library, filters: Filters, parameter: str = "folder") -> None:
    """Raise PathNotFound for a folder that nothing could ever be found in.

    `parameter` is the argument that the folder came by.
    """
    if filters.folder is None:
        return
    folder = Path(filters.folder)
    roots = [Path(root.path) for root in library.roots()]
    known = any(folder.is_relative_to(root) or root.is_relative_to(folder) for root in roots)
    if not folder.exists() and not (known and filters.missing):
        raise PathNotFound(
            f"{{{parameter}}} {folder} is not there: check the name, or mount its disk",
            parameter=parameter,
            value=str(folder),
        )
    if not known:
        raise PathNotFound(
            f"{{{parameter}}} {folder} was never indexed: index it first",
            parameter=parameter,
            value=str(folder),
            hint=Hint("index folder", str(folder)),
        )


@check_arguments
def open(
    path: PathText | Path,
    device: Filled | None = None,
    *,
    model: Filled | None = None,
    limits: Limits | None = None,
    workers: int | None = None,
    exclude: tuple[str, ...] = (),
) -> Sightline:
    """Open the library at a path, or begin one where there is nothing yet.

    One that this user cannot write is opened to be read. The other arguments are those of
    `Sightline`. Raises what `Library.open` raises.
    """
    library = Library.open_or_create(expand_home(path).absolute())
    return Sightline(
        library,
        device=device or "auto",
        model=model,
        limits=limits,
        workers=workers,
        exclude=exclude,
    )
