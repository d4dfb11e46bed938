"""A dialogue about pictures: what was said stays said, turn by turn."""

import os
from collections.abc import Sequence
from typing import Self

import numpy as np

from indexer.images.decode import Limits
from indexer.models.protocols import Conversant, Pixels, Turn
from search.hits import first_path
from search.images import Pictures
from search.query import plain
from storage.errors import DecodeFailure, Hint, InvalidArgument, ModelError
from storage.fields import check_arguments
from storage.library import Library
from storage.records import Item


class Chat:
    """A conversation with a model about one or several pictures.

    `pixels` are (n, size, size, 3) uint8, prepared as the model wants them.
    """

    def __init__(self, conversant: Conversant, pixels: Pixels) -> None:
        if not len(pixels):
            raise InvalidArgument(
                "there is no picture to talk about: name an item", parameter="pictures"
            )
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
        check_there(library, items)
        pictures = Pictures(library, limits)
        read = pictures.of(items, conversant.pictures)
        for one in read:
            if one.pixels is None:
                raise _unreadable(one.item)
        library.notices.extend(pictures.notices("it is not talked about"))
        pixels = [one.pixels for one in read if one.pixels is not None]
        size = conversant.pictures.size
        return cls(conversant, np.stack(pixels) if pixels else np.empty((0, size, size, 3), "u1"))

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said so far, the first first."""
        return tuple(self._turns)

    @check_arguments
    def say(self, text: str) -> str:
        """Add a person's turn and return the reply; where none comes, nothing was said."""
        if not text.strip():
            raise InvalidArgument("nothing was said: write a question or a remark")
        asked = [*self._turns, Turn("person", plain(text.strip()))]
        reply = self._conversant.reply(self._pixels, asked).strip()
        if not reply:
            raise ModelError(
                f"the model {self._conversant.name} said nothing to that: ask in other words"
            )
        self._turns = [*asked, Turn("model", reply)]
        return reply


def check_there(library: Library, items: Sequence[Item]) -> None:
    """Find out before a model is loaded what cannot be talked about.

    Raises InvalidArgument for none, or for an item that is no picture, DecodeFailure for one of
    which neither a file nor a thumbnail is left.
    """
    if not items:
        raise InvalidArgument(
            "there is no picture to talk about: name an item", parameter="pictures"
        )
    for item in items:
        if item.kind != "image":
            raise InvalidArgument(f"{_name(item)} is a text: only pictures can be talked about")
        there = any(map(os.path.isfile, item.paths + item.excluded_paths))
        if not there and library.thumbnail(item.hash) is None:
            raise _unreadable(item)


def _unreadable(item: Item) -> DecodeFailure:
    return DecodeFailure(
        f"{_name(item)} cannot be read, nor has it a thumbnail: mount its disk, or index it again",
        hint=Hint("index"),
    )


def _name(item: Item) -> str:
    return first_path(item) or item.hash[:12]
