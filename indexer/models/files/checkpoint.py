"""A checkpoint: the files of one model, found and pinned before any network library loads."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from indexer.models.families import Family
from indexer.models.files import hub, layout
from indexer.models.files.download import ProgressCallback, download
from indexer.models.files.open_clip_config import OpenClipConfig
from indexer.models.files.safe_json import digest, files_of, pickles, read_object, refuse_code
from storage.errors import BrokenModel, Hint, ModelUnavailable, UnsafeWeights

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"
OPEN_CLIP = "open_clip:"
HUB = "hf:"
PACKAGE = "package:"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The location and exact revision of one model.

    A folder of open_clip brings its configuration as `open_clip`, one of transformers as `config`;
    a published `tag` takes it from open_clip, and its `weights` are None until the tag's
    repository is known. A model without weights has none of these.
    """

    name: str  # what the library records
    revision: str  # a hub commit, or the hash of the local files; for a tag, the wanted one
    weights: Path | None = None
    folder: Path | None = None
    open_clip: OpenClipConfig | None = None
    tag: str = ""  # "ARCH/TAG"
    alias: str = ""
    config: Mapping[str, Any] | None = None

    @property
    def label(self) -> str:
        """Return the name for a message, with the alias that the user may have typed."""
        return f"{self.alias} ({self.name})" if self.alias not in ("", self.name) else self.name

    def weight_files(self) -> list[Path]:
        """List the files of the weights that are on this machine, as far as is known yet."""
        if self.weights is not None:
            return [self.weights]
        if self.config is None or self.folder is None:
            return []
        return layout.weights(self.folder)


def locate(
    name: str, source: str, repository: str = "", revision: str = "", alias: str = ""
) -> Checkpoint:
    """Find the files of a source.

    Raises BrokenModel, UnsafeWeights or ModelUnavailable, each before torch is imported.
    """
    if source.startswith(OPEN_CLIP):
        tag = source.removeprefix(OPEN_CLIP)
        pending = Checkpoint(name, revision, tag=tag, alias=alias)
        return fetched(pending, repository) if repository else pending
    if source.startswith(HUB):
        return replace(from_hub(name, repository, revision, alias), alias=alias)
    if not source:
        return Checkpoint(name, revision)
    folder = Path(source.removeprefix(PACKAGE))
    if source.startswith(PACKAGE) and not folder.is_dir():
        raise ModelUnavailable(
            f"the model {name} is not part of this installation: install it again, or "
            "name another model",
            hint=Hint("list models"),
        )
    return from_folder(name, folder)


def fetched(pending: Checkpoint, repository: str, file: str = WEIGHTS) -> Checkpoint:
    """Return the checkpoint of a published tag with its weights on this machine."""
    try:
        weights, commit = hub.fetch(pending.label, repository, file, pending.revision)
    except hub.NotOffered:
        raise pickled(pending.label) from None
    return replace(pending, revision=commit, weights=weights)


def from_hub(
    name: str,
    repository: str,
    revision: str = "",
    alias: str = "",
    watch: ProgressCallback | None = None,
) -> Checkpoint:
    """Return a checkpoint of the hub with every file it needs on this machine.

    Raises ModelUnavailable, and BrokenModel or UnsafeWeights before any weights are fetched.
    """
    label = Checkpoint(name, revision, alias=alias).label
    folder = download(label, repository, revision, watch)
    return Checkpoint(name, folder.name, folder=folder, config=layout.read(folder))


def pickled(name: str) -> UnsafeWeights:
    """Return the refusal of a model that has no safetensors weights."""
    return UnsafeWeights(
        f"the model {name} offers only pickled weights, which can run code when read; "
        "choose one of clip-b32, clip-b32-laion, siglip2-b16",
        hint=Hint("list models"),
    )


def from_folder(name: str, folder: Path, screened: Family | None = None) -> Checkpoint:
    """Read the folder of a model: its configuration and the hash of its files.

    `screened` is what `check_folder` has returned for it, where it was asked just now.
    """
    family = screened or check_folder(folder)
    if family:
        config = layout.read(folder, family)
        return Checkpoint(name, layout.revision(folder), folder=folder, config=config)
    refuse_code(sorted(folder.glob("*.json")))
    parsed = OpenClipConfig.parse(read_object(folder / CONFIG), str(folder / CONFIG), folder)
    parts = [folder / CONFIG, folder / WEIGHTS]
    parts += [parsed.bpe] if parsed.bpe else []
    parts += sorted(folder.glob("tokenizer*.json")) if parsed.tokenizer else []
    return Checkpoint(name, digest(parts), folder / WEIGHTS, folder, parsed)


def is_open_clip(folder: Path) -> bool:
    """Return whether a folder is loaded by open_clip, and not by the transformers library.

    Some repositories hold both layouts. The one whose weights are there counts, and where both
    have them open_clip's: the other was converted from it, and libraries made by earlier versions
    hold vectors of it.
    """
    if not layout.is_snapshot(folder):
        return True
    if not (folder / CONFIG).is_file():
        return False
    if (folder / WEIGHTS).is_file():
        return True
    return not all(path.is_file() for path in layout.weights(folder))


def check_folder(folder: Path) -> Family | None:
    """Return the family of a transformers folder, or None for one of open_clip.

    Raises BrokenModel or UnsafeWeights where the folder holds neither.
    """
    files = files_of(folder)
    present = {path.name for path in files}
    if not is_open_clip(folder):
        return layout.check(folder)
    if WEIGHTS not in present:
        refusal = pickles(files, WEIGHTS)
        raise refusal or BrokenModel(
            f"{folder} has no {WEIGHTS}; a model directory needs it and {CONFIG}, or "
            f"{layout.CONFIG} and {layout.WEIGHTS}"
        )
    if CONFIG not in present:
        raise BrokenModel(f"{folder} has no {CONFIG}; a model directory needs it and {WEIGHTS}")
    return None
