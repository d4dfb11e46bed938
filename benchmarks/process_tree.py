"""A command run once: wall and processor seconds, and the memory of its process and of its tree.

It is started by a fresh interpreter of a few megabytes, which is this file run as a script with
the standard library alone: Linux counts the peak of a new process from the memory of the one that
started it, and a small process takes less of the processor while it samples.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

SAMPLE_SECONDS = 0.05
# A program that finds no bytecode compiles its modules anew at each start.
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


@dataclass(frozen=True, slots=True)
class Command:
    """The words of a command, the folder it runs in, and its environment beside this process's."""

    words: tuple[str, ...]
    folder: Path = Path(".")
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of one run. Processor seconds include those of children that it waited for."""

    wall_seconds: float
    user_seconds: float
    system_seconds: float
    peak_rss_bytes: int  # of its largest process
    peak_pss_bytes: int  # of the whole tree; 0 where it was not sampled
    exit_code: int

    def row(self, prefix: str) -> dict[str, float]:
        """Return the figures as part of a row of results."""
        return {f"{prefix}_{name}": value for name, value in asdict(self).items()}


def run(command: Command, sample: bool = False) -> tuple[str, Usage]:
    """Run a command to its end; return what it printed and its cost.

    `sample` watches the proportional memory (PSS) of its process tree, which slows it a little.
    Raises SystemExit with the end of its standard error where it fails.
    """
    environment = {k: v for k, v in os.environ.items() if k != _NO_BYTECODE}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "usage.json"
        launcher = [sys.executable, "-I", "-S", __file__, str(report), str(int(sample))]
        done = subprocess.run(
            [*launcher, *command.words],
            cwd=command.folder,
            env={**environment, **command.environment},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command.words)} did not start: {done.stderr[-500:]}")
        usage = Usage(**json.loads(report.read_text()))
    if usage.exit_code:
        said = done.stderr.strip()[-500:]
        raise SystemExit(f"{' '.join(command.words)} ended with {usage.exit_code}: {said}")
    return done.stdout, usage


def tree(root: int) -> list[int]:
    """List a process and its descendants."""
    parents = {}
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{name}/stat").read_text()
        except OSError:  # ended since it was listed
            continue
        parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    members = [root]
    for member in members:
        members += [process for process, parent in parents.items() if parent == member]
    return members


def tree_pss(root: int) -> int:
    """Add up the proportional memory of a process and its descendants; bytes."""
    return sum(map(_pss, tree(root)))


def _pss(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _launch(words: list[str], sample: bool) -> Usage:
    began, peak = time.perf_counter(), 0
    child = os.posix_spawnp(words[0], words, os.environ)
    while sample and not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        peak = max(peak, tree_pss(child))
        time.sleep(SAMPLE_SECONDS)
    _, status, used = os.wait4(child, 0)
    return Usage(
        time.perf_counter() - began,
        used.ru_utime,
        used.ru_stime,
        used.ru_maxrss * 1024,
        peak,
        os.waitstatus_to_exitcode(status),
    )


if __name__ == "__main__":
    report_file, sampled, *to_run = sys.argv[1:]
    Path(report_file).write_text(json.dumps(asdict(_launch(to_run, sampled == "1"))))
