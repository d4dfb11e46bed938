"""The progress of a run: a pace, and a time left once all files are known."""

from dataclasses import replace

import pytest

from cli.output.progress import Count, counting, counts, kept, pace, watching
from indexer import Progress

HALFWAY = Progress(
    scanned=900,
    stored=610,
    waiting=280,
    failed=10,
    seconds=31.0,
    total=12_345,
    new=300,
    copied=5,
    moved=5,
    unchanged=300,
    bytes=310_000_000,
    seconds_left=3725.2,
)


def test_the_time_left_is_told_once_all_files_are_counted() -> None:
    counting = Progress(scanned=50, stored=9, waiting=40, failed=1, seconds=2.0, total=None)
    assert pace(counting) == "5.0/s"
    counted = Progress(scanned=50, stored=9, waiting=40, failed=1, seconds=2.0, total=500)
    assert pace(counted) == "5.0/s, 0:01:38 left"


def test_nothing_done_yet_has_no_pace() -> None:
    assert pace(Progress(0, 0, 0, 0, 1.0, None)) == ""


def test_the_time_left_goes_by_formats_and_sizes_where_it_is_known() -> None:
    assert pace(HALFWAY) == "20.0/s, 10.0 MB/s, 1:02:05 left"
    assert pace(replace(HALFWAY, bytes=0)) == "20.0/s, 1:02:05 left"
    assert pace(replace(HALFWAY, stored=0, failed=0)) == ""


def test_what_became_of_the_files_is_counted() -> None:
    assert counts(HALFWAY) == "300 new, 5 copied, 5 moved, 300 unchanged"
    assert counts(replace(HALFWAY, new=0, copied=0, moved=0, skipped=2, reread=1)) == (
        "300 unchanged, 2 skipped, 1 read again"
    )
    assert counts(Progress(0, 0, 0, 0, 1.0, None)) == ""


def test_what_is_kept_are_the_files_that_this_run_has_stored() -> None:
    assert kept(None) == "nothing new was stored yet"
    assert kept(replace(HALFWAY, new=1, copied=0, moved=0)) == "1 file is stored and kept"
    assert kept(HALFWAY) == "310 files are stored and kept"


def test_where_there_is_no_terminal_a_long_run_tells_a_line_each_half_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((0.0, 0.5, 29.0, 31.0, 45.0, 60.0, 61.5))
    monkeypatch.setattr("cli.output.progress.time.monotonic", lambda: next(clock))
    with watching() as watch:
        for _ in range(5):
            watch(HALFWAY)
        watch(Progress(scanned=5, stored=4, waiting=1, failed=0, seconds=61.5, total=None, new=4))
    assert capsys.readouterr().err.splitlines() == [
        "sightline: indexed 620 of 12,345 files in 0:00:31: 20.0/s, 10.0 MB/s, 1:02:05 left, "
        "300 new, 5 copied, 5 moved, 300 unchanged, 10 failed",
        "sightline: indexed 4 files in 0:01:02: 0.1/s, 4 new",
    ]


def test_a_terminal_shows_the_same_in_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with watching() as watch:
        watch(HALFWAY)
    shown = capsys.readouterr().err
    for part in ("620/12345", pace(HALFWAY), counts(HALFWAY), "10 failed"):
        assert part in shown


def test_a_count_is_shown_after_a_moment_and_steps_aside_for_results(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("cli.output.progress.time.monotonic", lambda: now)
    count = Count("describing", True, "{:,}".format)
    now = 1.0
    count.show(1, 2000)
    assert capsys.readouterr().err == ""
    now = 4.0
    count.show(20, 2000)
    line = "describing 20 of 2,000  5.0/s, 0:06:36 left"
    assert capsys.readouterr().err.endswith(line)
    with count.aside():
        assert capsys.readouterr().err == "\r\x1b[K"
    assert capsys.readouterr().err == line
    count.clear()
    assert capsys.readouterr().err == "\r\x1b[K"


def test_a_count_is_quiet_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("describing") as count, count.aside():
        count.show(1, 2)
    assert capsys.readouterr().err == ""
