"""A network compiled by OpenVINO for this processor, run from a file without its library."""

import mmap
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.models.compiled.precision import Precision

Array = npt.NDArray[Any]
_TELEMETRY = "openvino_telemetry"
_TYPES: dict[Precision, str] = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}


class RuntimeMissing(Exception):
    """OpenVINO cannot be used on this machine; the message says why."""


@dataclass(frozen=True, slots=True)
class Processor:
    """The target of a compilation: the run-time's version and what the processor can do."""

    runtime: str  # "openvino 2026.4.1"
    abilities: tuple[str, ...]  # "FP32", "BF16", "INT8", … as the run-time names them

    @property
    def has_bf16(self) -> bool:
        """Return whether products of bf16 are made by instructions of their own."""
        return "BF16" in self.abilities


@cache
def openvino() -> Any:
    """Import OpenVINO; raises RuntimeMissing.

    Its converter counts its uses by a web service: nothing that is done with private images may
    tell anyone of it.
    """
    with without_telemetry():
        try:
            return import_module("openvino")
        except (ImportError, OSError, RuntimeError) as error:
            raise RuntimeMissing(f"OpenVINO cannot be imported ({error})") from None


@contextmanager
def without_telemetry() -> Iterator[None]:
    """Keep from importing, while the block runs, what OpenVINO and NNCF would report their use by.

    Both do without it where it is not found.
    """
    modules: dict[str, Any] = sys.modules
    missing = object()
    found = modules.get(_TELEMETRY, missing)
    modules[_TELEMETRY] = None  # an import of it fails
    try:
        yield
    finally:
        del modules[_TELEMETRY]
        if found is not missing:
            modules[_TELEMETRY] = found


@cache
def processor() -> Processor:
    """Return what networks are compiled for here; raises RuntimeMissing."""
    core = openvino().Core()
    try:
        able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return Processor(f"openvino {version('openvino')}", tuple(sorted(able)))
    except (RuntimeError, PackageNotFoundError) as error:
        raise RuntimeMissing(f"OpenVINO has no CPU to run on ({error})") from None


def settings(precision: Precision, threads: int) -> dict[str, Any]:
    """Return the settings that a network is compiled and run with."""
    return {
        "INFERENCE_PRECISION_HINT": _TYPES[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
    }


class CompiledNetwork:
    """A network that was compiled before, mapped from its file; not for two threads at once.

    A quantised one, a file of XML with its weights beside it, is compiled as it is loaded: it is
    made once for every processor and every version of the run-time.
    """

    def __init__(self, path: Path, precision: Precision, threads: int) -> None:
        """Map the file of a network; raises RuntimeError where the run-time refuses it, OSError."""
        ov = openvino()
        self._mapped: mmap.mmap | None = None
        if path.suffix == ".xml":
            network = ov.Core().compile_model(path, "CPU", settings(precision, threads))
        else:
            network = self._imported(ov, path, settings(precision, threads))
        self._request = network.create_infer_request()

    def _imported(self, ov: Any, path: Path, given: dict[str, Any]) -> Any:
        with path.open("rb") as file:
            # Private: the run-time asks for memory that it might write to, and never does.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        # The run-time reads weights out of it for as long as the network lives.
        self._blob = ov.Tensor(np.frombuffer(mapped, np.uint8), shared_memory=True)
        self._mapped = mapped
        return ov.Core().import_model(self._blob, "CPU", given)

    def run(self, *inputs: Array) -> npt.NDArray[np.float32]:
        """Run the network: arrays in the order of its inputs → its one output, a copy."""
        found = self._request.infer(list(inputs), share_inputs=True)
        if self._mapped is not None:
            _give_back(self._mapped)
            self._mapped = None
        return np.array(found[0], np.float32)


def _give_back(mapped: mmap.mmap) -> None:
    """Drop a file's pages, from which the first run has made weights in an order of its own."""
    if hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def in_batches(
    network: CompiledNetwork, inputs: Sequence[Array], batch: int, width: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Run a network over at most `batch` rows at a time: n rows each → (n, *width)."""
    count = len(inputs[0])
    if not count:
        return np.zeros((0, *width), np.float32)
    parts = [
        network.run(*(rows[start : start + batch] for rows in inputs))
        for start in range(0, count, batch)
    ]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]
