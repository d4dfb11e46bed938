"""Killed at any moment, an ingest loses nothing it acknowledged and computes nothing twice."""

import os
import random
import signal
from pathlib import Path

import pytest

from tests.indexer.crash_run import CrashRun


def survive(run: CrashRun, kills: int, longest: float) -> None:
    """Kill ingests at random moments; after each, nothing is lost, doubled or done again."""
    seed = int(os.environ.get("SIGHTLINE_CRASH_SEED", random.randrange(2**32)))
    print(f"seed {seed}")
    moments = random.Random(seed)
    pixels = run.pixel_hashes()
    before: list[str] = []
    for _ in range(kills):
        begun = len(run.encoded())
        acknowledged = run.kill_after(moments.uniform(0.05, longest))
        stored = run.stored()
        assert set(before) <= set(stored), f"seed {seed}: a stored item was lost"
        assert acknowledged <= len(stored), f"seed {seed}: an acknowledged item was lost"
        again = {pixels[name] for name in before} & set(run.encoded()[begun:])
        assert not again, f"seed {seed}: a stored item was encoded again"
        before = stored
    begun = len(run.encoded())
    run.finish()
    stored = run.stored()
    assert set(stored) == set(pixels)
    again = {pixels[name] for name in before} & set(run.encoded()[begun:])
    assert not again, f"seed {seed}: a stored item was encoded again"


def test_ten_kills_lose_nothing_and_repeat_nothing(tmp_path: Path, draw) -> None:  # type: ignore[no-untyped-def]
    for number in range(150):
        draw(tmp_path / "photos" / f"{number}.png", number)
    survive(CrashRun(tmp_path, "stand-in", delay=0.03), kills=10, longest=2.5)


@pytest.mark.slow
def test_thirty_kills_of_mini_lose_nothing_and_repeat_nothing(tmp_path: Path, draw) -> None:  # type: ignore[no-untyped-def]
    for number in range(600):
        draw(tmp_path / "photos" / f"{number}.png", number)
    survive(CrashRun(tmp_path, "mini", delay=0.02), kills=30, longest=2.5)


def test_ctrl_c_keeps_what_was_encoded_and_the_next_run_goes_on(tmp_path: Path, draw) -> None:  # type: ignore[no-untyped-def]
    for number in range(60):
        draw(tmp_path / "photos" / f"{number}.png", number)
    run = CrashRun(tmp_path, "stand-in", delay=0.05)
    with run.running() as process:
        assert process.stdout is not None and process.stderr is not None
        while not run.encoded():  # wait until the tower is at work
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode not in (0, -signal.SIGKILL)
    encoded = run.encoded()
    assert 0 < len(run.stored()) == len(encoded) < 60
    run.finish()
    assert len(run.stored()) == 60
    assert len(run.encoded()) == 60
