"""The memory that a model needs and the memory that is free: a refusal beats a killed machine.

The need is read off the headers of the weights, which say shapes and types without the
weights themselves; nothing here imports a network library.
"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.files.safetensors import tensor_shapes
from storage.errors import Hint, NotEnoughMemory

Precision = Literal["fp32", "bf16"]
BYTES: dict[Precision, int] = {"fp32": 4, "bf16": 2}
ALLOWANCE = 300_000_000  # bytes: one batch's activations and what loading leaves behind
LARGE = 3_000_000_000  # parameters, from which on a reader's weights are bf16 everywhere
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def parameters(checkpoint: Checkpoint) -> int | None:
    """Return the number of parameters in a checkpoint's weights; None if there are no files yet.

    Raises BrokenModel for a file whose header cannot be read.
    """
    paths = checkpoint.weight_files()
    return sum(count(path) for path in paths) if paths else None


def weight_dtype(count: int, precision: Precision, *, exact: bool) -> Precision:
    """Return the data type of the weights for a precision of matrix products.

    An encoder's are `exact`: vectors made on one device are compared with those of another. A
    large reader would fit few machines otherwise than in bf16.
    """
    if exact:
        return "fp32"
    return "bf16" if count >= LARGE else precision


def checkpoint_bytes(checkpoint: Checkpoint, precision: Precision = "fp32") -> int | None:
    """Return the bytes of memory for a model with its weights in a precision.

    Return None if its files are not on this machine.
    """
    count = parameters(checkpoint)
    return None if count is None else bytes_for(count, precision)


def bytes_for(count: int, precision: Precision = "fp32") -> int:
    """Return the bytes of memory for a network with `count` parameters of a data type."""
    return count * BYTES[precision] + ALLOWANCE


def require_free(model: str, need: int, free: int, kind: str = "memory") -> None:
    """Raise NotEnoughMemory where less than `need` bytes are free."""
    if need > free:
        raise NotEnoughMemory(
            f"the model {model} needs about {need / 1e9:.1f} GB of {kind} and "
            f"{free / 1e9:.1f} GB are free: choose a smaller one or close other programs",
            hint=Hint("list models"),
        )


def free() -> int:
    """Return the bytes that this process may still take: of the machine and its container."""
    import psutil

    return min([psutil.virtual_memory().available, *_left_in_cgroups()])


def _left_in_cgroups() -> Iterator[int]:
    """Yield what is left under each limit that a Linux container puts on this process."""
    if not sys.platform.startswith("linux"):
        return
    for folder in _cgroups():
        try:
            limit = int((folder / "memory.max").read_text())  # "max" where there is none
            used = int((folder / "memory.current").read_text())
            lines = (folder / "memory.stat").read_text().splitlines()
        except (OSError, ValueError):
            continue
        # Pages of files that were read count as used and are given back on demand.
        kept = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        yield max(0, limit - used + kept)


def _cgroups() -> list[Path]:
    """List this process's group and those above it, the limits of all of which hold."""
    try:
        lines = _OWN_CGROUP.read_text().splitlines()
    except OSError:
        return [_CGROUPS]
    own = next((line[3:] for line in lines if line.startswith("0::")), "/").strip("/")
    folder = _CGROUPS / own if ".." not in own else _CGROUPS
    return [folder, *(up for up in folder.parents if up.is_relative_to(_CGROUPS))]


def count(path: Path) -> int:
    """Count the numbers in one file of weights; raises BrokenModel where it is damaged."""
    return sum(math.prod(shape) for shape in tensor_shapes(path).values())
