"""The database and the commands of rclip, without rclip."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from benchmarks.nearest import image_path, unit_rows
from benchmarks.peers.rclip import Rclip, stored_vectors

# What rclip 3.3.0 makes of a new database.
_SCHEMA = """
CREATE TABLE images (
  id INTEGER PRIMARY KEY, deleted BOOLEAN, filepath TEXT NOT NULL UNIQUE,
  modified_at DATETIME NOT NULL, size INTEGER NOT NULL, vector BLOB NOT NULL,
  indexing BOOLEAN, hash TEXT
)
"""


@pytest.fixture
def rclip(tmp_path: Path) -> Rclip:
    """An rclip of which only the places matter."""
    models = tmp_path / "models"
    (models / "tokenizer").mkdir(parents=True)
    (models / "tokenizer" / "merges").write_text("r e")
    return Rclip(tmp_path / "bin" / "python", models)


def test_a_data_folder_has_the_models_and_no_database(rclip: Rclip, tmp_path: Path) -> None:
    data = rclip.library(tmp_path / "data")
    assert (data / "tokenizer" / "merges").read_text() == "r e"
    assert [path.name for path in data.iterdir()] == ["tokenizer"]


def test_vectors_are_entered_and_read_by_path(rclip: Rclip, tmp_path: Path) -> None:
    data = rclip.library(tmp_path / "data")
    with sqlite3.connect(data / "db.sqlite3") as connection:
        connection.execute(_SCHEMA)
    connection.close()
    paths, matrix = [image_path(number, "/kites") for number in (7, 8, 9)], unit_rows(0, 3)
    rclip.enter(data, tmp_path, paths, matrix)
    found = stored_vectors(data, [Path(paths[2]), Path(paths[0])])
    assert found.dtype == np.float32
    assert np.array_equal(found, matrix[[2, 0]])


def test_a_search_does_not_index_and_runs_where_the_photos_are(
    rclip: Rclip, tmp_path: Path
) -> None:
    command = rclip.search(tmp_path / "data", tmp_path, "red kite")
    assert command.words == (str(tmp_path / "bin" / "rclip"), "--no-indexing", "red kite")
    assert command.folder == tmp_path
    assert command.environment == {"RCLIP_DATADIR": str(tmp_path / "data")}
