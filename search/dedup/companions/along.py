"""The companions that go with an image that is dropped, each held and checked.

A companion stays where its keeper has it as well, being in the same folder and of the same name.
Else it goes along where the keeper has one with the same bytes, or where a person asked for it;
an image that would be parted from a companion otherwise stays.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, get_args

from indexer.images.file_kind import HEAD_BYTES, classify, needs_head
from search.dedup.apply.open_file import Held, hold, identity, look, require_two, words
from search.dedup.companions.folder import Folder
from storage.errors import FileFailure

CompanionMode = Literal["keep", "move", "leave"]
MODES: tuple[CompanionMode, ...] = get_args(CompanionMode)
_NAMED = 3  # companions that a reason names


@dataclass(frozen=True, slots=True)
class Along:
    """A companion that goes with its image, and the file of the same bytes beside the keeper."""

    held: Held
    equal: Held | None


@contextmanager
def going_along(
    loser: Held, keeper: Held, mode: CompanionMode, dropped: Collection[str]
) -> Iterator[tuple[Along, ...]]:
    """Hold the companions that go with an image; `dropped` are the paths that the plan drops.

    With "keep" those go that have an equal beside the keeper, with "move" all of them, with
    "leave" none. Raises a FileFailure where the image would be parted from one otherwise.
    """
    if mode == "leave":
        yield ()
        return
    with ExitStack() as stack:
        try:
            found = tuple(_Beside(loser, keeper, mode, dropped, stack).along())
        except OSError as error:
            raise FileFailure(f"its companions cannot be looked at: {words(error)}") from error
        yield found


class _Beside:
    """What lies beside an image and beside its keeper."""

    def __init__(
        self,
        loser: Held,
        keeper: Held,
        mode: CompanionMode,
        dropped: Collection[str],
        stack: ExitStack,
    ) -> None:
        self._loser, self._mode, self._dropped, self._stack = loser, mode, dropped, stack
        folder, name = os.path.split(loser.path)
        self._folder = Folder(folder)
        self._own = self._folder.companions(name)
        kept, name = os.path.split(keeper.path)
        self._kept = Folder(kept).companions(name) if self._own else []

    def along(self) -> Iterator[Along]:
        """Yield what goes along."""
        shared = {identity(os.stat(path)) for path in self._kept}
        parted = []
        for path in self._own:
            if identity(os.lstat(path)) in shared:
                continue
            held = self._hold(path)
            _require_no_image(held)
            equal = self._equal(held)
            others = [
                each
                for each in self._folder.images(os.path.basename(path))
                if each != self._loser.path
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
                yield Along(held, equal)
        if parted:
            raise _would_part(parted)

    def _hold(self, path: str) -> Held:
        try:
            return self._stack.enter_context(hold(path, alone=True))
        except FileFailure as error:
            raise FileFailure(f"its companion: {error}") from error

    def _equal(self, held: Held) -> Held | None:
        """Return a file beside the keeper with the same bytes, held until the stack is closed."""
        for path in self._kept:
            with suppress(FileFailure), ExitStack() as attempt:
                if look(path).st_size != held.seen.st_size:
                    continue
                found = attempt.enter_context(hold(path, alone=False))
                if found.hash == held.hash and found.identity != held.identity:
                    require_two(held, found)
                    self._stack.push(attempt.pop_all())
                    return found
        return None


def _require_no_image(held: Held) -> None:
    """Raise a FileFailure for what the library reads as an image, whatever it is called."""
    name = os.path.basename(held.path)
    if needs_head(name):
        os.lseek(held.descriptor, 0, os.SEEK_SET)
        if classify(name, os.read(held.descriptor, HEAD_BYTES)) == "image":
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
