"""Exports are made in a process of their own, whose memory and libraries end with it."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.models.compiled.export import Part
from indexer.models.compiled.precision import Precision
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.files.reason import short_reason
from indexer.models.protocols import Pixels
from storage.errors import SightlineError
from storage.records import Matrix

# The current folder, which is untrusted, stays off the import path (-P).
_BOOTSTRAP = """
import sys
sys.path[:] = sys.argv[1:]
from indexer.models.compiled.export_process import serve
serve()
"""


@dataclass(frozen=True, slots=True)
class CalibrationSample:
    """Images that a network is quantised by: (n, size, size, 3) uint8, and their exact vectors."""

    pixels: Pixels
    exact: Matrix


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A wish for an export: of which part, of which checkpoint, loaded by which "module:Class".

    One in int8 brings a sample.
    """

    loader: str
    checkpoint: Checkpoint
    part: Part
    precision: Precision
    threads: int
    sample: CalibrationSample | None = None


class ExportFailed(Exception):
    """No export could be made; `lasting` says that trying again would end alike."""

    def __init__(self, reason: str, *, lasting: bool) -> None:
        super().__init__(reason)
        self.lasting = lasting


def make_export(request: ExportRequest, folder: Path, tell: Callable[[str], None]) -> None:
    """Write an export into an empty folder; `tell` is told what is done.

    Raises ExportFailed, and what the model's loader raises for a model that does not work.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _BOOTSTRAP, *(path or os.getcwd() for path in sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0 if os.name == "posix" else None,  # Ctrl-C comes to this process alone
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        pickle.dump((request, folder), process.stdin)
        process.stdin.close()
        while True:
            kind, said = pickle.load(process.stdout)
            if kind == "told":
                tell(said)
                continue
            break
    except (EOFError, BrokenPipeError, pickle.UnpicklingError):
        code = process.wait()
        killed = "killed: perhaps the machine ran out of memory" if code == -9 else f"code {code}"
        raise ExportFailed(f"the process that makes it ended ({killed})", lasting=False) from None
    except BaseException:
        process.kill()
        raise
    finally:
        process.stdout.close()
        process.wait()
    if kind == "model":
        raise said
    if kind != "done":
        raise ExportFailed(said, lasting=kind == "refused")


def serve() -> None:
    """Make the export asked for on standard input: the main function of the process."""
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 1)  # what libraries print is no answer

    def answer(kind: str, said: object) -> None:
        pickle.dump((kind, said), answers)
        answers.flush()

    request, folder = pickle.load(sys.stdin.buffer)
    answer(*_outcome(request, folder, lambda step: answer("told", step)))


def _outcome(request: ExportRequest, folder: Path, tell: Callable[[str], None]) -> tuple[str, Any]:
    from indexer.models.compiled.exporter import export
    from indexer.models.compiled.network import RuntimeMissing
    from indexer.models.compiled.parity import OutOfTolerance
    from indexer.models.networks.traceable import NotTraceable

    try:
        if request.sample is None:
            export(request, folder, tell)
        else:
            from indexer.models.compiled.quantizer import quantize

            quantize(request, request.sample, folder, tell)
    except SightlineError as error:
        return "model", error
    except (NotTraceable, OutOfTolerance) as error:
        return "refused", str(error)
    except (OSError, RuntimeMissing) as error:
        return "failed", str(error)
    except MemoryError:
        return "failed", "there is not enough memory to make it"
    except Exception as error:  # whatever a network makes its library raise as it is traced
        return "refused", f"{type(error).__name__}: {short_reason(error)}"
    return "done", None
