"""A checkpoint: the files of one model, found and pinned before any network library loads."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from indexer.models import hub
from indexer.models.recipe import Recipe
from storage.errors import BrokenModel, UnsafeWeights

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"
REVISION_LENGTH = 16  # hexadecimal digits: 64 bits
_PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
_CODE_KEYS = {"trust_remote_code", "auto_map"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where one model lies and which one exactly it is.

    A folder brings its `recipe`; a published `tag` takes it from open_clip, and its `weights`
    are None until the tag's repository is known. A model without weights has neither.
    """

    name: str  # what the library records
    revision: str  # a hub commit, or the hash of the local files; for a tag, the wanted one
    weights: Path | None = None
    folder: Path | None = None
    recipe: Recipe | None = None
    tag: str = ""  # "ARCH/TAG"
    alias: str = ""

    @property
    def label(self) -> str:
        """Return the name for a message, with the alias that a person may have typed."""
        return f"{self.alias} ({self.name})" if self.alias not in ("", self.name) else self.name


def locate(
    name: str, source: str, repository: str = "", revision: str = "", alias: str = ""
) -> Checkpoint:
    """Find the files that a source stands for.

    Raises BrokenModel, UnsafeWeights or ModelUnavailable, each before torch is imported.
    """
    if source.startswith("open_clip:"):
        tag = source.removeprefix("open_clip:")
        pending = Checkpoint(name, revision, tag=tag, alias=alias)
        return fetched(pending, repository) if repository else pending
    if not source:
        return Checkpoint(name, revision)
    return from_folder(name, Path(source.removeprefix("package:")))


def fetched(pending: Checkpoint, repository: str, file: str = WEIGHTS) -> Checkpoint:
    """Return the checkpoint of a published tag with its weights on this machine."""
    try:
        weights, commit = hub.fetch(pending.label, repository, file, pending.revision)
    except hub.NotOffered:
        raise pickled(pending.label) from None
    return replace(pending, revision=commit, weights=weights)


def pickled(name: str) -> UnsafeWeights:
    """Return the refusal of a model that has no safetensors weights."""
    return UnsafeWeights(
        f"the model {name} offers only pickled weights, which can run code when read; "
        f"choose one of clip-b32, clip-b32-laion, siglip2-b16 (`sightline models`)"
    )


def from_folder(name: str, folder: Path) -> Checkpoint:
    """Read a folder that holds an open_clip model: its configuration and its revision.

    The revision hashes the whole weights: two models of one shape differ nowhere else, and
    600 MB take 0.4 s, little beside the import of torch.
    """
    check_folder(folder)
    config = _read_json(folder / CONFIG)
    if not isinstance(config, dict):
        raise BrokenModel(f"{folder / CONFIG} does not hold a JSON object")
    for path in sorted(folder.glob("*.json")):
        _refuse_code(_read_json(path), path)
    recipe = Recipe.parse(config, str(folder / CONFIG), folder)
    parts = [folder / CONFIG, folder / WEIGHTS]
    parts += [recipe.bpe] if recipe.bpe else []
    parts += sorted(folder.glob("tokenizer*.json")) if recipe.tokenizer else []
    digest = hashlib.sha256()
    for path in parts:
        digest.update(_hash(path))
    revision = digest.hexdigest()[:REVISION_LENGTH]
    return Checkpoint(name, revision, folder / WEIGHTS, folder, recipe)


def _hash(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise BrokenModel(f"{path} cannot be read: {error.strerror}") from None


def check_folder(folder: Path) -> None:
    """Raise BrokenModel or UnsafeWeights unless the folder has the two files of a model."""
    try:
        files = [path for path in folder.iterdir() if path.is_file()]
    except OSError as error:
        reason = error.strerror or "it is not a directory"
        raise BrokenModel(f"the model directory {folder} cannot be read: {reason}") from None
    present = {path.name for path in files}
    if WEIGHTS not in present:
        pickles = sorted(path.name for path in files if path.suffix in _PICKLES)
        if pickles:
            raise UnsafeWeights(
                f"{folder} offers only pickled weights ({', '.join(pickles[:3])}), which can run "
                f"code when read; convert them to {WEIGHTS}"
            )
        raise BrokenModel(f"{folder} has no {WEIGHTS}; a model directory needs it and {CONFIG}")
    if CONFIG not in present:
        raise BrokenModel(f"{folder} has no {CONFIG}; a model directory needs it and {WEIGHTS}")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise BrokenModel(f"{path} cannot be read as JSON: {reason}") from None


def _refuse_code(tree: Any, path: Path) -> None:
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key in _CODE_KEYS.intersection(value):
                if value[key]:
                    raise UnsafeWeights(
                        f"{path} asks for code of its own to be run ({key}); it is refused"
                    )
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
