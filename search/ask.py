"""Asking: one question, an answer from each picture."""

from collections.abc import Iterator, Sequence

import numpy as np

from indexer.decode import Limits
from indexer.models.protocols import Answerer
from search.pictures import Pictures
from storage.errors import InvalidArgument, ModelError
from storage.library import Library
from storage.records import Item


def ask(
    library: Library,
    answerer: Answerer,
    question: str,
    items: Sequence[Item],
    limits: Limits | None = None,
) -> Iterator[tuple[Item, str]]:
    """Put a question to each picture and yield the answers, in order, as batches of them come.

    What cannot be read is left out; how many that were stands in the library's notices at the
    end. Raises InvalidArgument for an empty question, or where no picture is there to ask.
    """
    if not question.strip():
        raise InvalidArgument("the question is empty: write what to ask about the pictures")
    asked = [item for item in items if item.kind == "image"]
    if not asked:
        raise InvalidArgument(
            "there is no picture to ask about: name one, or look for some with --query TERM"
        )
    return _answers(library, answerer, " ".join(question.split()), asked, limits)


def _answers(
    library: Library,
    answerer: Answerer,
    question: str,
    items: Sequence[Item],
    limits: Limits | None,
) -> Iterator[tuple[Item, str]]:
    pictures = Pictures(library, limits)
    for batch in pictures.batches(items, answerer.pictures):
        read = [(one.item, one.pixels) for one in batch if one.pixels is not None]
        if not read:
            continue
        pixels = np.stack([pixels for _, pixels in read])  # (n, size, size, 3) uint8
        said = answerer.answer(pixels, [question] * len(read))
        if len(said) != len(read):
            raise ModelError(
                f"the model {answerer.name} gave {len(said)} answers for {len(read)} pictures"
            )
        for (item, _), answer in zip(read, said, strict=True):
            yield item, " ".join(answer.split())
    library.notices.extend(pictures.notices("they have no answer"))
