"""Requests about duplicates and leaks, apart from what answers them.

`sightline` hands these records on, and a program that never looks for duplicates loads no more.
"""

from dataclasses import dataclass
from pathlib import Path

from search.dedup.detect.kinds import Kind, Thresholds
from storage.errors import InvalidArgument
from storage.fields import check_fields
from storage.filters import Filters
from storage.paths import expand_home

LOOKED_FOR: tuple[Kind, ...] = ("identical", "same-picture", "edited")
# Edits are made on purpose, and a person may want several similar shots.
DROPPED: tuple[Kind, ...] = ("identical", "same-picture")
# "exif" comes before "format": an exported PNG contains no more than its JPEG. It also comes
# before "extras" and "companions": a file with those is never dropped for one without, but a file
# with a date would be.
KEEP_RULES = ("resolution", "exif", "extras", "companions", "format", "name", "bytes", "date")


@dataclass(frozen=True, slots=True)
class DedupRequest:
    """The kinds to look for, among which images, and what the plan is to drop.

    `drop` None drops identical files and same pictures. `keep` names the rules that choose a
    group's keeper, the weightiest first; files in the folders `prefer` go before all rules. The
    filters' `folder` may be one file too, which is then compared with the whole library.
    `against` is a folder: only pairs between it and the rest, or what the filters allow. `crops`
    compares local features as well: they find crops and frames, and cost most of the time.
    """

    kinds: tuple[Kind, ...] = LOOKED_FOR
    drop: tuple[Kind, ...] | None = None
    keep: tuple[str, ...] = KEEP_RULES
    prefer: tuple[str, ...] = ()
    filters: Filters = Filters()
    against: str | None = None
    crops: bool = True
    thresholds: Thresholds = Thresholds()

    def __post_init__(self) -> None:
        check_fields(self)
        for kind in self.drop or ():
            if kind not in self.kinds:
                raise InvalidArgument(
                    f"{{drop}} {kind}: such are not looked for; add it to {{kinds}}",
                    parameter="drop",
                    value=kind,
                    others=("kinds",),
                )

    @property
    def dropped(self) -> tuple[Kind, ...]:
        """Return the kinds that the plan drops."""
        return DROPPED if self.drop is None else self.drop

    @property
    def against_folder(self) -> str | None:
        """Return the folder `against`, absolute and without links."""
        return None if self.against is None else str(expand_home(self.against).resolve())

    @property
    def file(self) -> str | None:
        """Return the one file to compare with the whole library, if the filters name one."""
        folder = self.filters.folder
        return folder if folder is not None and Path(folder).is_file() else None

    @property
    def folders(self) -> list[str]:
        """Return the folders outside of which no file is planned for; none for everywhere."""
        if self.filters.folder is None or self.file:
            return []
        return [self.filters.folder, *([self.against_folder] if self.against_folder else [])]


@dataclass(frozen=True, slots=True)
class LeakRequest:
    """The kinds that count as a leak, and the images of the library that are the training set."""

    kinds: tuple[Kind, ...] = LOOKED_FOR
    filters: Filters = Filters()
    crops: bool = True
    thresholds: Thresholds = Thresholds()

    def __post_init__(self) -> None:
        check_fields(self)
