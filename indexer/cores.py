"""How many cores this process may use, which is often fewer than the machine has."""

import os
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
