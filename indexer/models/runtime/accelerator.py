"""The accelerator that a machine seems to have, found without importing torch."""

import platform
import shutil
import sys
from typing import Literal


def guess_device() -> Literal["cuda", "mps", "cpu"]:
    """Guess the device that `device.place("auto")` will choose, from the files of a driver."""
    if shutil.which("nvidia-smi"):
        return "cuda"
    return "mps" if sys.platform == "darwin" and platform.machine() == "arm64" else "cpu"
