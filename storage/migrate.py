"""Migration of a catalogue to the newest schema, after a copy of the file is made."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config

from storage.catalogue import HEAD, Catalogue

SCRIPTS = Path(__file__).with_name("migrations")


def upgrade(catalogue: Catalogue, before: str | None) -> Path | None:
    """Run every migration the catalogue has not seen, in one transaction.

    `before` is the schema it has now, None for a new file. Returns where the copy of the old
    file lies, or None for a new one.
    """
    copy = _copied(catalogue.path, before) if before else None
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    with catalogue.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
    return copy


def knows(version: str) -> bool:
    """Return whether there is a script for a schema version."""
    return any(SCRIPTS.glob(f"versions/m{version}_*.py"))


def _copied(path: Path, before: str) -> Path:
    copy = path.with_name(f"{path.stem}.before-{HEAD}-was-{before}{path.suffix}")
    # SQLite's own backup: a plain copy of the file would miss what is still in its WAL.
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    return copy
