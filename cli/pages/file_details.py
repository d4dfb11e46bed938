"""The facts that the report shows of a file beside what the plan knows, read many at a time."""

from collections.abc import Iterable, Sequence
from itertools import islice

from cli.pages.dedup_report import ItemLook
from cli.pages.evidence_text import metadata_in_words
from indexer.images.metadata.description import Metadata, joined, lost, read
from search.dedup.plan.plan import Entry
from storage import Library
from storage.records import Item
from storage.tables import items

_AHEAD = 500  # rows of a plan: one statement's worth


class FileDetails:
    """Details of the files of a plan, asked for in its order.

    Two batches of the catalogue's records are held. What a person said of an image is read
    from its header where that could be lost: of files to be dropped and of their keepers.
    """

    def __init__(self, library: Library, entries: Sequence[Entry]) -> None:
        dropped = [entry for entry in entries if entry.action == "drop"]
        self._library = library
        self._order = [entry.item for entry in entries]
        self._next = 0
        self._held: dict[str, Item] = {}
        self._before: dict[str, Item] = {}
        self._keepers = {entry.path: entry.keeper for entry in dropped}
        self._opened = {*self._keepers, *self._keepers.values()}
        self._said: tuple[str, Metadata] = ("", Metadata())  # of the last keeper
        self.losing = 0  # dropped files that say what their keepers do not
        self._thumbnail: tuple[str, bytes | None] = ("", None)

    def __call__(self, content: str, path: str) -> ItemLook:
        """Return what is known of a file by its hash and its path; the rest is left out."""
        item = self._item(content)
        if item is None:
            return ItemLook()
        capture = item.capture
        stored = Metadata(
            latitude=capture.latitude,
            longitude=capture.longitude,
            taken_at=capture.taken_at,
            camera=capture.camera,
        )
        known = joined(read(path), stored) if path in self._opened else stored
        self._count(path, known)
        return ItemLook(
            thumbnail=self._image(content),
            width=item.width,
            height=item.height,
            format=item.format,
            taken_at=capture.taken_at,
            camera=capture.camera,
            metadata=metadata_in_words(known),
        )

    def _count(self, path: str, known: Metadata) -> None:
        """Count what would be lost; a group's keeper comes before its other files."""
        keeper = self._keepers.get(path)
        if keeper is None:
            self._said = path, known
        elif keeper == self._said[0] and lost(self._said[1], known):
            self.losing += 1

    def _item(self, content: str) -> Item | None:
        if content not in self._held and content not in self._before:
            ahead = list(islice(self._order, self._next, self._next + _AHEAD))
            if content in ahead:
                self._next += _AHEAD
                self._before, self._held = self._held, self._read(ahead)
            else:  # a keeper that an earlier group had
                self._before |= self._read([content])
        return self._held.get(content) or self._before.get(content)

    def _read(self, contents: Iterable[str]) -> dict[str, Item]:
        with self._library.catalogue.reading() as connection:
            numbers = items.numbers(connection, "image", contents)
            found = items.hydrate(connection, list(numbers.values()))
        return {item.hash: item for item in found.values()}

    def _image(self, content: str) -> bytes | None:
        if self._thumbnail[0] != content:  # copies stand side by side
            self._thumbnail = content, self._library.thumbnail(content)
        return self._thumbnail[1]
