"""A catalogue is looked into without SQLAlchemy, and nothing is told where nothing is known."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from storage import Library, Space
from storage.peek import current_model
from storage.tables import query_vectors, spaces
from storage.tables.query_vectors import QueryText

SPACE = Space("clip", "revision", 4, "{}")


def test_the_model_in_use_is_told_and_whether_it_knows_the_texts(library: Library) -> None:
    catalogue = library.path / "catalogue.sqlite3"
    assert current_model(catalogue, ["a red kite"]) is None
    with library.catalogue.writing() as connection:
        number = spaces.register(connection, SPACE).id
        assert number is not None
        query_vectors.record(connection, number, {"a red kite": QueryText(np.ones(4, np.float32))})
    assert current_model(catalogue, ["a red kite"]) == ("clip", "revision", True)
    assert current_model(catalogue, ["a red kite", "two"]) == ("clip", "revision", False)
    assert current_model(catalogue, ["\udcff"]) is None


def test_nothing_is_told_of_what_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no database")
    assert current_model(tmp_path / "file", ["a"]) is None
    assert current_model(tmp_path / "absent", ["a"]) is None
    assert not (tmp_path / "absent").exists()


def test_a_look_imports_no_sqlalchemy() -> None:
    code = (
        "import sys; from importlib.machinery import PathFinder;"
        "from importlib.util import module_from_spec;"
        "sys.modules['storage'] = module_from_spec(PathFinder.find_spec('storage'));"
        "import storage.peek; print('sqlalchemy' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr
