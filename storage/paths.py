"""Where everything lies inside a library folder; no other file joins these names."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LibraryPaths:
    """The places of one library."""

    root: Path

    @property
    def catalogue(self) -> Path:
        """The SQLite file that is the truth."""
        return self.root / "catalogue.sqlite3"

    @property
    def index(self) -> Path:
        """The folder of derived FAISS files."""
        return self.root / "index"

    @property
    def thumbnails(self) -> Path:
        """The folder of derived thumbnails."""
        return self.root / "thumbnails"

    @property
    def lock(self) -> Path:
        """The file a writer holds."""
        return self.root / "lock"
