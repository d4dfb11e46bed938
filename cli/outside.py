"""A picture file that no library holds, made ready for a model that reads it once."""

import os
from pathlib import Path

from indexer.decode import Limits, open_picture
from indexer.models import PictureSpec, Pixels
from indexer.pictures import prepare, sides_needed
from storage.errors import FileFailure, PathNotFound


def prepared(path: Path, spec: PictureSpec, limits: Limits) -> Pixels:
    """Read one picture: → (1, size, size, 3) uint8.

    Raises PathNotFound for what is no file, and DecodeFailure or UnreadableFile naming it.
    """
    if not os.path.isfile(path):  # nor a pipe or a device, which might never end
        raise PathNotFound(f"{path} is not a file: check the path")
    try:
        picture = open_picture(path, limits=limits, smallest=sides_needed(spec))
    except FileFailure as error:
        raise type(error)(f"{path} cannot be used: {error}") from error
    return prepare(picture.image, spec)[None]
