"""A folder in the layout of the transformers library: which of its files are needed, and read.

A published folder holds the same weights in several forms, among them pickles; of those only
safetensors are touched.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from indexer.models.families import Family, family_of, tokenizer_folders
from indexer.models.files.image_processor import PREPROCESSOR, PROCESSOR
from indexer.models.files.safe_json import digest, files_of, pickles, read_object, refuse_code
from storage.errors import BrokenModel

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
SHARDS = "model.safetensors.index.json"  # names the files where the weights are in several
VOCABULARIES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
_WORDS = (*VOCABULARIES, "merges.txt", "chat_template.jinja")


def is_snapshot(folder: Path) -> bool:
    """Return whether a folder is laid out as the transformers library does."""
    return (folder / CONFIG).is_file()


def check(folder: Path) -> Family:
    """Return the family of a folder's configuration, without looking at its weights.

    Raises BrokenModel for one that is not supported, UnsafeWeights where code is asked for.
    """
    if not is_snapshot(folder):
        raise BrokenModel(f"{folder} has no {CONFIG}, which says what kind of model it is")
    refuse_code(path for path in _needed(folder) if path.suffix == ".json")
    return _family(folder)


def read(folder: Path, screened: Family | None = None) -> dict[str, Any]:
    """Return the configuration of a complete folder.

    `screened` is what `check` has returned for it, where it was asked just now. Raises BrokenModel
    or UnsafeWeights naming the folder and the file.
    """
    if screened is None:
        check(folder)
    missing = missing_file(folder)
    if missing:
        refusal = pickles(files_of(folder), WEIGHTS) if missing == WEIGHTS else None
        raise refusal or BrokenModel(f"{folder} has no {missing}; its model cannot be loaded")
    return read_object(folder / CONFIG)


def missing_file(folder: Path) -> str:
    """Return the file that a folder lacks to load its model; empty if it is complete."""
    if not is_snapshot(folder):
        return CONFIG
    missing = next((path.name for path in weights(folder) if not path.is_file()), "")
    if missing:
        return missing
    if not any((folder / name).is_file() for name in (PREPROCESSOR, PROCESSOR)):
        return PREPROCESSOR
    for place in (folder / name for name in _family(folder).tokenizers):
        if not any((place / name).is_file() for name in VOCABULARIES):
            return str((place / VOCABULARIES[0]).relative_to(folder))
    return ""


def _family(folder: Path) -> Family:
    return family_of(read_object(folder / CONFIG), str(folder / CONFIG))


def weights(folder: Path) -> list[Path]:
    """List the files that hold a folder's weights, there or not; raises BrokenModel."""
    index = folder / SHARDS
    if (folder / WEIGHTS).is_file() or not index.is_file():
        return [folder / WEIGHTS]
    table = read_object(index).get("weight_map")
    names = set(table.values()) if isinstance(table, dict) else set()
    if not names or not all(_is_shard(one) for one in names):
        raise BrokenModel(f"{index} does not name the files of the weights")
    return [folder / name for name in sorted(names)]


def _is_shard(name: object) -> bool:
    # A name with a folder in it would lead out of the checkpoint, one of another kind to a pickle.
    return isinstance(name, str) and Path(name).name == name and name.endswith(".safetensors")


def revision(folder: Path) -> str:
    """Hash every file of a folder that the model's answers depend on; raises BrokenModel."""
    return digest([*_needed(folder), *weights(folder)])


def needed_files(listed: Iterable[str]) -> list[str]:
    """Return the small files of a repository that a model needs, without the weights."""
    return sorted(name for name in listed if _is_needed(PurePosixPath(name)))


def _needed(folder: Path) -> list[Path]:
    below = [folder / name for name in sorted(tokenizer_folders()) if (folder / name).is_dir()]
    return [
        path
        for place in [folder, *below]
        for path in files_of(place)
        if _is_needed(PurePosixPath(path.relative_to(folder).as_posix()))
    ]


def _is_needed(path: PurePosixPath) -> bool:
    if path.parent.name not in ("", *tokenizer_folders()) or len(path.parts) > 2:
        return False
    return path.suffix == ".json" or path.name in _WORDS
