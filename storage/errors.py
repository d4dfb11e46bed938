"""Every error that is raised on purpose, in one tree.

    SightlineError
    ├── InvalidArgument            what was asked makes no sense; the command line exits 2
    │   └── UnknownModel
    ├── LibraryError
    │   ├── LibraryNotFound
    │   ├── NotALibrary
    │   ├── LibraryTooNew
    │   ├── LibraryInUse
    │   ├── LibraryDamaged
    │   ├── LibraryChanged
    │   ├── LibraryReadOnly
    │   ├── LibraryClosed
    │   └── DiskFull
    ├── ModelError
    │   ├── ModelUnavailable
    │   ├── UnsafeWeights
    │   ├── BrokenModel
    │   ├── WrongRole
    │   ├── NotEnoughMemory
    │   └── ModelMismatch
    ├── PathNotFound
    ├── ItemNotFound
    ├── FileFailure                one file could not be used; carries stage and reason
    │   ├── UnreadableFile
    │   ├── DecodeFailure
    │   ├── TextFailure
    │   └── EncodeFailure
    ├── IndexDamaged               a derived FAISS file is not what was registered
    └── ForkedProcess              a fork left what the library needs in pieces

A message names the thing, the limit it met and the next step, in one line. It speaks to every
face alike, a command line, Python or a server: arguments and commands are data beside it, which
the face writes in its own way. Nothing below `cli` prints or exits.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Literal, Self

Step = Literal[
    "check installation",
    "index",
    "index by model",
    "index in precision",
    "index folder",
    "install package",
    "list decisions",
    "list models",
    "list models of role",
    "list tags",
    "pull",
    "show status",
    "undo",
    "use",
]


@dataclass(frozen=True, slots=True)
class Hint:
    """The next step, for a face that has a name of its own for it; `of` is what it is done to."""

    step: Step
    of: str = ""


class SightlineError(Exception):
    """The root of all errors that are shown to the user.

    `parameter` is the argument at fault, as a Python caller writes it, and `value` what it was;
    `others` are further arguments that the message speaks of. The message holds their names in
    braces, so that a face can write its own: `{min_match} is 1.5`. `hint` is the next step, which
    the message says in plain words as well.
    """

    def __init__(
        self,
        message: str,
        *,
        parameter: str | None = None,
        value: object = None,
        others: tuple[str, ...] = (),
        hint: Hint | None = None,
    ) -> None:
        super().__init__(message)
        self.parameter, self.value, self.others, self.hint = parameter, value, others, hint

    def spelled(self, name: Callable[[str], str]) -> str:
        """Return the message with what `name` returns for each argument that it speaks of."""
        message = str(self.args[0])
        for one in filter(None, (self.parameter, *self.others)):
            message = message.replace(f"{{{one}}}", name(one))
        return message

    def __str__(self) -> str:
        return self.spelled(str)

    def wrapped(self, before: str = "", after: str = "", hint: Hint | None = None) -> Self:
        """Return the same error, without its traceback, with more words around its message."""
        made = copy(self)
        made.args, made.hint = (f"{before}{self.args[0]}{after}",), hint or self.hint
        return made


class InvalidArgument(SightlineError):
    """An argument is invalid, whatever the state of the library."""


class UnknownModel(InvalidArgument):
    """No model has that name."""


class LibraryError(SightlineError):
    """The library folder cannot be used as it is."""


class LibraryNotFound(LibraryError):
    """There is no library at that path."""


class NotALibrary(LibraryError):
    """The folder exists and is something else."""


class LibraryTooNew(LibraryError):
    """The library was written by a newer version of the program."""


class LibraryInUse(LibraryError):
    """Another process is writing to the library."""


class LibraryDamaged(LibraryError):
    """The catalogue cannot be read as a database."""


class LibraryChanged(LibraryError):
    """The library changed after the plan was made."""


class LibraryReadOnly(LibraryError):
    """The library can only be read here, and a write was requested."""


class LibraryClosed(LibraryError):
    """The library was closed before."""


class DiskFull(LibraryError):
    """The disk was full at a commit; everything committed before is intact."""


class ModelError(SightlineError):
    """A model cannot be loaded or does not fit."""


class ModelUnavailable(ModelError):
    """The weights are not on this machine and could not be fetched."""


class UnsafeWeights(ModelError):
    """The weights are available only in a format that can run code when it is read."""


class BrokenModel(ModelError):
    """The files of a model are incomplete, damaged or describe something unsupported."""


class WrongRole(ModelError):
    """The model exists but does not have the requested role."""


class NotEnoughMemory(ModelError):
    """Loading the model would need more memory than is free."""


class ModelMismatch(ModelError):
    """The library holds vectors of another model."""


class PathNotFound(SightlineError):
    """A path given by the user does not exist."""


class ItemNotFound(SightlineError):
    """The library has no such item."""


class FileFailure(SightlineError):
    """One file could not be used; `stage` is the stage of the pipeline, the message the reason."""

    stage = "read"

    @property
    def reason(self) -> str:
        """Why, in the words of Python."""
        return str(self)


class UnreadableFile(FileFailure):
    """The bytes of the file could not be read."""

    stage = "read"


class DecodeFailure(FileFailure):
    """The bytes are not an image that can be decoded within the limits."""

    stage = "decode"


class TextFailure(FileFailure):
    """The bytes are not text that can be split into passages."""

    stage = "text"


class EncodeFailure(FileFailure):
    """The model returned no usable vector for the content."""

    stage = "encode"


class IndexDamaged(SightlineError):
    """A derived index file is missing, cut short or altered; it can be rebuilt."""


class ForkedProcess(SightlineError):
    """The process was forked while a resource that it needs was in use."""
