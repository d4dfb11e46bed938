"""The progress of a run: a pace, and a time left once all files are known."""

import pytest

from cli.output.progress import Count, counting, pace, watching
from indexer import Progress


def test_the_time_left_is_told_once_all_files_are_counted() -> None:
    counting = Progress(scanned=50, stored=9, waiting=40, failed=1, seconds=2.0, total=None)
    assert pace(counting) == "5.0/s"
    counted = Progress(scanned=50, stored=9, waiting=40, failed=1, seconds=2.0, total=500)
    assert pace(counted) == "5.0/s, 0:01:38 left"


def test_nothing_done_yet_has_no_pace() -> None:
    assert pace(Progress(0, 0, 0, 0, 1.0, None)) == ""


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    with watching() as watch:
        assert watch is None


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
