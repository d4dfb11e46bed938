"""Captioning: captions of images, stored in the catalogue batch by batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from indexer.images.limits import Limits
from indexer.models.protocols import Captioner, Pixels
from search.hits import Hit, first_path
from search.images import BATCH, ImageReader, read_external
from search.models import Models, local_checkpoint
from storage.errors import InvalidArgument, LibraryError, ModelError
from storage.library import Library
from storage.records import Answer, Caption, Item
from storage.tables import captions, items

ProgressCallback = Callable[[int, int], None]  # images done, images to do


class Described(NamedTuple):
    """An image and its caption; `path` is None if the item has no file."""

    item: Item
    path: str | None
    caption: str


class Captions(Answer[Described]):
    """The captions that were made; `model` made them, and `before` images had one of it."""

    model: str = ""
    before: int = 0


class CaptionJob:
    """Captions images of a library with one model.

    `failed` counts the images left without a caption by a run, `notices` gives the reasons.
    """

    def __init__(
        self,
        library: Library,
        captioner: Captioner,
        limits: Limits | None = None,
        batch: int = BATCH,
    ) -> None:
        self._library, self._captioner, self._batch = library, captioner, batch
        self._images = ImageReader(library, limits)
        self._silent = 0

    @property
    def failed(self) -> int:
        """Return how many images could not be read or got an empty caption."""
        return self._silent + self._images.unreadable

    @property
    def notices(self) -> list[str]:
        """Return notices about images read from thumbnails, and images without a caption."""
        said = self._images.notices("they have no caption")
        if self._silent:
            these = "1 image" if self._silent == 1 else f"{self._silent:,} images"
            said.append(
                f"the model {self._captioner.name} said nothing about {these}: no caption was "
                "stored, another model may have one"
            )
        return said

    def run(
        self, chosen: Sequence[int], progress: ProgressCallback | None = None
    ) -> Iterator[Described]:
        """Caption the chosen images, by item row numbers, that lack a caption of the model.

        Each batch is committed before it is yielded, so an interrupted run loses none and the
        next one continues. If all have one, no write lock is taken. Raises LibraryInUse, DiskFull
        and the errors of the model.
        """
        if not self._lacking(chosen):
            return
        with self._library.writing("describe") as counts:
            todo = self._lacking(chosen)  # again: another process may have captioned them
            done = described = 0
            for start in range(0, len(todo), self._batch):
                part = todo[start : start + self._batch]
                written = self._describe(part)
                done, described = done + len(part), described + len(written)
                counts.update(described=described, failed=self.failed)
                if progress is not None:
                    progress(done, len(todo))
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
            self._images,
        )
        self._silent += sum(not words for words in said.values())
        kept = {number: words for number, words in said.items() if words}
        with self._library.catalogue.writing() as connection:
            captions.record(connection, _records(kept, self._captioner))
        return [
            Described(found[number], first_path(found[number]), words)
            for number, words in kept.items()
        ]


def caption_targets(
    library: Library,
    models: Models,
    name: str,
    chosen: Sequence[int],
    limits: Limits,
    each: Callable[[Described], None] | None = None,
    watch: ProgressCallback | None = None,
) -> Captions:
    """Caption those of the chosen images that lack the caption of the model of this name.

    No model is loaded where none lacks it. Raises what `CaptionJob.run` raises.
    """
    known = local_checkpoint(name, "captioner")
    if known is not None:
        with library.catalogue.reading() as connection:
            lacking = captions.lacking(connection, known.name, known.revision, chosen)
        if not lacking:
            made = Captions()
            made.model, made.before = known.name, len(chosen)
            return made
    captioner = models.captioner(name)
    job = CaptionJob(library, captioner, limits)
    made = Captions.collect(job.run(chosen, watch), each)
    made.notices = tuple(job.notices)
    made.model, made.before = captioner.name, len(chosen) - len(made) - job.failed
    return made


def caption(chosen: Sequence[Item], captioner: Captioner, images: ImageReader) -> dict[int, str]:
    """Return a caption on one line for each image that can be read; "" if the model has none.

    Raises ModelError unless the model returns one caption for each image.
    """
    read = [
        (one.item.id, one.pixels)
        for one in images.read(chosen, captioner.image_spec)
        if one.pixels is not None
    ]
    if not read:
        return {}
    said = _said(captioner, np.stack([pixels for _, pixels in read]))
    return {number: words for (number, _), words in zip(read, said, strict=True)}


def describe_file(captioner: Captioner, path: str, limits: Limits) -> str:
    """Return a caption of a file outside the library.

    Raises the errors of `read_external`, and ModelError for an empty caption.
    """
    _, pixels = read_external(path, captioner.image_spec, limits)
    [words] = _said(captioner, pixels[None])
    if not words:
        raise ModelError(f"the model {captioner.name} said nothing about {path}: try another")
    return words


def _said(captioner: Captioner, pixels: Pixels) -> list[str]:
    """Return n captions for (n, size, size, 3) uint8, each on one line."""
    said = captioner.describe(pixels)
    if len(said) != len(pixels):
        raise ModelError(
            f"the model {captioner.name} gave {len(said)} captions for {len(pixels)} images"
        )
    return [" ".join(words.split()) for words in said]


def captioned(
    library: Library,
    captioner: Callable[[], Captioner] | None,
    hits: Sequence[Hit],
    limits: Limits,
    notices: list[str],
) -> list[Hit]:
    """Return the hits with a caption for every image: the stored one, or a new one, then stored.

    What had no caption, or could not be stored, is added to `notices`. No model is loaded where
    every image has its caption.
    """
    lacking = [hit.item for hit in hits if hit.item.kind == "image" and not hit.caption]
    if not lacking:
        return list(hits)
    if captioner is None:
        raise InvalidArgument("this engine was given no model to describe images with")
    model, images = captioner(), ImageReader(library, limits)
    said: dict[int, str] = {}
    for start in range(0, len(lacking), BATCH):
        said |= caption(lacking[start : start + BATCH], model, images)
    _keep(library, {number: words for number, words in said.items() if words}, model, notices)
    notices.extend(images.notices("they have no caption"))
    return [
        replace(hit, caption=said[hit.item.id]) if said.get(hit.item.id) else hit for hit in hits
    ]


def _keep(library: Library, said: dict[int, str], model: Captioner, notices: list[str]) -> None:
    if not said:
        return
    try:
        with (
            library.writing("describe hits", wait=False),
            library.catalogue.writing() as connection,
        ):
            there = items.hydrate(connection, list(said))  # some may have been removed meanwhile
            kept = {number: words for number, words in said.items() if number in there}
            captions.record(connection, _records(kept, model))
    except LibraryError as error:  # in use, full or not ours to write: a search answers anyway
        notices.append(
            "the captions of these hits were not stored, describe the images themselves to keep "
            f"them: {error}"
        )


def _records(said: dict[int, str], model: Captioner) -> list[Caption]:
    return [Caption(number, model.name, model.revision, words) for number, words in said.items()]
