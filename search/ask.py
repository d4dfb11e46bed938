"""Visual question answering: one question, an answer for each image."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from indexer.images.limits import Limits
from indexer.models.protocols import Answerer, Pixels
from search.images import BATCH, ImageReader, read_external
from search.query import plain
from search.truncation import truncations
from storage.errors import InvalidArgument, ModelError
from storage.library import Library
from storage.records import Answer, Item
from storage.tables.items import hydrate


def check_askable(question: str, images: int) -> None:
    """Raise InvalidArgument for an empty question, or no images; before a model is loaded."""
    _one_line(question)
    if not images:
        raise InvalidArgument(
            "there is no image to ask about: name one, or look for some", parameter="images"
        )


def ask(
    library: Library,
    answerer: Answerer,
    question: str,
    chosen: Sequence[int],
    limits: Limits | None = None,
    notices: list[str] | None = None,
) -> Iterator[tuple[Item, str]]:
    """Yield the answers to a question about images, given by row numbers, batch by batch.

    However many they are, a batch of items is read from the catalogue at a time. Those removed
    meanwhile, and images that cannot be read, are left out; how many could not be read, and what
    the model did not read of the question, is added to `notices` at the end. Raises
    InvalidArgument for an empty question.
    """
    parts = _read(library, chosen)
    return _answers(library, answerer, _one_line(question), parts, limits, notices)


def ask_file(answerer: Answerer, question: str, path: str, limits: Limits) -> Answer[str]:
    """Put a question to an image that no library holds; raises what `read_external` raises.

    The notice says what of the question the model did not read.
    """
    said = _one_line(question)
    _, pixels = read_external(path, answerer.image_spec, limits)
    answers = _answered(answerer, said, pixels[None])
    return Answer(answers, truncations(answerer, answerer.name, [question]))


def _read(library: Library, chosen: Sequence[int]) -> Iterator[list[Item]]:
    for start in range(0, len(chosen), BATCH):
        part = chosen[start : start + BATCH]
        with library.catalogue.reading() as connection:
            found = hydrate(connection, part)
        yield [found[number] for number in part if number in found]


def _answers(
    library: Library,
    answerer: Answerer,
    question: str,
    parts: Iterable[Sequence[Item]],
    limits: Limits | None,
    notices: list[str] | None,
) -> Iterator[tuple[Item, str]]:
    images = ImageReader(library, limits)
    for part in parts:
        batch = images.read(part, answerer.image_spec)
        read = [(one.item, one.pixels) for one in batch if one.pixels is not None]
        if read:
            pixels = np.stack([pixels for _, pixels in read])  # (n, size, size, 3) uint8
            said = _answered(answerer, question, pixels)
            yield from zip((item for item, _ in read), said, strict=True)
    if notices is not None:
        notices.extend(images.notices("they have no answer"))
        notices.extend(truncations(answerer, answerer.name, [question]))


def _answered(answerer: Answerer, question: str, pixels: Pixels) -> list[str]:
    """Return n answers for (n, size, size, 3) uint8, each on one line."""
    said = answerer.answer(pixels, [question] * len(pixels))
    if len(said) != len(pixels):
        raise ModelError(
            f"the model {answerer.name} gave {len(said)} answers for {len(pixels)} images"
        )
    return [" ".join(answer.split()) for answer in said]


def _one_line(question: str) -> str:
    if not question.strip():
        raise InvalidArgument(
            "the question is empty: write what to ask about the images",
            parameter="question",
            value=question,
        )
    return " ".join(plain(question).split())
