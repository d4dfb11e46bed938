"""The progress of a run: a pace, and a time left once all files are known."""

from cli.progress import pace, watching
from indexer import Progress


def test_the_time_left_is_told_once_all_files_are_found() -> None:
    scanning = Progress(scanned=50, stored=9, waiting=40, failed=1, seconds=2.0, scanning=True)
    assert pace(scanning) == "5.0/s"
    found = Progress(scanned=500, stored=9, waiting=490, failed=1, seconds=2.0, scanning=False)
    assert pace(found) == "5.0/s, 0:01:38 left"


def test_nothing_done_yet_has_no_pace() -> None:
    assert pace(Progress(0, 0, 0, 0, 1.0, True)) == ""


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    with watching() as watch:
        assert watch is None
