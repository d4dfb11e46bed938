"""A library of images that are only told of, and of pairs of them that were found."""

from pathlib import Path

from search.dedup.detect.kinds import Kind
from storage import Library
from storage.schema import files, items, roots
from storage.tables import duplicate_pairs
from storage.tables.items import Content, add


class PairedImages:
    """A library of images, each of another size, on files that are there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "photos"
        self.folder.mkdir()
        self.library = Library.create(folder / "library")
        with self.library.catalogue.writing() as connection:
            connection.execute(roots.insert().values(path=str(self.folder), walked=True))

    def add(self, size: int, *names: str) -> int:
        """Add a picture of so many bytes that files of these names hold."""
        with self.library.catalogue.writing() as connection:
            number, _ = add(connection, Content(f"{size:064x}", "image", size, "JPEG"))
            connection.execute(items.update().where(items.c.id == number).values(present=True))
            for name in names:
                path = self.folder / name
                if not path.exists():
                    path.write_bytes(b"an image")
                connection.execute(
                    files.insert().values(
                        root_id=1,
                        path=str(path),
                        item_id=number,
                        size=size,
                        mtime_ns=0,
                        missing=False,
                    )
                )
        return number

    def pair(self, first: int, second: int, kind: Kind = "same-picture") -> None:
        with self.library.catalogue.writing() as connection:
            duplicate_pairs.add_pairs(connection, [(first, second, kind, {"agreement": 0.9})])
