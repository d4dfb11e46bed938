"""The cache of models on this machine: which are there, their size, and downloading others."""

from dataclasses import replace
from pathlib import Path

from indexer.models.files import hub, layout
from indexer.models.files.checkpoint import (
    HUB,
    OPEN_CLIP,
    PACKAGE,
    WEIGHTS,
    Checkpoint,
    from_hub,
    is_open_clip,
)
from indexer.models.files.download import ProgressCallback, complete_folder
from indexer.models.registry import fetch, find, resolve
from indexer.models.runtime import memory
from indexer.models.zoo import ModelEntry
from storage.errors import ModelError


def pull(name: str, progress: ProgressCallback | None = None) -> Checkpoint:
    """Download all files of a model; an interrupted download is continued.

    What is here is compared with the hub's hashes, and fetched again where it is damaged.
    `progress` is told how far the weights of a hub repository have come. Raises as `fetch`
    does, and BrokenModel for weights whose file is cut short.
    """
    resolved = resolve(name)
    entry = resolved.entry
    for path in _kept(entry):
        hub.discard_damaged(path)
    if entry.source.startswith(HUB):
        found = from_hub(resolved.recorded, entry.repository, entry.revision, entry.name, progress)
        found = replace(found, alias=entry.name)
    else:
        found = fetch(resolved)
    memory.parameters(found)  # reads every header and measures every file
    return found


def cached(name: str) -> int | None:
    """Return the size of a model's weights on this machine in bytes; None if they are missing.

    Raises UnknownModel; a model that is here and broken counts as not here.
    """
    entry = find(name)
    try:
        return sum(path.stat().st_size for path in _weights(entry))
    except (LookupError, OSError, ModelError):
        return None


def memory_need(entry: ModelEntry, precision: memory.Precision = "fp32") -> int | None:
    """Return the bytes of memory that running a model takes in a precision of matrix products.

    Read off its weights where they are here, else off the table; None where neither says how
    large it is.
    """
    try:
        count = sum(memory.count(path) for path in _weights(entry))
    except (LookupError, OSError, ModelError):
        count = entry.parameters
        if not count:
            return None
    exact = entry.roles[0] == "dual-encoder"
    return memory.bytes_for(count, memory.weight_dtype(count, precision, exact=exact))


def _kept(entry: ModelEntry) -> list[Path]:
    """Return the files of a model in the hub's cache."""
    first = {HUB: layout.CONFIG, OPEN_CLIP: WEIGHTS}
    for prefix, file in first.items():
        if entry.source.startswith(prefix) and entry.repository:
            here = hub.cached(entry.repository, file, entry.revision)
            return [path for path in here.parent.rglob("*") if path.is_file()] if here else []
    return []


def _weights(entry: ModelEntry) -> list[Path]:
    """List the files of a model's weights; raises LookupError where they are not here."""
    if entry.source.startswith(OPEN_CLIP):
        here = hub.cached(entry.repository, WEIGHTS, entry.revision) if entry.repository else None
        if here is None:
            raise LookupError(entry.name)
        return [here]
    if entry.source.startswith(HUB):
        folder = complete_folder(entry.repository, entry.revision)
        if folder is None:
            raise LookupError(entry.name)
        return layout.weights(folder)
    if not entry.source:
        return []
    folder = Path(entry.source.removeprefix(PACKAGE))
    return [folder / WEIGHTS] if is_open_clip(folder) else layout.weights(folder)
