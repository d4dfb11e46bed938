"""Killed at any moment, an ingest loses nothing it acknowledged and computes nothing twice."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from indexer.decode import open_picture
from indexer.models import load
from indexer.pictures import prepare
from storage import Library, schema

REPOSITORY = Path(__file__).parents[2]

# What a run in a process of its own does: encode slowly, and say what was acknowledged.
DRILL = """
import hashlib, os, sys, time
from indexer import IndexConfig, Indexer
from indexer.models import load
from storage import Library

folder, photos, log, model, delay = sys.argv[1:]
encoder = load(model)
encode = encoder.encode_pictures

def logged(pixels):
    time.sleep(float(delay) * len(pixels))
    rows = encode(pixels)
    with open(log, "a") as file:
        file.write("".join(hashlib.sha256(one.tobytes()).hexdigest() + "\\n" for one in pixels))
    return rows

encoder.encode_pictures = logged

def acknowledge(progress):
    print(progress.stored, flush=True)

if __name__ == "__main__":
    print("ready", flush=True)
    config = IndexConfig(paths=(photos,), workers=1, batch_size=4)
    with Library.open_or_create(folder) as library:
        print(Indexer(library, encoder, config, acknowledge).run(), flush=True)
"""


class Drill:
    """Runs ingests over the same photos and library, and ends them as told."""

    def __init__(self, folder: Path, model: str, delay: float) -> None:
        self.library, self.photos = folder / "library", folder / "photos"
        self.log, self._script = folder / "encoded.log", folder / "drill.py"
        self._script.write_text(DRILL)
        self._model, self._delay = model, str(delay)

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[str]"]:
        words = (self.library, self.photos, self.log, self._model, self._delay)
        process = subprocess.Popen(
            [sys.executable, str(self._script), *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
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
        """The hashes of the items that the library holds, after a look at its health."""
        if not self.library.exists():
            return []
        items, vectors, files = schema.items, schema.vectors, schema.files
        with Library.open(self.library) as library, library.catalogue.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            held = select(items.c.hash).join(vectors, vectors.c.item_id == items.c.id)
            hashes = list(connection.scalars(held))
            paths = list(connection.scalars(select(files.c.path)))
            assert len(connection.scalars(select(items.c.id)).all()) == len(hashes)
        assert len(set(hashes)) == len(hashes)
        assert len(set(paths)) == len(paths) == len(hashes)  # every photo is there once
        return hashes

    def encoded(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def pixel_hashes(self) -> dict[str, str]:
        """Content hash → hash of the square that the tower sees."""
        from hashlib import sha256

        spec = load(self._model).pictures
        return {
            sha256(path.read_bytes()).hexdigest(): sha256(
                prepare(open_picture(path).image, spec).tobytes()
            ).hexdigest()
            for path in self.photos.rglob("*.png")
        }


def survive(drill: Drill, kills: int, longest: float) -> None:
    """Kill ingests at random moments; after each, nothing is lost, doubled or done again."""
    seed = int(os.environ.get("SIGHTLINE_CRASH_SEED", random.randrange(2**32)))
    print(f"seed {seed}")
    moments = random.Random(seed)
    pixels = drill.pixel_hashes()
    before: list[str] = []
    for _ in range(kills):
        begun = len(drill.encoded())
        acknowledged = drill.kill_after(moments.uniform(0.05, longest))
        stored = drill.stored()
        assert set(before) <= set(stored), f"seed {seed}: a stored item was lost"
        assert acknowledged <= len(stored), f"seed {seed}: an acknowledged item was lost"
        again = {pixels[name] for name in before} & set(drill.encoded()[begun:])
        assert not again, f"seed {seed}: a stored item was encoded again"
        before = stored
    begun = len(drill.encoded())
    drill.finish()
    stored = drill.stored()
    assert set(stored) == set(pixels)
    again = {pixels[name] for name in before} & set(drill.encoded()[begun:])
    assert not again, f"seed {seed}: a stored item was encoded again"


def test_ten_kills_lose_nothing_and_repeat_nothing(tmp_path: Path, draw) -> None:  # type: ignore[no-untyped-def]
    for number in range(150):
        draw(tmp_path / "photos" / f"{number}.png", number)
    survive(Drill(tmp_path, "stand-in", delay=0.03), kills=10, longest=2.5)


@pytest.mark.slow
def test_thirty_kills_of_mini_lose_nothing_and_repeat_nothing(tmp_path: Path, draw) -> None:  # type: ignore[no-untyped-def]
    for number in range(600):
        draw(tmp_path / "photos" / f"{number}.png", number)
    survive(Drill(tmp_path, "mini", delay=0.02), kills=30, longest=2.5)


def test_ctrl_c_keeps_what_was_encoded_and_the_next_run_goes_on(tmp_path: Path, draw) -> None:  # type: ignore[no-untyped-def]
    for number in range(60):
        draw(tmp_path / "photos" / f"{number}.png", number)
    drill = Drill(tmp_path, "stand-in", delay=0.05)
    with drill.running() as process:
        assert process.stdout is not None and process.stderr is not None
        while not drill.encoded():  # wait until the tower is at work
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode not in (0, -signal.SIGKILL)
    encoded = drill.encoded()
    assert 0 < len(drill.stored()) == len(encoded) < 60
    drill.finish()
    assert len(drill.stored()) == 60
    assert len(drill.encoded()) == 60
