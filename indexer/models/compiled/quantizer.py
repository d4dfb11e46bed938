"""The making of a network in int8: calibrated on images, measured on others, kept as an export.

It runs in a process of its own (`export_process`). NNCF reads of each layer what values it takes
over the calibration images, and chooses the scales of the int8 products by them.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from indexer.models.compiled.agreement import Agreement
from indexer.models.compiled.convert import trace
from indexer.models.compiled.dual_encoder import BATCH
from indexer.models.compiled.export import QUANTIZED, Export, FileRecord
from indexer.models.compiled.export_process import CalibrationSample, ExportRequest
from indexer.models.compiled.exporter import load_model
from indexer.models.compiled.network import CompiledNetwork, in_batches, openvino, without_telemetry
from indexer.models.compiled.parity import OutOfTolerance
from indexer.models.compiled.precision import HELD_BACK, LEAST_COSINE
from indexer.models.networks.l2_normalize import l2_normalize
from indexer.models.protocols import Pixels


def quantize(
    request: ExportRequest, sample: CalibrationSample, folder: Path, tell: Callable[[str], None]
) -> Export:
    """Write an export of the image tower in int8 into an empty folder.

    Raises OutOfTolerance where an image held back gets too different a vector, OSError, and what
    the loader, the tracer and NNCF raise.
    """
    ov = openvino()
    tell("loading the model")
    traced = trace(load_model(request).traceables()["image"])
    rows = np.arange(len(sample.pixels))
    held = rows[HELD_BACK - 1 :: HELD_BACK]
    chosen = np.setdiff1d(rows, held)
    tell(f"quantising its image network to int8 by {len(chosen):,} images")
    ov.save_model(_quantized(traced, sample.pixels[chosen]), folder / QUANTIZED[0], False)
    tell(f"comparing it with the exact network on {len(held):,} other images")
    network = CompiledNetwork(folder / QUANTIZED[0], "int8", request.threads)
    features = in_batches(network, [sample.pixels], BATCH, (sample.exact.shape[1],))
    ours = l2_normalize(features, request.checkpoint.label)
    agreement = Agreement.measure(sample.exact, ours, held)
    if not agreement.least >= LEAST_COSINE["int8"]:
        raise OutOfTolerance(
            f"of {len(held):,} images that it was not calibrated on, one has a vector only "
            f"{agreement.least:.3f} like the exact one, and it must be {LEAST_COSINE['int8']}"
        )
    files = {name: FileRecord.of(folder / name) for name in QUANTIZED}
    details = {"agreement": asdict(agreement)}
    made = Export(folder, "int8", "", files, None, details, cosine=agreement.least)
    made.write()
    return made


def _quantized(traced: Any, pixels: Pixels) -> Any:
    with without_telemetry():
        import nncf

    logging.getLogger("nncf").setLevel(logging.ERROR)
    return nncf.quantize(
        traced,
        nncf.Dataset(pixels[:, None]),  # one image at a time
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(pixels),
    )
