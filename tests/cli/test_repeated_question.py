"""A question that was asked before, in a fresh process over a hundred thousand images."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert

from storage import Library, Space, schema
from storage.tables import query_vectors, spaces, vectors
from storage.tables.query_vectors import QueryText
from tests.storage.unit_vectors import unit_vectors

IMAGES, DIMENSION, BLOCK = 100_000, 512, 5_000
MOST_MEMORY = 400  # MB, pages of mapped files among them; known on Linux alone
# Of a model whose weights are not on this machine: it cannot be loaded.
SPACE = Space("open_clip:ViT-B-32/no_such_tag", "0", DIMENSION, '{"mean": [0], "std": [1]}')
NEEDLESS = {
    *("torch", "transformers", "open_clip", "huggingface_hub", "tokenizers", "alembic", "cv2"),
    *("PIL", "pillow_heif", "pyarrow", "psutil", "rich", "filelock", "indexer.ingest"),
    *("indexer.workers", "search.dedup.duplicates", "numpy.ma"),
}
_WATCHED = """
import json, sys
from pathlib import Path
from cli.main import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else ()
    print(next((line.split()[1] for line in lines if line.startswith("VmHWM")), 0), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of so many images that was asked for red kites, and the first of them is one."""
    matrix = unit_vectors(IMAGES, DIMENSION)
    with Library.create(tmp_path_factory.mktemp("asked") / "library") as library:
        with library.catalogue.writing() as connection:
            space = spaces.register(connection, SPACE)
            connection.execute(insert(schema.roots), {"id": 1, "path": "/photos", "walked": True})
        assert space.id is not None
        for start in range(0, IMAGES, BLOCK):
            numbers = range(start + 1, start + BLOCK + 1)
            with library.catalogue.writing() as connection:
                connection.execute(insert(schema.items), [_item(number) for number in numbers])
                connection.execute(insert(schema.files), [_file(number) for number in numbers])
                block = matrix[start : start + BLOCK]
                vectors.add(connection, space.id, "image", list(numbers), block)
        library.refresh_builds(space.id)
        with library.caching() as connection:
            query_vectors.record(connection, space.id, {"red kite": QueryText(matrix[0])})
    return library.path


def _item(number: int) -> dict[str, object]:
    named = {"hash": f"{number:064x}", "kind": "image", "bytes": 1, "format": "JPEG"}
    return {"id": number, "present": True, **named}


def _file(number: int) -> dict[str, object]:
    state = {"size": 1, "mtime_ns": 1, "missing": False}
    return {"root_id": 1, "item_id": number, "path": f"/photos/{number}.jpg", **state}


@pytest.mark.slow
def test_it_loads_no_model_and_little_else(asked: Path) -> None:
    words = ("search", "red kite", "--json", "-k", "3", "--library", str(asked))
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    assert (len(hits), hits[0]["path"]) == (3, "/photos/1.jpg")
    assert np.isclose(hits[0]["score"], 1.0, atol=1e-3)
    *_, modules, memory = done.stderr.splitlines()
    assert "faiss" in json.loads(modules)
    assert not NEEDLESS & set(json.loads(modules))
    assert int(memory) / 1000 < MOST_MEMORY
