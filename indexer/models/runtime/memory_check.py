"""Room for a network: on this machine, and on the accelerator where it will run."""

import torch

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.runtime import memory
from indexer.models.runtime.device import Placement


def reserve(checkpoint: Checkpoint, placement: Placement) -> None:
    """Raise NotEnoughMemory where the weights would not fit; a loader asks before it reads them.

    An accelerator's weights are read through the machine's own memory.
    """
    need = memory.checkpoint_bytes(checkpoint, placement.weights)
    if need is None:
        return
    memory.require_free(checkpoint.label, need, memory.free())
    device = placement.device
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        memory.require_free(checkpoint.label, need, free, f"memory of {device}")
