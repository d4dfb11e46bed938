"""A sample of what is to be indexed: even, different, and as the run reads it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer import IndexConfig
from indexer.image_sample import evenly, read_sample
from indexer.models import FakeEncoder, ImageSpec
from search.images import read_external
from storage import Library

SPEC = ImageSpec(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
Draw = Callable[..., Path]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 161, 1000, 12345])
def test_rows_are_taken_evenly_however_many_there_are(count: int) -> None:
    taken = evenly(iter(range(count)), 10)
    assert len(taken) == min(count, 10) and len(set(taken)) == len(taken)
    assert taken == sorted(taken)
    if count >= 10:
        gaps = np.diff([*taken, count])
        assert taken[0] == 0 and gaps.max() <= 1.5 * count / 10 + 1


def test_what_is_given_is_sampled_as_it_will_be_indexed(
    library: Library, draw: Draw, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    drawn = [draw(folder / str(number % 2) / f"{number}.png", number) for number in range(8)]
    shutil.copy(drawn[0], folder / "again.png")
    (folder / "broken.png").write_bytes(drawn[0].read_bytes()[:60])
    (folder / "note.txt").write_text("no image")
    draw(folder / "private" / "secret.png", 99)
    config = IndexConfig(paths=(str(folder),), exclude=("private",))
    found = read_sample(library, config, SPEC)
    wanted = [read_external(str(path), SPEC, config.limits)[1] for path in drawn]
    assert found.shape == (8, 32, 32, 3)
    assert {one.tobytes() for one in found} == {one.tobytes() for one in wanted}
    listed = IndexConfig(files=tuple(map(str, drawn[:3])))
    assert len(read_sample(library, listed, SPEC)) == 3
    assert len(read_sample(library, IndexConfig(paths=(str(folder / "private"),)), SPEC)) == 1


def test_a_library_is_sampled_by_what_it_shows(
    library: Library, draw: Draw, tmp_path: Path, index: Callable[..., object], encoder: FakeEncoder
) -> None:
    drawn = [draw(tmp_path / "photos" / f"{number}.png", number) for number in range(12)]
    index(tmp_path / "photos")
    drawn[3].unlink()
    index()
    assert len(read_sample(library, IndexConfig(), SPEC)) == 11
    assert len(read_sample(library, IndexConfig(), SPEC, most=5)) == 5
    more = draw(tmp_path / "more" / "new.png", 50).parent
    assert len(read_sample(library, IndexConfig(paths=(str(more),)), SPEC)) == 12
