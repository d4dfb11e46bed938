"""The configuration of an index run, its progress and its report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from indexer.images.limits import Limits
from indexer.models.compiled.precision import WantedPrecision
from storage.fields import Between, check_fields, filled, path_text
from storage.index.kinds import parse_kind

Name = Annotated[str, path_text]  # of a file or a folder
Count = Annotated[int, Between(1)]


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """The settings of one index run.

    `paths` are folders or files, empty for every known root; `files` (from a list) are indexed
    one by one and nothing else. `exclude` are gitignore patterns, relative to the folder given in
    `paths`, or to its root with `exclude_by_root` or without `paths`. `reread` hashes every file
    again, even if its size and times are unchanged. Tables (`.jsonl`, `.csv`) are read only if
    `text_columns` names a column. `index_kind` selects the kind of the vector index from now on,
    "auto" by the number of vectors; None keeps the current choice. `full_decode` disables the
    codec's own down-scaling of JPEG. `precision` is that of the vectors: "int8" or the exact one,
    None for that of the space in use.
    """

    paths: tuple[Name, ...] = ()
    files: tuple[Name, ...] | None = None
    exclude: tuple[str, ...] = ()
    exclude_by_root: bool = False
    text_columns: tuple[Annotated[str, filled], ...] = ()
    retry_failures: bool = False
    reread: bool = False
    workers: Count | None = None  # None: one for each usable core
    limits: Limits = field(default_factory=Limits)
    full_decode: bool = False
    index_kind: Annotated[str, parse_kind] | None = None
    batch_size: Count = 32  # maximum of images or passages encoded at once
    precision: WantedPrecision | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run, in files; reported after each commit and at intervals in between."""

    scanned: int
    stored: int  # files whose row is committed, or that needed no change
    waiting: int  # files being read, encoded or written
    failed: int
    seconds: float
    total: int | None  # all files of the run, None until they are counted
    reread: int = 0  # contents last read by an earlier version, and read again
    new: int = 0  # of those that are stored, as are the next four
    copied: int = 0
    moved: int = 0
    unchanged: int = 0
    skipped: int = 0
    bytes: int = 0  # of the files that were read
    seconds_left: float | None = None  # None while it cannot be told


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run, in files.

    scanned = new + copied + moved + unchanged + skipped + failed. `missing` counts known files
    under the scanned paths that do not exist, `excluded` those matched by exclude patterns,
    `not_found` the listed names that do not exist, `partial` the files read in this run with an
    unreadable part. `stages` are busy seconds by stage: "scan", "hash" (reading and hashing) and
    "decode" of all workers together (their sum is "read"), "encode" and "write"; "wait" are those
    in which the encoder had nothing to do. `reread` counts the contents that an
    earlier version of the reader had read and this one read again, `renewed` those of them whose
    pixels changed, so that their vectors were computed again.
    """

    scanned: int
    new: int
    copied: int
    moved: int
    unchanged: int
    missing: int
    skipped: int
    failed: int
    seconds: float
    excluded: int = 0
    not_found: int = 0
    partial: int = 0
    notices: tuple[str, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)
    reread: int = 0
    renewed: int = 0
