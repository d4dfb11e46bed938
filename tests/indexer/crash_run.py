"""Ingests in processes of their own, to be killed, and what they left behind."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from indexer import IndexConfig, Progress
from indexer.images.decode import open_image
from indexer.images.preprocess import prepare
from indexer.ingest import Indexer
from indexer.models import DualEncoder, FakeEncoder, Pixels, load
from storage import Library, Matrix, schema

REPOSITORY = Path(__file__).parents[2]


def called(model: str) -> DualEncoder:
    """Load a model; "second" is a stand-in with a space of its own."""
    if model != "second":
        return load(model)
    second = FakeEncoder(dim=48)
    second.space = replace(second.space, name=model, revision="2")
    return second


class Logged:
    """An encoder that takes its time and notes every image after it was encoded."""

    def __init__(self, encoder: DualEncoder, log: str, delay: float) -> None:
        self.space, self.image_spec = encoder.space, encoder.image_spec
        self.encode_texts, self.count_tokens = encoder.encode_texts, encoder.count_tokens
        self.context = encoder.context
        self._encoder, self._log, self._delay = encoder, log, delay

    def encode_images(self, pixels: Pixels) -> Matrix:
        time.sleep(self._delay * len(pixels))
        rows = self._encoder.encode_images(pixels)
        with open(self._log, "a") as file:
            file.write("".join(f"{_hash(one.tobytes())}\n" for one in pixels))
        return rows


class CrashRun:
    """Runs ingests over the same photos and library, and ends them as told."""

    def __init__(self, folder: Path, model: str, delay: float, batch: int = 4) -> None:
        self.library, self.photos = folder / "library", folder / "photos"
        self.log = folder / "encoded.log"
        self._model, self.delay, self.batch = model, delay, batch

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[str]"]:
        words = (self.library, self.photos, self.log, self._model, self.delay, self.batch)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.indexer.crash_run", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        assert process.stdout is not None and process.stderr is not None
        with process:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
            yield process

    def kill_after(self, seconds: float) -> int:
        """Kill a run with signal 9 and return how many files it had acknowledged."""
        with self.running() as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
            assert process.stdout is not None
            said = [int(line) for line in process.stdout if line.strip().isdigit()]
        return max(said, default=0)

    def finish(self) -> str:
        with self.running() as process:
            out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        return out

    def stored(self) -> list[str]:
        """The hashes of the items with a vector of the model, after a look at the health."""
        if not self.library.exists():
            return []
        items, vectors, files = schema.items, schema.vectors, schema.files
        held = (
            select(items.c.hash)
            .join(vectors, vectors.c.item_id == items.c.id)
            .join(schema.spaces, schema.spaces.c.id == vectors.c.space_id)
            .where(schema.spaces.c.name == self._model)
        )
        with Library.open(self.library) as library, library.catalogue.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            hashes = list(connection.scalars(held))
            whole = connection.scalars(select(items.c.hash)).all()
            paths = connection.scalars(select(files.c.path)).all()
        assert len(set(hashes)) == len(hashes)
        assert len(set(whole)) == len(whole)
        assert len(set(paths)) == len(paths) == len(whole)  # every photo is there once
        return hashes

    def encoded(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def pixel_hashes(self) -> dict[str, str]:
        """Content hash → hash of the square that the tower sees."""
        spec = called(self._model).image_spec
        return {
            _hash(path.read_bytes()): _hash(prepare(open_image(path).image, spec).tobytes())
            for path in self.photos.rglob("*.png")
        }


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _acknowledge(progress: Progress) -> None:
    print(progress.stored, flush=True)


def _main(folder: str, photos: str, log: str, model: str, delay: str, batch: str) -> None:
    encoder = Logged(called(model), log, float(delay))
    print("ready", flush=True)
    config = IndexConfig(paths=(photos,), workers=1, batch_size=int(batch))
    with Library.open_or_create(folder) as library:
        print(Indexer(library, encoder, config, _acknowledge).run(), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
