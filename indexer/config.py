"""What an index run is asked to do, and what it reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from indexer.images.limits import Limits
from storage.fields import Between, check_fields, filled, path_text
from storage.index.kinds import parse_kind

Name = Annotated[str, path_text]  # of a file or a folder
Count = Annotated[int, Between(1)]


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """The settings of one index run.

    `paths` are folders or files, empty for every known root; `files` are named one by one (from
    a list) and only they are looked at. `exclude` are patterns of gitignore, relative to the
    folder that `paths` name; `exclude_by_root`, or where none is named, to its root. `reread` has
    every file's bytes hashed again, whatever its size and times. Tables (`.jsonl`, `.csv`) are
    read only where `text_columns` names a column.
    `index_kind` names how the nearest vectors are found from now on, "auto" for what suits their
    number; None leaves it as it was chosen. `full_decode` forgoes the codec's own
    down-scaling of JPEG.
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
    batch_size: Count = 32  # the most pictures or passages encoded at once

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: counts of files, told after each commit and now and then between."""

    scanned: int
    stored: int  # files whose row is committed, or that needed none
    waiting: int  # files being read, encoded or written
    failed: int
    seconds: float
    total: int | None  # files to be met in all, None until they are counted
    reread: int = 0  # contents read again because an earlier version had read them


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, counting files.

    scanned = new + copied + moved + unchanged + skipped + failed. `missing` counts the files
    under the scanned places that are not there, `excluded` those that exclude patterns name,
    `not_found` the listed names that are not there, `partial` those that were read in this run but
    for a part that could not be. `stages` gives busy seconds by stage. `reread` counts the contents
    that an earlier version of the reader had read and this one read again, `renewed` those of them
    of which it sees other pixels: their vectors were made anew.
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
