"""The three standard streams as a command may meet them: closed, full, left by their reader.

Services, `pythonw` and `>&-` start a command with some of them closed. Python then has None for
the stream, and the next file that is opened, a library's among them, takes the number of it, so
that a stray print of some C library would write into that file. POSIX.1-2024 ("Standard I/O
Streams") takes three open ones for granted; gnulib's `stdopen` mends it in this way.
"""

import errno
import io
import os
import select
import sys
import warnings
from typing import TextIO

_READ_ONLY, _WRITE_ONLY = os.O_RDONLY, os.O_WRONLY


class OutputLost(Exception):
    """Standard output did not take the results; what follows is not written either.

    `reader_left` says that it was a pipe whose reader had enough, as `head` does. `kept` says
    what stays of work that was given up for it.
    """

    def __init__(self, error: OSError, kept: str = "") -> None:
        self.error, self.kept = error, kept
        self.reader_left = error.errno == errno.EPIPE
        super().__init__(f"{self._why()}; {kept or 'what was done is kept'}")

    def _why(self) -> str:
        if self.reader_left:
            return "standard output has no reader any more: run the same command again to go on"
        if self.error.errno == errno.EBADF:
            return "standard output is closed, the results have no place: give it a file or a pipe"
        return f"standard output takes no more ({self.error.strerror}): write the results elsewhere"


class _Results(io.FileIO):
    """Standard output, which says so once when it fails and then swallows the rest."""

    lost = False

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override]
        if self.lost:
            return len(data)
        try:
            return _written(self, data)
        except OSError as error:
            self.lost = True
            raise OutputLost(error) from error


class _Notices(io.FileIO):
    """Standard error, of which nothing depends on being read."""

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override]
        try:
            return _written(self, data)
        except OSError:
            return len(data)


class _Absent(io.RawIOBase):
    """Standard input that is not there; to read from it is an error and no empty answer."""

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0

    def readinto(self, buffer: object, /) -> int:
        raise OSError(errno.EBADF, "it is closed", "standard input")


def prepare_streams() -> None:
    """Set up the streams of this process; the command line does so before anything is opened."""
    # Contrary to their use, so that nothing seems to have been read or written.
    no_input, no_output = _is_free(0, _WRITE_ONLY), _is_free(1, _READ_ONLY)
    no_notices = _is_free(2, _WRITE_ONLY)
    if no_input or sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_Absent()), "utf-8")
    sys.stdout = _writer(None if no_output else sys.stdout, _Results, 1)
    sys.stderr = _writer(None if no_notices else sys.stderr, _Notices, 2)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of the libraries; a person has no use for them


def _is_free(number: int, flags: int) -> bool:
    """Open the null device under the number of a stream that is closed, and return whether it was.

    Lower numbers are in use, so the system gives out this one.
    """
    try:
        os.fstat(number)
    except OSError:
        os.set_inheritable(os.open(os.devnull, flags), True)
        return True
    return False


def _writer(stream: TextIO | None, kind: type[io.FileIO], number: int) -> TextIO:
    """Return what writes to a stream's number, in its encoding; a Windows console writes itself."""
    raw = getattr(stream, "buffer", None)
    if isinstance(stream, io.TextIOWrapper) and not isinstance(getattr(raw, "raw", raw), io.FileIO):
        stream.reconfigure(errors="replace")
        return stream
    # Of another encoding, a terminal must not turn a file name into a crash.
    return io.TextIOWrapper(
        io.BufferedWriter(kind(number, "w", closefd=False)),
        encoding=stream.encoding if stream is not None else "utf-8",
        errors="replace",
        line_buffering=number == 2 or (stream is not None and stream.isatty()),
    )


def _written(file: io.FileIO, data: "bytes | bytearray | memoryview") -> int:
    """Write some of the data, waiting where another program made the stream non-blocking."""
    while (count := io.FileIO.write(file, data)) is None:
        select.select([], [file], [])
    return count
