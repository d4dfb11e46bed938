"""An export: what one model needs to run without its library, in a folder of its own."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import xxhash

from indexer.models.compiled.network import CompiledNetwork
from indexer.models.compiled.precision import Precision
from indexer.models.compiled.text_tokenizer import TextTokenizer, TokenizerSpec
from indexer.models.files.reason import short_reason
from storage.errors import ModelUnavailable

MANIFEST = "export.json"
QUANTIZED = ("image.xml", "image.bin")  # the files of a network in int8
# What of a model is exported: all that a role needs, the image tower of one that generates, or the
# quantised image tower of a dual encoder.
Part = Literal["dual-encoder", "pair-scorer", "tower", "int8"]


class ExportDamaged(Exception):
    """An export that is not what was written."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was written: its size, its time in nanoseconds, and the XXH3 of its bytes."""

    size: int
    mtime_ns: int
    xxh3: str

    @classmethod
    def of(cls, path: Path) -> "FileRecord":
        """Record a file; raises OSError."""
        state = path.stat()
        return cls(state.st_size, state.st_mtime_ns, _xxh3(path))

    def check(self, path: Path) -> None:
        """Raise ExportDamaged where the file is not the recorded one.

        It is hashed only where its time is another one, as in a copied folder.
        """
        try:
            state = path.stat()
            if state.st_size == self.size and (
                state.st_mtime_ns == self.mtime_ns or _xxh3(path) == self.xxh3
            ):
                return
        except OSError as error:
            raise ExportDamaged(f"{path} cannot be read ({error.strerror})") from None
        raise ExportDamaged(f"{path} is not what was written")


@dataclass(frozen=True, slots=True)
class Export:
    """A model's compiled networks, its tokenizer, and what its role needs to know.

    `details` are those of the role, plain data. `cosine` is the least one between this export and
    the library's own class over the images and texts of the check; `score_error` the most that a
    probability differed, where there are some.
    """

    folder: Path
    precision: Precision
    runtime: str
    files: Mapping[str, FileRecord]  # by name
    tokenizer: TokenizerSpec | None
    details: Mapping[str, Any]
    cosine: float = 1.0
    score_error: float = 0.0

    def write(self) -> None:
        """Write the manifest into the folder; raises OSError."""
        table = {
            "precision": self.precision,
            "runtime": self.runtime,
            "files": {name: asdict(record) for name, record in self.files.items()},
            "tokenizer": None if self.tokenizer is None else self.tokenizer.table(),
            "details": dict(self.details),
            "cosine": self.cosine,
            "score_error": self.score_error,
        }
        (self.folder / MANIFEST).write_text(json.dumps(table, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Export":
        """Read an export and check that its files are those written; raises ExportDamaged."""
        try:
            table = json.loads((folder / MANIFEST).read_bytes())
            tokenizer = table["tokenizer"]
            export = cls(
                folder,
                table["precision"],
                str(table["runtime"]),
                {name: FileRecord(**record) for name, record in table["files"].items()},
                None if tokenizer is None else TokenizerSpec(**tokenizer),
                dict(table["details"]),
                float(table["cosine"]),
                float(table["score_error"]),
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ExportDamaged(f"{folder / MANIFEST} cannot be read ({error})") from None
        for name, record in export.files.items():
            record.check(folder / name)
        return export

    def network(self, name: str, threads: int) -> CompiledNetwork:
        """Map one of the networks.

        Raises ExportDamaged where it is gone or the run-time refuses it; the export is then made
        anew when it is next asked for.
        """
        path = self.folder / (QUANTIZED[0] if self.precision == "int8" else f"{name}.blob")
        try:
            return CompiledNetwork(path, self.precision, threads)
        except (OSError, RuntimeError, ValueError) as error:
            if self.precision != "int8":  # a calibration cannot be made a second time
                with suppress(OSError):
                    (self.folder / MANIFEST).unlink(missing_ok=True)
            raise ExportDamaged(f"{path} cannot be run ({short_reason(error)})") from None

    def needed(self, name: str, threads: int) -> CompiledNetwork:
        """Map a network without which the model does nothing; raises ModelUnavailable."""
        try:
            return self.network(name, threads)
        except ExportDamaged as error:
            raise ModelUnavailable(
                f"what was prepared for this processor is damaged or gone ({error}): try again, "
                "and it is prepared anew"
            ) from None

    def text_tokenizer(self) -> TextTokenizer:
        """Return the tokenizer of a model that reads texts."""
        assert self.tokenizer is not None
        return TextTokenizer(self.folder, self.tokenizer)


def sync(folder: Path) -> None:
    """Bring every file of a folder to the disk; raises OSError."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDWR)  # Windows syncs nothing that is only read
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _xxh3(path: Path) -> str:
    hashed = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()
