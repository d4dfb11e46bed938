"""The cost of a command is that of its own processes, and not of the one that measures."""

import sys
from pathlib import Path

import pytest

from benchmarks.process_tree import Command, run

if not Path("/proc/self/smaps_rollup").exists():
    pytest.skip("the memory of a process tree is read from Linux's /proc", allow_module_level=True)

SECONDS, MEGABYTES = 0.6, 80
# Written to, as memory that is only asked for is no memory yet.
_HOLD = f"import time; held = b'x' * ({MEGABYTES} << 20); time.sleep({SECONDS})"
_IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_HOLD!r}])"


def python(code: str) -> Command:
    return Command((sys.executable, "-I", "-S", "-c", code))


def test_what_a_command_prints_comes_with_its_cost() -> None:
    printed, usage = run(python(f"print('done'); {_HOLD}"))
    assert printed == "done\n"
    assert usage.wall_seconds >= SECONDS > usage.user_seconds + usage.system_seconds > 0
    assert MEGABYTES << 20 <= usage.peak_rss_bytes < (MEGABYTES + 60) << 20
    assert usage.peak_pss_bytes == 0  # nobody asked for it


def test_the_peak_is_not_that_of_the_process_that_measures() -> None:
    held = b"x" * (200 << 20)
    _, usage = run(python("pass"))
    assert usage.peak_rss_bytes < 60 << 20 < len(held)


def test_the_memory_of_children_counts_in_the_tree() -> None:
    _, usage = run(python(_IN_A_CHILD), sample=True)
    assert usage.peak_pss_bytes >= MEGABYTES << 20
    assert usage.peak_rss_bytes >= MEGABYTES << 20


def test_a_command_runs_in_its_folder_with_its_environment(tmp_path: Path) -> None:
    code = "import os; print(os.getcwd(), os.environ['KITE'])"
    command = Command(python(code).words, tmp_path, {"KITE": "red"})
    printed, _ = run(command)
    assert printed.split() == [str(tmp_path), "red"]


def test_a_command_that_fails_stops_the_measurement_with_its_last_words() -> None:
    with pytest.raises(SystemExit, match="ended with 7: no kite"):
        run(python("import sys; print('no kite', file=sys.stderr); sys.exit(7)"))
    with pytest.raises(SystemExit, match="did not start"):
        run(Command(("no-such-program-anywhere",)))
