"""Describing: captions for pictures, written into the catalogue as they come."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from indexer.images.decode import Limits
from indexer.models.protocols import Captioner, Pixels
from search.hits import Hit, first_path
from search.images import BATCH, Pictures, outside
from storage.errors import InvalidArgument, LibraryError, ModelError
from storage.library import Library
from storage.records import Caption, Item
from storage.tables import captions, items

Watch = Callable[[int, int], None]  # pictures done, pictures to do


class Described(NamedTuple):
    """A picture and what a model says is in it; `path` names the item, None where nothing does."""

    item: Item
    path: str | None
    caption: str


class Describing:
    """Captions pictures of a library with one model.

    `failed` counts those that have no caption after a run, `notices` says why, one line a kind.
    """

    def __init__(
        self,
        library: Library,
        captioner: Captioner,
        limits: Limits | None = None,
        batch: int = BATCH,
    ) -> None:
        self._library, self._captioner, self._batch = library, captioner, batch
        self._pictures = Pictures(library, limits)
        self._silent = 0

    @property
    def failed(self) -> int:
        """Pictures that could not be read, or of which the model said nothing."""
        return self._silent + self._pictures.unread

    @property
    def notices(self) -> list[str]:
        """What was read otherwise than from its file, and what got no caption."""
        said = self._pictures.notices("they have no caption")
        if self._silent:
            these = "1 picture" if self._silent == 1 else f"{self._silent:,} pictures"
            said.append(
                f"the model {self._captioner.name} said nothing about {these}: no caption was "
                "stored, another model may have one"
            )
        return said

    def run(self, chosen: Sequence[int], watch: Watch | None = None) -> Iterator[Described]:
        """Caption those of the chosen pictures, item row numbers, that lack the model's caption.

        Each batch is committed before it is yielded, so what was yielded is kept whatever
        happens then, and the next run goes on from there. Where none lacks one, the library may
        be in use. Raises LibraryInUse, DiskFull and what the model raises.
        """
        if not self._lacking(chosen):
            return
        with self._library.writing("describe") as counts:
            todo = self._lacking(chosen)  # once more: another process may have been first
            done = described = 0
            for start in range(0, len(todo), self._batch):
                part = todo[start : start + self._batch]
                written = self._describe(part)
                done, described = done + len(part), described + len(written)
                counts.update(described=described, failed=self.failed)
                if watch is not None:
                    watch(done, len(todo))
                yield from written

    def _lacking(self, chosen: Sequence[int]) -> list[int]:
        name, revision = self._captioner.name, self._captioner.revision
        with self._library.catalogue.reading() as connection:
            return captions.lacking(connection, name, revision, chosen)

    def _describe(self, numbers: Sequence[int]) -> list[Described]:
        with self._library.catalogue.reading() as connection:
            found = items.hydrate(connection, numbers)
        said = caption(
            [found[number] for number in numbers if number in found],
            self._captioner,
            self._pictures,
        )
        self._silent += sum(not words for words in said.values())
        kept = {number: words for number, words in said.items() if words}
        with self._library.catalogue.writing() as connection:
            captions.record(connection, _records(kept, self._captioner))
        return [
            Described(found[number], first_path(found[number]), words)
            for number, words in kept.items()
        ]


def caption(chosen: Sequence[Item], captioner: Captioner, pictures: Pictures) -> dict[int, str]:
    """Describe each picture that can be read, on one line; "" where the model says nothing.

    Raises ModelError where it says more or less than one thing a picture.
    """
    read = [
        (one.item.id, one.pixels)
        for one in pictures.of(chosen, captioner.pictures)
        if one.pixels is not None
    ]
    if not read:
        return {}
    said = _said(captioner, np.stack([pixels for _, pixels in read]))
    return {number: words for (number, _), words in zip(read, said, strict=True)}


def describe_file(captioner: Captioner, path: str, limits: Limits) -> str:
    """Describe a picture that no library holds.

    Raises what `outside` raises, and ModelError where the model says nothing.
    """
    _, pixels = outside(path, captioner.pictures, limits)
    [words] = _said(captioner, pixels[None])
    if not words:
        raise ModelError(f"the model {captioner.name} said nothing about {path}: try another")
    return words


def _said(captioner: Captioner, pixels: Pixels) -> list[str]:
    """Describe each of (n, size, size, 3) uint8 on one line."""
    said = captioner.describe(pixels)
    if len(said) != len(pixels):
        raise ModelError(
            f"the model {captioner.name} gave {len(said)} captions for {len(pixels)} pictures"
        )
    return [" ".join(words.split()) for words in said]


def captioned(
    library: Library,
    captioner: Callable[[], Captioner] | None,
    hits: Sequence[Hit],
    limits: Limits,
) -> list[Hit]:
    """Add a caption to every picture among the hits: the stored one, else one made now and stored.

    Notices go to the library's. No model is loaded where every picture has its caption.
    """
    lacking = [hit.item for hit in hits if hit.item.kind == "image" and not hit.caption]
    if not lacking:
        return list(hits)
    if captioner is None:
        raise InvalidArgument("this engine was given no model to describe pictures with")
    model, pictures = captioner(), Pictures(library, limits)
    said: dict[int, str] = {}
    for start in range(0, len(lacking), BATCH):
        said |= caption(lacking[start : start + BATCH], model, pictures)
    _keep(library, {number: words for number, words in said.items() if words}, model)
    library.notices.extend(pictures.notices("they have no caption"))
    return [
        replace(hit, caption=said[hit.item.id]) if said.get(hit.item.id) else hit for hit in hits
    ]


def _keep(library: Library, said: dict[int, str], model: Captioner) -> None:
    if not said:
        return
    try:
        with library.writing("describe hits"), library.catalogue.writing() as connection:
            there = items.hydrate(connection, list(said))  # some may have been removed meanwhile
            kept = {number: words for number, words in said.items() if number in there}
            captions.record(connection, _records(kept, model))
    except LibraryError as error:  # in use, full or not ours to write: a search answers anyway
        library.notices.append(
            "the captions of these hits were not stored, describe the pictures themselves to keep "
            f"them: {error}"
        )


def _records(said: dict[int, str], model: Captioner) -> list[Caption]:
    return [Caption(number, model.name, model.revision, words) for number, words in said.items()]
