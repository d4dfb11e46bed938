"""The time left: what files of each format cost is told apart, whatever the mix."""

import numpy as np
import pytest

from indexer.progress.time_left import TimeLeft
from indexer.progress.workload import Workload

BYTE = {".jpg": 4e-9, ".png": 40e-9, ".txt": 1e-9}  # seconds
FILE = 0.02


def made(rng: np.random.Generator, formats: list[str], count: int) -> Workload:
    sizes = rng.integers(100_000, 9_000_000, count)
    names = rng.choice(formats, count)
    return Workload.of((f"a{name}", int(size)) for name, size in zip(names, sizes, strict=True))


def cost(work: Workload) -> float:
    return work.total_files * FILE + sum(BYTE[name] * work.bytes[name] for name in work.bytes)


def test_workloads_are_added_and_taken_away() -> None:
    both = Workload.of([("/a/1.JPG", 3), ("2.jpg", 4), ("x.y/readme", 5)])
    assert both.files == {".jpg": 2, "": 1} and both.total_bytes == 12
    left = both - Workload.of([("3.jpg", 4), ("4.png", 1)])
    assert (left.files, left.bytes) == ({".jpg": 1, "": 1}, {".jpg": 3, "": 5})
    assert (left + left).total_files == 4


def test_nothing_is_told_before_anything_was_seen() -> None:
    assert TimeLeft().seconds(Workload.of([("a.jpg", 1)])) is None


@pytest.mark.parametrize("ahead", [".jpg", ".png", ".txt"])
def test_what_is_ahead_is_another_mix_than_what_was(ahead: str) -> None:
    rng, learnt = np.random.default_rng(1), TimeLeft()
    files, seconds = 0, 0.0
    for _ in range(30):
        folders = [".jpg"], [".jpg", ".png"], [".jpg", ".png", ".txt"], [".txt", ".jpg"]
        done = made(rng, folders[rng.integers(4)], 60)
        files, seconds = files + 60, seconds + cost(done)
        learnt.observe(done, cost(done) * rng.uniform(0.95, 1.05))
    left = made(rng, [ahead], 1000)
    by_files_alone = abs(1000 * seconds / files - cost(left))
    assert by_files_alone > 0.2 * cost(left)  # or there is nothing to be shown
    told = learnt.seconds(left)
    assert told == pytest.approx(cost(left), abs=0.4 * by_files_alone)


def test_one_format_of_one_size_is_simply_so_many_times_as_long() -> None:
    learnt = TimeLeft()
    done = Workload.of([("a.jpg", 500_000)] * 40)
    for _ in range(5):
        learnt.observe(done, 2.0)
    assert learnt.seconds(Workload.of([("b.jpg", 500_000)] * 400)) == pytest.approx(20.0, rel=0.01)


def test_a_format_that_was_not_met_is_taken_for_an_average_one() -> None:
    learnt = TimeLeft()
    learnt.observe(Workload.of([("a.jpg", 1_000_000)] * 10), 2.0)
    told = learnt.seconds(Workload.of([("a.heic", 1_000_000)] * 10))
    assert told == pytest.approx(2.0, rel=0.01)


def test_the_machine_may_become_slower() -> None:
    learnt, done = TimeLeft(), Workload.of([("a.jpg", 500_000)] * 40)
    for seconds in (2.0,) * 100 + (4.0,) * 150:
        learnt.observe(done, seconds)
    assert learnt.seconds(done) == pytest.approx(4.0, rel=0.1)


def test_nothing_left_takes_no_time() -> None:
    learnt = TimeLeft()
    learnt.observe(Workload.of([("a.jpg", 0)] * 10), 2.0)
    assert learnt.seconds(Workload()) == 0
    assert learnt.seconds(Workload.of([("a.jpg", 0)] * 10)) == pytest.approx(2.0, rel=0.5)
