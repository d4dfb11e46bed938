"""A model's folder: JSON read, code refused, files hashed; nothing of any network library."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from storage.errors import BrokenModel, UnsafeWeights

PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
REVISION_LENGTH = 16  # hexadecimal digits: 64 bits
_CODE_KEYS = {"trust_remote_code", "auto_map"}


def files_of(folder: Path) -> list[Path]:
    """List the files of a folder; raises BrokenModel where it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        reason = error.strerror or "it is not a directory"
        raise BrokenModel(f"the model directory {folder} cannot be read: {reason}") from None


def read_json(path: Path) -> Any:
    """Read a JSON file; raises BrokenModel naming it."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise BrokenModel(f"{path} cannot be read as JSON: {reason}") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that contains an object; raises BrokenModel naming it."""
    table = read_json(path)
    if not isinstance(table, dict):
        raise BrokenModel(f"{path} does not hold a JSON object")
    return table


def refuse_code(paths: Iterable[Path]) -> None:
    """Raise UnsafeWeights where a configuration asks for code of its own to be run."""
    for path in paths:
        waiting = [read_json(path)]
        while waiting:
            value = waiting.pop()
            if isinstance(value, list):
                waiting.extend(value)
            if not isinstance(value, dict):
                continue
            for key in sorted(_CODE_KEYS.intersection(value)):
                if value[key]:
                    raise UnsafeWeights(
                        f"{path} asks for code of its own to be run ({key}); it is refused"
                    )
            waiting.extend(value.values())


def pickles(paths: Iterable[Path], needed: str) -> UnsafeWeights | None:
    """Return the refusal of a folder whose weights are pickles, where they are."""
    found = sorted(path.name for path in paths if path.suffix in PICKLES)
    if not found:
        return None
    folder = next(path.parent for path in paths if path.name == found[0])
    return UnsafeWeights(
        f"{folder} offers only pickled weights ({', '.join(found[:3])}), which can run "
        f"code when read; convert them to {needed}"
    )


def digest(paths: Iterable[Path]) -> str:
    """Hash whole files into a revision; two models of one shape differ nowhere else.

    600 MB take 0.4 s, little beside the import of torch. Raises BrokenModel naming the file.
    """
    together = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                together.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise BrokenModel(f"{path} cannot be read: {error.strerror}") from None
    return together.hexdigest()[:REVISION_LENGTH]
