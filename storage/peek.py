"""A look into a catalogue without SQLAlchemy, for a process that has no time to import it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

# By which rules texts become vectors; it rises where a text may get another one than before.
_READING = 1


class CurrentModel(NamedTuple):
    """The model by whose vectors searches go, and whether it has to be asked at all."""

    name: str
    revision: str
    knows: bool  # the vectors of all the texts are stored


def current_model(catalogue: Path, texts: Sequence[str]) -> CurrentModel | None:
    """Return the model that a search by these texts needs; None where nothing can be told."""
    try:
        with closing(sqlite3.connect(f"{catalogue.absolute().as_uri()}?mode=ro", uri=True)) as base:
            space = base.execute("SELECT id, name, revision FROM spaces WHERE current").fetchone()
            if space is None:
                return None
            stored = "SELECT count(*) FROM query_vectors WHERE space_id = ? AND text_hash = ?"
            keys = [(space[0], bytes.fromhex(text_hash(text))) for text in texts]
            knows = all(base.execute(stored, key).fetchone()[0] for key in keys)
            return CurrentModel(space[1], space[2], knows)
    except (sqlite3.Error, ValueError):  # no library, one of another version, no text
        return None


def text_hash(text: str) -> str:
    """Return what a text that was asked is known by: its SHA-256, 64 hexadecimal digits."""
    return sha256(f"{_READING}\0{text}".encode()).hexdigest()
