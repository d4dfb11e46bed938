"""From a module of torch to a network compiled for this processor; run once for each export."""

import warnings
from pathlib import Path
from typing import Any

import torch

from indexer.models.compiled.network import openvino, settings
from indexer.models.compiled.precision import Precision
from indexer.models.networks.traceable import NotTraceable, Traceable


def compile_to(path: Path, part: Traceable, precision: Precision, threads: int) -> None:
    """Trace a part of a network, compile it and write what the run-time maps later.

    Weights are kept in fp16, at half the size, where products are less exact than that anyway.
    Raises NotTraceable where it cannot be traced or compiled, OSError, MemoryError.
    """
    ov = openvino()
    draft = path.with_suffix(".xml")
    try:
        traced = trace(part)
        _save(ov, traced, draft, precision)
        del traced
        core = ov.Core()
        compiled = core.compile_model(draft, "CPU", settings(precision, threads))
        blob = compiled.export_model()
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever the tracer and the converter raise for what they lack
        if "alloc" in str(error).lower():  # torch and the run-time have errors of their own
            raise MemoryError(_last_line(error)) from error
        raise NotTraceable(f"it cannot be compiled ({_last_line(error)})") from error
    finally:
        for part_file in (draft, draft.with_suffix(".bin")):
            part_file.unlink(missing_ok=True)
    path.write_bytes(blob if isinstance(blob, bytes) else blob.getvalue())


def trace(part: Traceable) -> Any:
    """Return a part of a network as the run-time's model; raises whatever the tracer does."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # each value that becomes a constant is warned about
        return openvino().convert_model(
            part.module,
            example_input=part.examples if len(part.examples) > 1 else part.examples[0],
            input=[list(shape) for shape in part.shapes],
        )


def _save(ov: Any, traced: Any, draft: Path, precision: Precision) -> None:
    """Write the run-time's model; raises OSError, where the run-time itself has another error."""
    try:
        ov.save_model(traced, draft, compress_to_fp16=precision != "fp32")
    except RuntimeError as error:
        raise OSError(f"it cannot be written ({_last_line(error)})") from error


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1][:160] if lines else 'no reason given'}"
