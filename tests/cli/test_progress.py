"""The progress of a run: a pace, and a time left once all files are known."""

from cli.progress import pace, watching
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
