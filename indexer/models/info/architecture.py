"""The architecture of a model, as in the tables of the papers, without loading its weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from indexer.models.families import FAMILIES
from indexer.models.files import hub, layout
from indexer.models.files.checkpoint import CONFIG, HUB, OPEN_CLIP, PACKAGE, WEIGHTS, is_open_clip
from indexer.models.files.image_processor import read_spec
from indexer.models.files.open_clip_config import OpenClipConfig
from indexer.models.files.safe_json import read_object
from indexer.models.info import published
from indexer.models.info.parameters import count_parts
from indexer.models.protocols import ImageSpec
from indexer.models.registry import find
from indexer.models.zoo import ModelEntry
from storage.errors import BrokenModel, Hint

Row = tuple[str, str]  # what, and how much
_FENCE = "-" * 3  # above and below the head of a model card
_ABSENT = "its files are not on this machine: fetch them first"


@dataclass(frozen=True, slots=True)
class ArchitectureSection:
    """A part of the description: a title and its rows."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A model's description; `notice` says what is unknown, `hint` the next step."""

    name: str
    family: str  # the class that runs it, as its own library calls it
    sections: tuple[ArchitectureSection, ...]
    notice: str = ""
    hint: Hint | None = None


def describe_architecture(name: str) -> Architecture:
    """Describe a model from its configuration and the headers of its weights.

    Nothing is fetched: of a published model that is not on this machine, what is known without
    its files is told. Raises UnknownModel, and BrokenModel or UnsafeWeights for a folder that is
    no model. May import the library that the configuration is of, for what it leaves out.
    """
    entry = find(name)
    folder = _folder(entry)
    if entry.source.startswith(OPEN_CLIP):
        return _of_tag(entry)
    if folder is None:
        return _unseen(entry)
    if entry.source.startswith(HUB) or not is_open_clip(folder):
        return _of_transformers(entry, folder)
    return _of_open_clip(entry, read_object(folder / CONFIG), folder)


def _unseen(entry: ModelEntry) -> Architecture:
    """Describe a model of which no file is here."""
    family = next((one for one in FAMILIES.values() if one.loaders == entry.loaders), None)
    sections = [_model(entry)]
    config = published.configuration(entry.name)
    if family is not None and config is not None:
        from indexer.models.info.transformers_architecture import blueprint

        told = blueprint(config, family, {}, entry.name)
        sections += [ArchitectureSection(title, rows) for title, rows in told]
    sections += _counted([], entry.parameters)
    described = Architecture(entry.name, family.architecture if family else "", tuple(sections))
    if not entry.source:
        return replace(described, notice="it has no weights")
    if entry.source.startswith(PACKAGE):
        notice = "it is not part of this installation: install the program again"
        return replace(described, notice=notice)
    return replace(described, notice=_ABSENT, hint=Hint("pull", entry.name))


def _folder(entry: ModelEntry) -> Path | None:
    if entry.source.startswith(HUB):
        config = hub.cached(entry.repository, layout.CONFIG, entry.revision)
        return config.parent if config else None
    if not entry.source or entry.source.startswith(OPEN_CLIP):
        return None
    folder = Path(entry.source.removeprefix(PACKAGE))
    return folder if folder.is_dir() else None


def _of_transformers(entry: ModelEntry, folder: Path) -> Architecture:
    # Its configurations are filled in from the library's own classes, which takes seconds.
    from indexer.models.info.transformers_architecture import blueprint, token_names

    family = layout.check(folder)
    files = [path for path in layout.weights(folder) if path.is_file()]
    sections = [_model(entry, folder)]
    path = folder / layout.CONFIG
    told = blueprint(read_object(path), family, token_names(folder), str(path))
    sections += [ArchitectureSection(title, rows) for title, rows in told]
    sections += _seen(read_spec(folder)) if layout.missing_file(folder) == "" else ()
    sections += _counted(files, entry.parameters)
    missing = layout.missing_file(folder)
    described = Architecture(entry.name, family.architecture, tuple(sections))
    if not missing:
        return described
    if entry.source.startswith(HUB):
        notice = f"{missing} is not there: fetch it first"
        return replace(described, notice=notice, hint=Hint("pull", entry.name))
    return replace(described, notice=f"{missing} is not there; it cannot be loaded")


def _of_tag(entry: ModelEntry) -> Architecture:
    architecture = entry.source.removeprefix(OPEN_CLIP).partition("/")[0]
    spec = find_spec("open_clip")
    home = Path(spec.origin).parent if spec and spec.origin else Path()
    path = home / "model_configs" / f"{architecture}.json"
    if not path.is_file():
        raise BrokenModel(f"open_clip has no configuration of {architecture} at {path}")
    config = {"model_cfg": read_object(path)}
    cached = hub.cached(entry.repository, WEIGHTS, entry.revision) if entry.repository else None
    described = _of_open_clip(entry, config, cached.parent if cached else None)
    if cached:
        return described
    return replace(described, notice=_ABSENT, hint=Hint("pull", entry.name))


def _of_open_clip(
    entry: ModelEntry, config: Mapping[str, Any], folder: Path | None
) -> Architecture:
    from indexer.models.info.open_clip_architecture import towers

    network, where = config.get("model_cfg"), str(folder / CONFIG if folder else entry.name)
    if not isinstance(network, dict):
        raise BrokenModel(f"{where}: model_cfg is missing")
    sections = [_model(entry, folder)]
    sections += [ArchitectureSection(title, rows) for title, rows in towers(network, where)]
    if "preprocess_cfg" in config:
        sections += _seen(OpenClipConfig.parse(config, str(folder), folder).image_spec)
    sections += _counted([folder / WEIGHTS] if folder else [], entry.parameters)
    family = "CustomTextCLIP" if network.get("custom_text") else "CLIP"
    return Architecture(entry.name, f"open_clip {family}", tuple(sections))


def _model(entry: ModelEntry, folder: Path | None = None) -> ArchitectureSection:
    rows = [("roles", ", ".join(entry.roles))]
    rows += [("source", entry.source.removeprefix(PACKAGE) or "made by the program itself")]
    if entry.repository:
        rows.append(("repository", entry.repository))
    if entry.revision:
        rows.append(("revision", entry.revision))
    licence = entry.licence or (_stated(folder / "README.md") if folder else "")
    rows.append(("licence", licence or "not stated"))
    return ArchitectureSection("model", tuple(rows))


def _stated(card: Path) -> str:
    """Return the licence that a model card states in its head, if any."""
    try:
        lines = card.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    if lines[:1] != [_FENCE]:
        return ""
    head = lines[1 : lines.index(_FENCE, 1)] if _FENCE in lines[1:] else []
    stated = (line.partition(":")[2] for line in head if line.startswith(("license:", "licence:")))
    return next(stated, "").strip().strip("\"'")


def _seen(spec: ImageSpec) -> Iterator[ArchitectureSection]:
    how = {
        "shortest": "short side to size, middle cut out",
        "longest": "long side to size, filled up",
        "squash": "both sides to size",
    }
    rows = [
        ("size", f"{spec.size} × {spec.size} pixels"),
        ("resized", how[spec.resize] if not spec.crop else f"to {spec.crop}, middle cut out"),
        ("interpolation", spec.interpolation),
        ("mean", ", ".join(f"{value:.4g}" for value in spec.mean)),
        ("standard deviation", ", ".join(f"{value:.4g}" for value in spec.std)),
    ]
    yield ArchitectureSection("pictures", tuple(rows))


def _counted(files: list[Path], known: int) -> Iterator[ArchitectureSection]:
    """Count what the files hold, or say how many parameters the table knows of."""
    parts = count_parts(files) or ({"as published": known} if known else {})
    if not parts:
        return
    rows = [(part, millions(count)) for part, count in parts.items()]
    yield ArchitectureSection("parameters", (*rows, ("together", millions(sum(parts.values())))))


def millions(count: int) -> str:
    """Write a number of parameters as papers do: 151 M, 2.06 M, 7.06 B, 1."""
    if count >= 1e9:
        return f"{count / 1e9:.2f} B"
    if count >= 1e6:
        return f"{count / 1e6:.{0 if count >= 1e8 else 1 if count >= 1e7 else 2}f} M"
    return f"{count / 1e3:.1f} k" if count >= 1e4 else str(count)
