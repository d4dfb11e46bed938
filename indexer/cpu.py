"""The number of cores this process may use, often fewer than the machine has."""

import os
from collections.abc import MutableMapping
from pathlib import Path


def usable_cores() -> int:
    """Return the number of cores in this process's affinity, or its container's quota if lower."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no such file, or "max": no quota
        return cores


def limit_threads(environment: MutableMapping[str, str]) -> None:
    """Set OMP_NUM_THREADS for torch and FAISS, which read it when they are loaded.

    They respect a process's affinity but not its container's quota; threads beyond that only wait
    for each other. Only for the program's own process: a host application decides for itself.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    if affinity and usable_cores() < len(affinity(0)):
        environment.setdefault("OMP_NUM_THREADS", str(usable_cores()))
