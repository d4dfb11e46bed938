"""The companions that are dropped together with an image, each opened and checked.

A companion stays if it belongs to the keeper as well, being in the same folder and of the same
name. Otherwise it goes with its image if the keeper has one with the same bytes, or if the user
asked for it; an image that would be separated from a companion stays.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, get_args

from indexer.images.file_kind import HEAD_BYTES, classify, needs_head
from search.dedup.apply.open_file import (
    OpenFile,
    identity,
    lstat_regular,
    open_verified,
    os_error_text,
    require_two,
)
from search.dedup.companions.folder import Folder
from storage.errors import FileFailure

CompanionMode = Literal["keep", "move", "leave"]
MODES: tuple[CompanionMode, ...] = get_args(CompanionMode)
_NAMED = 3  # companions that a reason names


@dataclass(frozen=True, slots=True)
class Along:
    """A companion dropped with its image, and the file of the same bytes beside the keeper."""

    file: OpenFile
    equal: OpenFile | None


@contextmanager
def going_along(
    duplicate: OpenFile, keeper: OpenFile, mode: CompanionMode, dropped: Collection[str]
) -> Iterator[tuple[Along, ...]]:
    """Open the companions that go with an image; `dropped` are the paths that the plan drops.

    With "keep" those with an equal file beside the keeper go, with "move" all of them, with
    "leave" none. Raises a FileFailure if the image would be separated from one otherwise.
    """
    if mode == "leave":
        yield ()
        return
    with ExitStack() as stack:
        try:
            found = tuple(_Beside(duplicate, keeper, mode, dropped, stack).along())
        except OSError as error:
            raise FileFailure(
                f"its companions cannot be looked at: {os_error_text(error)}"
            ) from error
        yield found


class _Beside:
    """The companions of an image and of its keeper."""

    def __init__(
        self,
        duplicate: OpenFile,
        keeper: OpenFile,
        mode: CompanionMode,
        dropped: Collection[str],
        stack: ExitStack,
    ) -> None:
        self._duplicate, self._mode, self._dropped, self._stack = duplicate, mode, dropped, stack
        folder, name = os.path.split(duplicate.path)
        self._folder = Folder(folder)
        self._own = self._folder.companions(name)
        kept, name = os.path.split(keeper.path)
        self._kept = Folder(kept).companions(name) if self._own else []

    def along(self) -> Iterator[Along]:
        """Yield the companions that go with the image."""
        shared = {identity(os.stat(path)) for path in self._kept}
        parted = []
        for path in self._own:
            if identity(os.lstat(path)) in shared:
                continue
            file = self._hold(path)
            _require_no_image(file)
            equal = self._equal(file)
            others = [
                each
                for each in self._folder.images(os.path.basename(path))
                if each != self._duplicate.path
            ]
            if equal is None and self._mode == "keep":
                parted.append(os.path.basename(path))
            elif equal is None and (staying := [o for o in others if o not in self._dropped]):
                raise FileFailure(
                    f"{os.path.basename(path)} belongs to {os.path.basename(staying[0])} as well, "
                    "which stays: {companions} leave drops it without",
                    parameter="companions",
                    value=self._mode,
                )
            elif not others:  # else it goes with the last of them that is dropped
                yield Along(file, equal)
        if parted:
            raise _would_part(parted)

    def _hold(self, path: str) -> OpenFile:
        try:
            return self._stack.enter_context(open_verified(path, exclusive=True))
        except FileFailure as error:
            raise FileFailure(f"its companion: {error}") from error

    def _equal(self, file: OpenFile) -> OpenFile | None:
        """Return a file beside the keeper with the same bytes, open until the stack is closed."""
        for path in self._kept:
            with suppress(FileFailure), ExitStack() as attempt:
                if lstat_regular(path).st_size != file.seen.st_size:
                    continue
                found = attempt.enter_context(open_verified(path, exclusive=False))
                if found.hash == file.hash and found.identity != file.identity:
                    require_two(file, found)
                    self._stack.push(attempt.pop_all())
                    return found
        return None


def _require_no_image(file: OpenFile) -> None:
    """Raise a FileFailure if the library reads the file as an image, whatever its name."""
    name = os.path.basename(file.path)
    if needs_head(name):
        os.lseek(file.descriptor, 0, os.SEEK_SET)
        if classify(name, os.read(file.descriptor, HEAD_BYTES)) == "image":
            raise FileFailure(
                f"{name} beside it is an image of its own: {{companions}} leave drops it without",
                parameter="companions",
            )


def _would_part(names: Sequence[str]) -> FileFailure:
    told = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" * (len(names) > _NAMED))
    lie, them = ("lies", "it") if len(names) == 1 else ("lie", "them")
    return FileFailure(
        f"{told} {lie} beside it and not beside its keeper: {{companions}} move takes {them} "
        f"along, {{companions}} leave leaves {them} there",
        parameter="companions",
        value="keep",
    )
