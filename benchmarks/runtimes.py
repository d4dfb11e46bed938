"""Which run-time computes a CLIP's image tower fastest on this processor, and how exactly?

    uv run --with onnxruntime --with onnx --with onnxscript python -m benchmarks.runtimes

A ViT-B/32-256 of random weights encodes ready images, 32 at once: by torch as it is (fp32, and
bf16 by autocast), by OpenVINO (fp32 and bf16) and, where it is installed, by ONNX Runtime (fp32),
in turn, several times, on all cores. Cosines are to torch in fp32.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import click
import numpy as np
import torch

from benchmarks.random_towers import random_tower
from benchmarks.rows import keep
from indexer.cpu import usable_cores
from indexer.models import fetch
from indexer.models.compiled.convert import compile_to
from indexer.models.compiled.network import CompiledNetwork, processor
from indexer.models.compiled.precision import Precision
from indexer.models.networks.open_clip import OpenClipEncoder
from indexer.models.networks.traceable import Traceable
from indexer.models.protocols import Pixels
from storage.records import Matrix

Encode = Callable[[Pixels], Matrix]
BATCH = 32


def by_torch(part: Traceable, dtype: torch.dtype | None) -> Encode:
    """Return the tower as torch runs it, by autocast where a type is given."""

    def run(pixels: Pixels) -> Matrix:
        with torch.inference_mode(), torch.autocast("cpu", dtype=dtype, enabled=dtype is not None):
            found: torch.Tensor = part.module(torch.from_numpy(pixels))
        return found.float().numpy()

    return run


def by_openvino(part: Traceable, precision: Precision, folder: Path) -> Encode:
    """Return the tower as the product runs it."""
    path = folder / f"{precision}.blob"
    compile_to(path, part, precision, usable_cores())
    return CompiledNetwork(path, precision, usable_cores()).run


def by_onnx_runtime(part: Traceable, folder: Path) -> Encode | None:
    """Return the tower as ONNX Runtime runs it in fp32; None where it is not installed."""
    try:
        import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        return None
    path = folder / "tower.onnx"
    torch.onnx.export(
        part.module,
        part.examples,
        str(path),
        input_names=["input"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda pixels: np.asarray(session.run(None, {"input": pixels})[0])


@click.command()
@click.option("--arch", default="ViT-B-32-256", show_default=True)
@click.option("--repeat", default=5, show_default=True)
def main(arch: str, repeat: int) -> None:
    """Print images per second and the least cosine of each."""
    torch.set_num_threads(usable_cores())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        encoder = OpenClipEncoder.load(fetch(str(random_tower(folder / arch, arch))), "cpu")
        part = encoder.traceables()["image"]
        ways: dict[str, Encode | None] = {
            "torch fp32": by_torch(part, None),
            "torch bf16": by_torch(part, torch.bfloat16),
            "openvino fp32": by_openvino(part, "fp32", folder),
            "openvino bf16": by_openvino(part, "bf16", folder),
            "onnxruntime fp32": by_onnx_runtime(part, folder),
        }
        side = encoder.image_spec.size
        pixels = np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 3), np.uint8)
        rows = measured({name: run for name, run in ways.items() if run}, pixels, repeat)
    abilities = ", ".join(processor().abilities)
    keep("runtimes", {"arch": arch, "batch": BATCH, "abilities": abilities}, rows)


def measured(ways: dict[str, Encode], pixels: Pixels, repeat: int) -> list[dict[str, object]]:
    """Time each way in turn and print what was found."""
    exact = _unit(ways["torch fp32"](pixels))
    cosines = {name: float((exact * _unit(run(pixels))).sum(1).min()) for name, run in ways.items()}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeat):
        for name, run in ways.items():
            began = time.perf_counter()
            run(pixels)
            rates[name].append(len(pixels) / (time.perf_counter() - began))
    for name, found in rates.items():
        print(f"{name:18} {median(found):6.1f} images/s, least cosine {cosines[name]:.5f}")
    return [
        {"run-time": name, "cosine": cosines[name], "images_per_second": found}
        for name, found in rates.items()
    ]


def _unit(rows: Matrix) -> Matrix:
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":
    main()
