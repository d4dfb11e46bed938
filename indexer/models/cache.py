"""The shelf: which models are on this machine, how large they are, and how others get here."""

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
    """Bring everything a model needs to this machine; what broke off is gone on with.

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
    """Return the bytes that a model's weights take on this machine; None where it is not here.

    Raises UnknownModel; a model that is here and broken counts as not here.
    """
    entry = find(name)
    try:
        return sum(path.stat().st_size for path in _weights(entry))
    except (LookupError, OSError, ModelError):
        return None


def memory_need(entry: ModelEntry, precision: memory.Precision = "fp32") -> int | None:
    """Return the bytes that running a model takes where matrix products run in that precision.

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
    """List the files of a model that the hub's cache keeps."""
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
