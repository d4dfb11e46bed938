"""Room for a network: on this machine, and on the accelerator where it will run."""

import torch

from indexer.models import memory
from indexer.models.checkpoint import Checkpoint


def reserve(
    checkpoint: Checkpoint, device: torch.device, precision: memory.Precision = "fp32"
) -> None:
    """Raise NotEnoughMemory where the weights would not fit; a loader asks before it reads them.

    An accelerator's weights are read through the machine's own memory.
    """
    need = memory.need(checkpoint, precision)
    if need is None:
        return
    memory.require(checkpoint.label, need, memory.free())
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        memory.require(checkpoint.label, need, free, f"memory of {device}")
