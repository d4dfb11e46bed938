"""How much memory a model needs and how much is free: a refusal beats a killed machine.

The need is read off the headers of the weights, which say shapes and types without the
weights themselves; nothing here imports a network library.
"""

import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from indexer.models.checkpoint import Checkpoint
from storage.errors import BrokenModel, NotEnoughMemory

Precision = Literal["fp32", "bf16"]
BYTES: dict[Precision, int] = {"fp32": 4, "bf16": 2}
ALLOWANCE = 300_000_000  # bytes: one batch's activations and what loading leaves behind
LARGE = 3_000_000_000  # parameters, from which on weights are bf16 everywhere
_UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError,
)  # fmt: skip
_HEADER_LIMIT = 100_000_000  # bytes, as in the safetensors library
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def parameters(checkpoint: Checkpoint) -> int | None:
    """Count the numbers in a checkpoint's weights; None where there are no files yet.

    Raises BrokenModel for a file whose header cannot be read.
    """
    paths = checkpoint.weight_files()
    return sum(count(path) for path in paths) if paths else None


def is_large(checkpoint: Checkpoint) -> bool:
    """Say whether the weights of a model are only ever held in bf16."""
    return (parameters(checkpoint) or 0) >= LARGE


def need(checkpoint: Checkpoint, precision: Precision = "fp32") -> int | None:
    """Return the bytes that running a model takes; None where its files are not here."""
    count = parameters(checkpoint)
    return None if count is None else needed(count, precision)


def needed(count: int, precision: Precision = "fp32") -> int:
    """Return the bytes that running a network of so many parameters takes."""
    return count * (2 if count >= LARGE else BYTES[precision]) + ALLOWANCE


def require(model: str, need: int, free: int, kind: str = "memory") -> None:
    """Raise NotEnoughMemory where less than `need` bytes are free."""
    if need > free:
        raise NotEnoughMemory(
            f"the model {model} needs about {need / 1e9:.1f} GB of {kind} and "
            f"{free / 1e9:.1f} GB are free: choose a smaller one (`sightline models`) "
            f"or close other programs"
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
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= _HEADER_LIMIT:
                raise ValueError("its header has no sensible length")
            header = json.loads(file.read(length))
            size = file.seek(0, os.SEEK_END)
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        if size < 8 + length + max((entry["data_offsets"][1] for entry in tensors), default=0):
            raise ValueError("it ends before its last tensor")
        return sum(math.prod(entry["shape"]) for entry in tensors)
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())[:160]
        raise BrokenModel(f"{path} is damaged or cut short: {reason}") from None
