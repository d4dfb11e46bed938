"""A dialogue with a model about images, turn by turn."""

import os
from collections.abc import Sequence
from typing import Self

import numpy as np

from indexer.images.limits import Limits
from indexer.models.protocols import ChatModel, Pixels, Turn
from search.hits import first_path
from search.images import ImageReader
from search.query import plain
from storage.errors import DecodeFailure, Hint, InvalidArgument, ModelError
from storage.fields import check_arguments
from storage.library import Library
from storage.records import Item


class Chat:
    """A conversation with a model about one or several images.

    `pixels` are (n, size, size, 3) uint8, prepared as the model wants them; `notices` say what of
    them was not read from its file.
    """

    def __init__(self, chat_model: ChatModel, pixels: Pixels, notices: Sequence[str] = ()) -> None:
        if not len(pixels):
            raise InvalidArgument(
                "there is no image to talk about: name an item", parameter="images"
            )
        self._chat_model, self._pixels = chat_model, pixels
        self._turns: list[Turn] = []
        self.notices = tuple(notices)

    @classmethod
    def about(
        cls,
        library: Library,
        chat_model: ChatModel,
        items: Sequence[Item],
        limits: Limits | None = None,
    ) -> Self:
        """Create a conversation about items of a library.

        Raises InvalidArgument for an item that is no image, DecodeFailure for one that can be
        read neither from its file nor from its thumbnail.
        """
        require_readable(library, items)
        images = ImageReader(library, limits)
        read = images.read(items, chat_model.image_spec)
        for one in read:
            if one.pixels is None:
                raise _unreadable(one.item)
        pixels = [one.pixels for one in read if one.pixels is not None]
        size = chat_model.image_spec.size
        squares = np.stack(pixels) if pixels else np.empty((0, size, size, 3), "u1")
        return cls(chat_model, squares, images.notices("it is not talked about"))

    @property
    def model(self) -> str:
        """Return the name of the model."""
        return self._chat_model.name

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Return the turns so far, in order."""
        return tuple(self._turns)

    @check_arguments
    def say(self, text: str) -> str:
        """Add a person's turn and return the reply; after an error the turn is not kept."""
        if not text.strip():
            raise InvalidArgument("nothing was said: write a question or a remark")
        asked = [*self._turns, Turn("person", plain(text.strip()))]
        reply = self._chat_model.chat(self._pixels, asked).strip()
        if not reply:
            raise ModelError(
                f"the model {self._chat_model.name} said nothing to that: ask in other words"
            )
        self._turns = [*asked, Turn("model", reply)]
        return reply


def require_readable(library: Library, items: Sequence[Item]) -> None:
    """Raise an error before a model is loaded, if there are items that a chat cannot use.

    Raises InvalidArgument for no items or an item that is no image, DecodeFailure for one that
    has neither a file nor a thumbnail left.
    """
    if not items:
        raise InvalidArgument("there is no image to talk about: name an item", parameter="images")
    for item in items:
        if item.kind != "image":
            raise InvalidArgument(f"{_name(item)} is a text: only images can be talked about")
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
