"""rclip, the program that is compared with, in an environment of its own.

https://github.com/yurijmikhalevich/rclip. It finds its models and its database in the folder that
RCLIP_DATADIR names; ours holds the weights of a tower of random weights, exported as it publishes
its own, so that both programs compute the same.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip  # type: ignore[import-untyped]

from benchmarks.process_tree import Command, run
from storage.records import Matrix

VERSION = "3.3.0"
ARCHITECTURE = "ViT-B-32-256"  # of the only model it has
_MODELS = "ViT-B-32-256-datacomp_s34b_b86k"
_MERGES = "bpe_simple_vocab_16e6.txt.gz"
_DATABASE = "db.sqlite3"
_VERSIONS = """
import platform
from importlib.metadata import version
names = ("rclip", "onnxruntime", "numpy", "pillow")
print(*("python=" + platform.python_version(), *(f"{name}={version(name)}" for name in names)))
"""


@dataclass(frozen=True, slots=True)
class Rclip:
    """An installed rclip with the weights of one checkpoint."""

    python: Path
    models: Path

    @classmethod
    def prepare(cls, work: Path, checkpoint: Path) -> "Rclip":
        """Install it and export the checkpoint into a work folder, unless it was done before."""
        environment, models = work / f"rclip-{VERSION}", work / "rclip-models"
        if not (environment / "bin" / "rclip").exists():
            _install(environment)
        if not models.exists():
            _export(checkpoint, models)
        return cls(environment / "bin" / "python", models)

    def versions(self) -> dict[str, str]:
        """Return the versions of what it runs on."""
        printed, _ = run(Command((str(self.python), "-c", _VERSIONS)))
        return dict(each.split("=") for each in printed.split())

    def index(self, data: Path, photos: Path, image: Path) -> Command:
        """Return the command that brings its database of a folder up to date.

        It indexes before it searches, and has to search for something: a small image costs it
        least, as it has loaded the image tower by then.
        """
        return self._command(data, photos, str(image))

    def search(self, data: Path, photos: Path, query: str) -> Command:
        """Return the command that only searches, by words or by the path of an image."""
        return self._command(data, photos, "--no-indexing", query)

    def library(self, data: Path) -> Path:
        """Make a data folder with the models and without a database."""
        data.mkdir(parents=True)
        for model in self.models.iterdir():
            (data / model.name).symlink_to(model)
        return data

    def enter(self, data: Path, photos: Path, paths: Sequence[str], matrix: Matrix) -> None:
        """Write vectors into its database as its own indexing does, in a schema it made itself."""
        if not (data / _DATABASE).exists():
            run(self.search(data, photos, "nothing yet"))
        rows = (
            (path, 0.0, number, vector.tobytes(), f"{number:064x}")
            for number, (path, vector) in enumerate(zip(paths, matrix, strict=True))
        )
        with sqlite3.connect(data / _DATABASE) as connection:
            connection.executemany(
                "INSERT INTO images(filepath, modified_at, size, vector, hash)"
                " VALUES (?, ?, ?, ?, ?)",
                rows,
            )
        connection.close()

    def _command(self, data: Path, photos: Path, *words: str) -> Command:
        program = self.python.with_name("rclip")
        return Command((str(program), *words), photos, {"RCLIP_DATADIR": str(data)})


def stored_vectors(data: Path, files: Iterable[Path]) -> Matrix:
    """Read the vectors of files from its database, (n, dim) float32."""
    connection = sqlite3.connect(data / _DATABASE)
    found = dict(connection.execute("SELECT filepath, vector FROM images WHERE deleted IS NULL"))
    connection.close()
    return np.stack([np.frombuffer(found[str(file)], np.float32) for file in files])


def _install(environment: Path) -> None:
    _uv("venv", "--clear", "--python", sys.executable, str(environment))
    wanted = ("--compile-bytecode", f"rclip=={VERSION}")
    _uv("pip", "install", "--python", str(environment / "bin" / "python"), *wanted)


def _export(checkpoint: Path, models: Path) -> None:
    draft = models.with_name(f"{models.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    towers, tokenizer = draft / _MODELS, draft / "tokenizer"
    towers.mkdir(parents=True)
    tokenizer.mkdir()
    module = "benchmarks.peers.onnx_export"
    _uv("run", "--with", "onnx", "python", "-m", module, str(checkpoint), str(towers))
    shutil.copy(Path(open_clip.__file__).with_name(_MERGES), tokenizer)
    draft.rename(models)


def _uv(*words: str) -> None:
    program = os.environ.get("UV") or shutil.which("uv")
    if program is None:
        raise SystemExit("uv, which sets up the compared program, is not on the path: install it")
    subprocess.run([program, *words], check=True, cwd=Path(__file__).parents[2])
