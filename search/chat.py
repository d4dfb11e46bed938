"""A dialogue about pictures: what was said stays said, turn by turn."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from indexer.decode import Limits
from indexer.models.protocols import Conversant, Pixels, Turn
from search.hits import first_path
from search.pictures import Pictures
from storage.errors import DecodeFailure, InvalidArgument, ModelError
from storage.library import Library
from storage.records import Item


class Chat:
    """A conversation with a model about one or several pictures.

    `pixels` are (n, size, size, 3) uint8, prepared as the model wants them.
    """

    def __init__(self, conversant: Conversant, pixels: Pixels) -> None:
        if not len(pixels):
            raise InvalidArgument("there is no picture to talk about: name an item")
        self._conversant, self._pixels = conversant, pixels
        self._turns: list[Turn] = []

    @classmethod
    def about(
        cls,
        library: Library,
        conversant: Conversant,
        items: Sequence[Item],
        limits: Limits | None = None,
    ) -> Self:
        """Begin a conversation about items of a library.

        Raises InvalidArgument for an item that is no picture, DecodeFailure for one whose
        picture can be had neither from its file nor from its thumbnail.
        """
        for item in items:
            if item.kind != "image":
                raise InvalidArgument(f"{_name(item)} is a text: only pictures can be talked about")
        read = Pictures(library, limits).of(items, conversant.pictures)
        for one in read:
            if one.pixels is None:
                raise DecodeFailure(
                    f"{_name(one.item)} cannot be read, nor has it a thumbnail: mount its disk, or "
                    "run `sightline index`"
                )
        pixels = [one.pixels for one in read if one.pixels is not None]
        size = conversant.pictures.size
        return cls(conversant, np.stack(pixels) if pixels else np.empty((0, size, size, 3), "u1"))

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said so far, the first first."""
        return tuple(self._turns)

    def say(self, text: str) -> str:
        """Say something and return the reply; where none comes, nothing was said."""
        if not text.strip():
            raise InvalidArgument("nothing was said: write a question or a remark")
        asked = [*self._turns, Turn("person", text.strip())]
        reply = self._conversant.reply(self._pixels, asked).strip()
        if not reply:
            raise ModelError(
                f"the model {self._conversant.name} said nothing to that: ask in other words"
            )
        self._turns = [*asked, Turn("model", reply)]
        return reply


def _name(item: Item) -> str:
    return first_path(item) or item.hash[:12]
