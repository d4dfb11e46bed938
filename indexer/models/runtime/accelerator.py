"""The accelerator that a machine seems to have, found without importing torch."""

import platform
import shutil
import sys
from typing import Literal


def guess_device() -> Literal["cuda", "mps", "cpu"]:
    """Guess what `device.place("auto")` will choose, from what a driver leaves in sight."""
    if shutil.which("nvidia-smi"):
        return "cuda"
    return "mps" if sys.platform == "darwin" and platform.machine() == "arm64" else "cpu"
