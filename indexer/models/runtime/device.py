"""The device of a network, its precision, threads and batch size."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch

from indexer.models.runtime.inference import accelerator_is_lost, accelerator_of_the_parent
from indexer.models.runtime.memory import Precision, weight_dtype
from storage.errors import InvalidArgument, ModelError

CPU_BATCH = 32  # a larger one is no faster on a CPU and takes memory from the decoders
MPS_BATCH = 32
IMAGES_PER_GIB = 16  # of accelerator memory; ViT-L/14 in bf16 stays well under it
LARGEST_BATCH = 512
_BF16_CAPABILITY = (8, 0)  # of a CUDA device: from here on bf16 runs on the tensor cores


@dataclass(frozen=True, slots=True)
class Placement:
    """A device and how it is used.

    `precision` is that of the matrix products, `weights` what these are held in. Encoders keep
    weights, norms and vectors in fp32 and go by autocast. bf16 has the range of fp32, so nothing
    that fits in fp32 overflows in it.
    """

    device: torch.device
    precision: Precision = "fp32"
    batch: int = CPU_BATCH
    weights: Precision = "fp32"

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context that the forward pass runs in."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


def place(
    wanted: str = "auto", *, count: int = 0, exact: bool = True, max_batch: int = LARGEST_BATCH
) -> Placement:
    """Choose where and how a network of `count` parameters runs.

    "auto" takes CUDA, else MPS, else the CPU. `exact` keeps the weights in fp32, `max_batch` bounds
    the batch. Raises InvalidArgument for a name that is no device, ModelError for one not
    present here.
    """
    found = _device(wanted)
    weights = weight_dtype(count, found.precision, exact=exact)
    precision = found.precision if exact else weights
    return replace(found, precision=precision, weights=weights, batch=min(found.batch, max_batch))


def _device(wanted: str) -> Placement:
    kind, _, number = wanted.partition(":")
    if kind not in ("auto", "cpu", "cuda", "mps") or (number and not number.isdigit()):
        raise InvalidArgument(
            f"there is no device {wanted!r}: choose auto, cpu, cuda or mps",
            parameter="device",
            value=wanted,
        )
    lost = accelerator_is_lost()
    if lost and kind == "cuda":
        raise accelerator_of_the_parent()
    has_cuda = not lost and torch.cuda.is_available()
    has_mps = torch.backends.mps.is_available()
    if kind == "auto":
        wanted = kind = "cuda" if has_cuda else "mps" if has_mps else "cpu"
    if kind == "cuda":
        if not has_cuda or int(number or 0) >= torch.cuda.device_count():
            raise ModelError(f"the device {wanted} is not there: choose auto or cpu")
        return _cuda(torch.device(wanted))
    if kind == "mps":
        if not has_mps:
            raise ModelError("the device mps is not there: choose auto or cpu")
        return Placement(torch.device("mps"), batch=MPS_BATCH)
    return Placement(torch.device("cpu"))


def _cuda(device: torch.device) -> Placement:
    properties = torch.cuda.get_device_properties(device)
    batch = int(properties.total_memory / 2**30 * IMAGES_PER_GIB)
    fast = (properties.major, properties.minor) >= _BF16_CAPABILITY
    return Placement(device, "bf16" if fast else "fp32", max(8, min(LARGEST_BATCH, batch)))


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether an accelerator ran out of memory (MPS raises a plain RuntimeError)."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()


def in_batches(
    rows: torch.Tensor, batch: int, forward: Callable[[torch.Tensor], torch.Tensor]
) -> tuple[torch.Tensor, int]:
    """Run `forward` over at most `batch` rows at a time, halving that where memory runs out.

    Returns the results in order on the CPU, and the batch that fitted. Raises ModelError where
    a single row does not fit.
    """
    done: list[torch.Tensor] = []
    start = 0
    while start < len(rows):
        part = rows[start : start + batch]
        result = _attempt(forward, part)
        if result is not None:
            done.append(result)
            start += len(part)
        elif len(part) > 1:
            batch = len(part) // 2
        else:
            raise ModelError(
                "the device has no memory for a single input: choose a smaller model or "
                "the device cpu"
            )
    return torch.cat(done), batch


def _attempt(
    forward: Callable[[torch.Tensor], torch.Tensor], part: torch.Tensor
) -> torch.Tensor | None:
    try:
        return forward(part).cpu()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    # Outside the handler: the caught error kept the failed pass's tensors alive.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None
