"""From one model to another, killed on the way: searches never notice, and no work is lost."""

import math
import os
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sqlalchemy import select

from indexer import IndexConfig
from indexer.ingest import Indexer
from indexer.models import DualEncoder, find
from indexer.models.mini.scenes.drawing import draw as drawn
from indexer.models.mini.scenes.scenes import Content, scenes
from indexer.writer import COMMIT_SECONDS
from search import Engine, Query, Term
from storage import Library, Matrix, schema
from storage.tables import vectors
from tests.indexer.crash_run import CrashRun, called

KILLS = 5
WORDS = ("a red circle", "two blue squares on a beach", "something green")
Answers = list[list[tuple[str, float]]]


def draw_scenes(folder: Path, count: int) -> None:
    """Draw so many scenes, no two alike."""
    folder.mkdir()
    kept: set[Content] = set()
    for scene in scenes(11, 10 * count):
        if scene.content not in kept and len(kept) < count:
            kept.add(scene.content)
            drawn(scene, 96, seed=len(kept)).save(folder / f"{len(kept)}.png")
    assert len(kept) == count


def index(library: Library, encoder: DualEncoder, photos: Path) -> None:
    Indexer(library, encoder, IndexConfig(paths=(str(photos),), workers=1)).run()


def answers(library: Library, encoder: DualEncoder) -> Answers:
    engine = Engine(library, lambda: encoder)
    queries = [Query((Term("text", words),), k=20) for words in WORDS]
    return [
        [(hit.item.hash, round(hit.score, 3)) for hit in engine.search(query)] for query in queries
    ]


def matrix(library: Library, space_id: int) -> Matrix:
    """The vectors of a space in the order of their items' hashes, (items, dim)."""
    with library.catalogue.reading() as connection:
        items = schema.items
        numbers = connection.scalars(select(items.c.id).order_by(items.c.hash)).all()
        rows = [vectors.of_item(connection, space_id, number) for number in numbers]
    return np.stack([row for row in rows if row is not None])


def survive(run: CrashRun, library: Library, old: DualEncoder, most: int) -> None:
    """Kill runs that fill the second space; after each, nothing is lost or done again.

    Each is killed after it encoded up to `most` images.
    """
    seed = int(os.environ.get("SIGHTLINE_CRASH_SEED", random.randrange(2**32)))
    moments, pixels = random.Random(seed), run.pixel_hashes()
    assert len(set(pixels.values())) == len(pixels)
    expected, before = answers(library, old), run.stored()
    for kill in range(KILLS + 1):
        begun = len(run.encoded())
        if kill < KILLS:
            with run.running() as process:
                enough = begun + moments.randint(1, most)
                while len(run.encoded()) < enough and process.poll() is None:
                    time.sleep(0.02)
                assert answers(library, old) == expected  # while the other space fills up
                assert process.poll() is None, f"seed {seed}: nothing was killed"
                process.kill()
        else:
            run.finish()
        stored = run.stored()
        assert set(before) <= set(stored), f"seed {seed}: a stored vector was lost"
        again = {pixels[name] for name in before} & set(run.encoded()[begun:])
        assert not again, f"seed {seed}: what was stored was encoded again"
        assert answers(library, old) == expected
        lost = len(run.encoded()) - begun - (len(stored) - len(before))
        assert lost <= (in_flight(run) if kill < KILLS else 0), f"seed {seed}: {lost} lost"
        before = stored
    assert set(before) == set(pixels)
    lost = len(run.encoded()) - len(pixels)
    print(f"seed {seed}: {len(pixels)} stored, {lost} encoded in vain in {KILLS} kills")


def in_flight(run: CrashRun) -> int:
    """How many encoded images can wait for their commit at once.

    One gathering of the writer holds what waited when it began and what came while it lasted;
    behind it the queue of two batches fills up and the encoder stands with one more.
    """
    waiting = 3 * run.batch
    came = math.ceil(COMMIT_SECONDS / run.delay) + run.batch
    return waiting + came + waiting


def switch(folder: Path, first: str, second: str, delay: float, most: int) -> None:
    """Index with one model, fill the space of another through five kills, and change over."""
    run, old, new = CrashRun(folder, second, delay, batch=1), called(first), called(second)
    with Library.create(folder / "fresh") as fresh, Library.create(run.library) as library:
        index(library, old, run.photos)
        rows, thumbnails = size(library), stamps(library)
        survive(run, library, old, most)
        assert size(library) == rows
        assert stamps(library) == thumbnails
        library.use(new.space.name)
        index(fresh, new, run.photos)
        np.testing.assert_allclose(matrix(library, 2), matrix(fresh, 1), atol=2e-3)
        library.prune([old.space.name])
        assert [count.complete for count in library.spaces()] == [True]
        scores = [[score for _, score in ranked] for ranked in answers(library, new)]
        direct = [[score for _, score in ranked] for ranked in answers(fresh, new)]
        np.testing.assert_allclose(scores, direct, atol=2e-3)


def size(library: Library) -> tuple[int, int]:
    status = library.status()
    return status.items, status.files


def stamps(library: Library) -> set[tuple[str, int]]:
    found = library.paths.thumbnails.rglob("*.webp")
    return {(path.name, path.stat().st_mtime_ns) for path in found}


def test_five_kills_on_the_way_to_another_model(tmp_path: Path) -> None:
    draw_scenes(tmp_path / "photos", 200)
    switch(tmp_path, "stand-in", "second", delay=0.04, most=25)


@pytest.mark.slow
def test_two_thousand_scenes_change_from_mini_to_another_mini(tmp_path: Path) -> None:
    draw_scenes(tmp_path / "photos", 2000)
    shutil.copytree(find("mini").source.removeprefix("package:"), tmp_path / "other")
    weights = tmp_path / "other" / "open_clip_model.safetensors"
    held = load_file(weights)
    altered = {name: np.asarray(held[name] * np.float16(1.01)) for name in held}
    save_file(altered, weights)
    switch(tmp_path, "mini", str(tmp_path / "other"), delay=0.02, most=300)
