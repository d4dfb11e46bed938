"""The front door for Python: `Sightline` has every use case, the command line none of its own.

    import sightline

    with sightline.open("~/Pictures.library") as library:
        library.index("~/Pictures")
        for hit in library.search("red kite"):
            print(hit.score, hit.item.paths)
        for item, answer in library.ask("how many birds are there?", *library.search("red kite")):
            print(answer, item.paths)

What it raises is in `storage.errors`. It may be used by several threads, and by a forked child, and
leaves what belongs to the whole process as it is: how many threads torch has is for the program to
say. It reads no settings file and no environment: those are the command's.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from indexer import IndexConfig, Progress, Report
from indexer.cpu import usable_cores
from indexer.images.limits import Limits
from indexer.models import canonical, require_role
from indexer.models.compiled.loader import ModelLoader
from indexer.models.compiled.precision import WantedPrecision
from search import Chat, Engine, Hit, LabelSet, Query, Rerank, Tagger, Term
from search.ask import ask, ask_file, check_askable
from search.chat import require_readable
from search.dedup.plan.plan import PlanFile
from search.dedup.request import DedupRequest, LeakRequest
from search.describe import Captions, Described, caption_targets, describe_file
from search.hits import Shown, show
from search.images import ImageReader
from search.models import Models
from search.query import SearchKind
from search.tag import Tagged
from search.targets import EmptyReason, Targets, check_folder, empty_reason
from storage import Filters, Item, Library, Removal, Status
from storage.errors import SightlineError as SightlineError
from storage.fields import check_arguments, check_calls, filled, path_text
from storage.paths import expand_home
from storage.records import Answer, Failure, Space, SpaceCount
from storage.tables import tags

if TYPE_CHECKING:  # what a search has no use for is imported where it is used
    from search.dedup.duplicates import Duplicates

__all__ = [
    "Answer",
    "Chat",
    "DedupRequest",
    "Filters",
    "Hit",
    "LeakRequest",
    "Limits",
    "PlanFile",
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
Watch = Callable[[int, int], None]  # how many images are done, of how many


@check_calls
class Sightline:
    """A library with everything that can be done with it; made by `open`.

    What is done about duplicates are methods of `duplicates`. An `Answer` is a list that carries
    the notices of its own call; `each` is called with every record as soon as it is made, and
    stored where it is stored at all.
    Methods raise InvalidArgument for an argument of another kind, LibraryClosed after `close`,
    and ForkedProcess in a child that was forked while another thread used a library.
    """

    def __init__(
        self,
        library: Library,
        *,
        loader: ModelLoader | None = None,
        model: str | None = None,
        limits: Limits | None = None,
        workers: int | None = None,
        exclude: tuple[str, ...] = (),
    ) -> None:
        """Take a library and what holds for all that is done with it.

        `loader` loads models; `model` is what a new library begins with; `limits` bound what one
        file may cost; `workers` processes read files; `exclude` holds patterns for runs that name
        none.
        """
        self.library, self.limits = library, limits or Limits()
        self.models = Models(library, loader, model)
        self._workers, self._exclude = workers, exclude
        self._engine = cache(self._engine_with)

    @property
    def notices(self) -> list[str]:
        """Return what was repaired or worked around to open the library."""
        return self.library.notices

    @cached_property
    def duplicates(self) -> "Duplicates":
        """Return what is done about duplicates."""
        from indexer.folder_reader import FolderReader
        from indexer.workers import ReadPool
        from search.dedup.duplicates import Duplicates

        own, limits, workers = str(self.library.path.resolve()), self.limits, self._workers
        work = workers or usable_cores(), limits, "indexer.images.compare.comparison"
        read_folder = partial(FolderReader, limits=limits, avoid=own, workers=workers)
        return Duplicates(self.library, limits, partial(ReadPool, *work), read_folder)

    def index(
        self,
        *paths: str | Path,
        files: tuple[str, ...] | None = None,
        model: Filled | None = None,
        exclude: tuple[str, ...] = (),
        text_columns: tuple[Filled, ...] = (),
        reread: bool = False,
        index_kind: Filled | None = None,
        precision: WantedPrecision | None = None,
        watch: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Bring the library up to date with these folders and files, or with all it knows.

        `files` names single files instead; `exclude` holds patterns of gitignore; `reread` hashes
        files that seem unchanged as well; `index_kind` chooses how nearest vectors are found, and
        `precision` how images are encoded, see `IndexConfig`.
        """
        config = replace(
            self._config(files, exclude),
            paths=tuple(str(path) for path in paths),
            text_columns=text_columns,
            reread=reread,
            index_kind=index_kind,
            precision=precision,
        )
        return self._run(config, model, watch)

    def failures(self) -> list[Failure]:
        """List the files that could not be used, wholly or in part, and why."""
        return self.library.failures()

    def to_retry(self) -> tuple[str, ...]:
        """List the paths of files that could not be used; folders have no failure of their own."""
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
    ) -> Answer[Hit]:
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

    def select(self, target: PathText | None = None, filters: Filters | None = None) -> Targets:
        """Select the images of a folder, of one path or hash, or all that the filters allow."""
        return Targets.select(self.library, target, filters or Filters())

    def items(self, targets: Targets) -> list[Item]:
        """Read the items that were selected; those that were removed since are left out."""
        return targets.read(self.library)

    def empty_reason(
        self, filters: Filters | None = None, kind: SearchKind | None = None
    ) -> EmptyReason:
        """Return why nothing of a kind was found with these filters."""
        return empty_reason(self.library, filters or Filters(), kind)

    def describe(
        self,
        chosen: Targets | None = None,
        *,
        filters: Filters | None = None,
        model: Filled | None = None,
        each: Callable[[Described], None] | None = None,
        watch: Watch | None = None,
    ) -> Captions:
        """Caption the chosen images, or all that the filters allow, that lack the model's caption.

        Captions are stored, and their words are found by search from then on.
        """
        numbers, name = self._chosen(chosen, filters), self.models.name("captioner", model)
        return caption_targets(self.library, self.models, name, numbers, self.limits, each, watch)

    def describe_file(self, path: PathText | Path, model: Filled | None = None) -> str:
        """Caption an image that no library holds; nothing is stored."""
        return describe_file(self.models.captioner(model), str(path), self.limits)

    def ask(
        self,
        question: str,
        *images: Named | Targets,
        model: Filled | None = None,
        each: Callable[[tuple[Item, str]], None] | None = None,
    ) -> Answer[tuple[Item, str]]:
        """Put a question to each image; those that cannot be read give no answer."""
        numbers = [number for one in images for number in Targets.numbers_of(self.library, one)]
        check_askable(question, len(numbers))
        answerer, notices = self.models.answerer(model), list[str]()
        made = ask(self.library, answerer, question, numbers, self.limits, notices)
        return Answer.collect(made, each, notices)

    def ask_file(
        self, question: str, path: PathText | Path, model: Filled | None = None
    ) -> Answer[str]:
        """Put a question to an image that no library holds; one answer comes back."""
        return ask_file(self.models.answerer(model), question, str(path), self.limits)

    def chat(
        self,
        *images: Named,
        model: Filled | None = None,
        ready: Callable[[list[Item], str], None] | None = None,
    ) -> Chat:
        """Begin a dialogue about one or several images.

        `ready` is called with the images and the model's name before the model is loaded.
        """
        about = [Targets.find(self.library, one) for one in images]
        require_readable(self.library, about)
        name = self.models.name("dialogue", model)
        if ready is not None:
            ready(about, name)
        return Chat.about(self.library, self.models.chat_model(name), about, self.limits)

    def tag(
        self,
        labels: LabelSet | PathText | Path,
        *,
        templates: tuple[str, ...] = (),
        min_score: float | None = None,
        filters: Filters | None = None,
        each: Callable[[Tagged], None] | None = None,
        watch: Watch | None = None,
    ) -> Answer[Tagged]:
        """Label the images that the filters allow, from a file or a built-in set of labels."""
        chosen = labels if isinstance(labels, LabelSet) else LabelSet.read(str(labels))
        tagger = Tagger(self.library, self.models.encoder(), chosen, templates, min_score)
        made = Answer.collect(tagger.run(self._chosen(None, filters), watch), each)
        return Answer(made, tagger.notices)

    def tags(self) -> list[tuple[str, str, int]]:
        """List the labels: label, model that gave it, and how many images have it."""
        with self.library.catalogue.reading() as connection:
            return tags.counts(connection)

    def remove_tags(self, label: Filled | None = None) -> int:
        """Take a label, or all, away from all images, and return how many tags went."""
        with self.library.writing("tag"), self.library.catalogue.writing() as connection:
            return tags.remove(connection, label)

    def use(self, model: Filled, precision: WantedPrecision | None = None) -> Space:
        """Make searches go by the vectors of a model, once the library holds all of them."""
        require_role(model, "dual-encoder")
        return self.library.use(canonical(model), precision and precision == "int8")

    def unused(self) -> list[SpaceCount]:
        """List the models whose vectors no search goes by, with how many there are."""
        return [counted for counted in self.library.spaces() if not counted.current]

    def prune(self) -> list[SpaceCount]:
        """Drop the vectors that no search goes by, and return what was dropped."""
        if unused := self.unused():
            self.library.prune([counted.space.name for counted in unused])
        return unused

    def status(self) -> Status:
        """Count what the library holds."""
        return self.library.status()

    def show(self, image: Named, model: Filled | None = None) -> Shown:
        """Return an item with its caption, of any model or of this one, and its tags."""
        return show(self.library, Targets.find(self.library, image), model)

    def thumbnail(self, item: Item) -> bytes | None:
        """Return the WebP thumbnail of an image, or None where it cannot be had."""
        return ImageReader(self.library, self.limits).thumbnail(item)

    def plan_remove(self, path: PathText | Path) -> Removal:
        """Plan to take a folder or a file out of the library."""
        return self.library.plan_remove(str(path))

    def plan_forget(self) -> Removal:
        """Plan to forget the files that are gone, but for those of folders that are not mounted."""
        return self.library.plan_forget()

    def remove(self, removal: Removal, command: str = "remove") -> None:
        """Carry out a removal as it was planned; `command` stands in the list of runs."""
        self.library.apply(removal, command)

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
        from indexer.image_sample import read_sample
        from indexer.ingest import Indexer

        sample = partial(read_sample, self.library, config)
        encoder = self.models.encoder(model, config.precision, sample)
        return Indexer(self.library, encoder, config, watch).run()

    def _chosen(self, chosen: Targets | None, filters: Filters | None) -> list[int]:
        return (self.select(filters=filters) if chosen is None else chosen).numbers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@check_arguments
def open(
    path: PathText | Path,
    device: Filled | None = None,
    *,
    model: Filled | None = None,
    limits: Limits | None = None,
    workers: int | None = None,
    exclude: tuple[str, ...] = (),
    cache_folder: Path | None = None,
) -> Sightline:
    """Open the library at a path, or begin one where there is nothing yet.

    One that this user cannot write is opened to be read. What models are compiled to is kept in
    `cache_folder`. The other arguments are those of `Sightline`. Raises what `Library.open` raises.
    """
    library = Library.open_or_create(expand_home(path).absolute())
    return Sightline(
        library,
        loader=ModelLoader(device or "auto", cache_folder, notify=library.notices.append),
        model=model,
        limits=limits,
        workers=workers,
        exclude=exclude,
    )
