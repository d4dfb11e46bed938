"""The header of a safetensors file: names and shapes of its tensors, without the tensors."""

import json
import os
from pathlib import Path

from storage.errors import BrokenModel

_LIMIT = 100_000_000  # bytes, as in the safetensors library
_UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError,
)  # fmt: skip


def tensor_shapes(path: Path) -> dict[str, list[int]]:
    """Read the shape of each tensor; raises BrokenModel for a file damaged or cut short."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= _LIMIT:
                raise ValueError("its header has no sensible length")
            header = json.loads(file.read(length))
            size = file.seek(0, os.SEEK_END)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        ends = (entry["data_offsets"][1] for entry in tensors.values())
        if size < 8 + length + max(ends, default=0):
            raise ValueError("it ends before its last tensor")
        return {name: [int(side) for side in entry["shape"]] for name, entry in tensors.items()}
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())[:160]
        raise BrokenModel(f"{path} is damaged or cut short: {reason}") from None
