"""How many cores this process may use, which is often fewer than the machine has."""

import os
from collections.abc import MutableMapping
from pathlib import Path


def usable_cores() -> int:
    """Count the cores of this process's affinity, or of its container's quota if that is less."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no such file, or "max": no quota
        return cores


def limit_threads(environment: MutableMapping[str, str]) -> None:
    """Write OMP_NUM_THREADS for torch and FAISS, which read it as they are loaded.

    They know a process's affinity and not its container's quota, beyond which threads only wait
    for each other. For a process of our own: in another's, how many threads run is its to say.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    if affinity and usable_cores() < len(affinity(0)):
        environment.setdefault("OMP_NUM_THREADS", str(usable_cores()))
