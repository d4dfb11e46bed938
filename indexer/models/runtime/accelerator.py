"""The accelerator that a machine has, found without importing torch where there is none."""

import platform
import shutil
import sys
from typing import Literal


def guess_device() -> Literal["cuda", "mps", "cpu"]:
    """Guess the device that `device.place("auto")` will choose, from the files of a driver."""
    if shutil.which("nvidia-smi"):
        return "cuda"
    return "mps" if sys.platform == "darwin" and platform.machine() == "arm64" else "cpu"


def runs_on_cpu(wanted: str) -> bool:
    """Return whether a network runs on the CPU, on the device that is wanted or by "auto".

    Where a driver is there, torch is asked what it can use. A name that is no device is none.
    """
    if wanted != "auto":
        return wanted == "cpu"
    if guess_device() == "cpu":
        return True
    from indexer.models.runtime.device import place

    return place("auto").device.type == "cpu"
