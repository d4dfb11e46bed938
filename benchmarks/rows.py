"""Raw rows: every repetition of a measurement, with the machine and versions it was taken on."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("results")
_PACKAGES = (
    "torch",
    "transformers",
    "open_clip_torch",
    "pillow",
    "faiss-cpu",
    "openvino",
    "numpy",
    "sqlalchemy",
)


def machine() -> dict[str, object]:
    """Describe what the rows were measured on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def keep(name: str, parameters: Mapping[str, object], rows: Sequence[Mapping[str, object]]) -> None:
    """Append the rows of one run to `results/NAME.jsonl`."""
    RESULTS.mkdir(exist_ok=True)
    run = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "parameters": dict(parameters),
        "rows": list(rows),
    }
    with (RESULTS / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(run) + "\n")


def data_folder() -> Path:
    """Return the folder of real files that `SIGHTLINE_DATA` names, or stop with the next step."""
    named = os.environ.get("SIGHTLINE_DATA")
    if not named or not Path(named).is_dir():
        raise SystemExit("set SIGHTLINE_DATA to the folder of real files to measure on")
    return Path(named)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
