"""Lists of images as files for other programs: paths, ids or Parquet, whole or not at all.

A name may hold a line break: "paths0" ends each with a NUL, as `xargs -0` reads them.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, Self, get_args

from storage.disk.atomic import written_whole
from storage.errors import SightlineError

Form = Literal["paths", "paths0", "ids", "parquet"]
FORMS: tuple[Form, ...] = get_args(Form)
ListRow = Mapping[str, object]
_GROUP = 16_384  # rows of Parquet held until they are written


class ListFile(Protocol):
    """A list that is being written."""

    def add(self, row: ListRow) -> None:
        """Write a row."""


class _Lines:
    """One word a line, or before each NUL: the very bytes of a path, or an id."""

    def __init__(self, stream: BinaryIO, form: Form) -> None:
        self._stream, self._key = stream, "item" if form == "ids" else "path"
        self._end = b"\0" if form == "paths0" else b"\n"
        self._before: object = None

    def add(self, row: ListRow) -> None:
        word = row[self._key]
        # An image's files come one after another, and its id stands for all of them.
        if word is None or (self._key != "path" and word == self._before):
            return
        self._before = word
        self._stream.write(os.fsencode(str(word)) + self._end)


class _Parquet:
    """Rows of named columns, written a group at a time."""

    def __init__(self, stream: BinaryIO, columns: Mapping[str, str]) -> None:
        import pyarrow as arrow  # only who asks for Parquet pays for it
        from pyarrow import parquet

        self._arrow = arrow
        self._schema = arrow.schema([(name, kind) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(stream, self._schema)
        self._waiting: list[dict[str, object]] = []

    def add(self, row: ListRow) -> None:
        self._waiting.append({name: _utf8(row[name]) for name in self._schema.names})
        if len(self._waiting) >= _GROUP:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write()
        # In any case: a writer that is forgotten writes its end later, into a file that is closed.
        self._writer.close()

    def _write(self) -> None:
        if self._waiting:
            self._writer.write_table(
                self._arrow.Table.from_pylist(self._waiting, schema=self._schema)
            )
            self._waiting = []


def list_path(out: Path, name: str, form: Form) -> Path:
    """Return where a list of that name and form goes."""
    return out / f"{name}.{'parquet' if form == 'parquet' else 'txt'}"


@contextmanager
def writing_list(path: Path, form: Form, columns: Mapping[str, str]) -> Iterator[ListFile]:
    """Write a list in the block; it takes its place when the block ends well.

    `columns` are names with Arrow's words for their types; "path" and "item" are what the other
    forms hold. A path that is not UTF-8 has its bytes escaped in Parquet. Raises SightlineError
    where nothing can be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as stream:
            if form == "parquet":
                with _Parquet(stream, columns) as table:
                    yield table
            else:
                yield _Lines(stream, form)
    except OSError as error:
        raise SightlineError(
            f"{path} cannot be written ({error.strerror or error}): name another --out"
        ) from error


def _utf8(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value
