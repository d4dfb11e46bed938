"""The table of models: a name leads to a loader, a source and a revision.

A new model is a row here, a new family a loader class beside it. Nothing in this file loads
a network or its library; the loader's module is imported by name when a model is wanted.
"""

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol, cast

from indexer.models.checkpoint import Checkpoint, check_folder, locate
from indexer.models.protocols import DualEncoder
from storage.errors import UnknownModel
from storage.records import Space

OPEN_CLIP = "open_clip:"
_TAG = re.compile(r"^open_clip:([\w.-]+)/([\w.-]+)$")
_LOADER = "indexer.models.open_clip:OpenClipEncoder"
_SHIPPED = Path(__file__).parent / "mini" / "clip"
_NEXT_STEP = "`sightline models` lists what there is"

# open_clip's published tables (openclip_results, openclip_retrieval_results, model_profile):
# average of 38 datasets | COCO image R@1 | COCO text R@1 | image GFLOPs
#   ViT-B-32-256  datacomp_s34b_b86k     .6087 | .3993 | .5792 |  11.5
#   ViT-B-32      datacomp_xl_s13b_b90k  .5795 | .3714 | .5354 |   8.8
#   ViT-B-32      laion2b_s34b_b79k      .5694 | .3934 | .5632 |   8.8
#   ViT-B-32      openai                 .5245 | .3044 | .5012 |   8.8
#   EVA02-B-16    merged2b_s8b_b131k     .5890 | .4215 | .5874 |  35.1
#   ViT-B-16-SigLIP-256  webli           .6226 | .4834 | .6614 |  46.8
# Of all rows under 20 GFLOPs the first is best in every column but Flickr image R@1 (.649
# against .668), and on the average it beats EVA02-B/16 at a third of the cost, so that a
# laptop's CPU can index a collection. The next real step up costs four times as much.
RECOMMENDED = "clip-b32"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A row of the table: what a name means, and where its weights come from.

    `source` is "package:FOLDER", "open_clip:ARCH/TAG", an absolute directory, or empty for a
    model without weights. `repository` names the hub repository where it is known, so that a
    missing network is noticed before anything heavy is imported. `revision` pins its commit;
    empty takes the newest and records which that was.
    """

    name: str
    role: Literal["dual-encoder"]
    loader: str  # "module:Class"
    source: str
    revision: str
    note: str
    repository: str = ""


class Loader(Protocol):
    """What a loader class offers to the table."""

    def load(self, checkpoint: Checkpoint, device: str) -> DualEncoder:
        """Return a ready encoder of that checkpoint on that device."""


def _published(
    name: str, tag: str, repository: str, note: str, revision: str = ""
) -> tuple[str, ModelEntry]:
    entry = ModelEntry(name, "dual-encoder", _LOADER, OPEN_CLIP + tag, revision, note, repository)
    return name, entry


_TABLE: dict[str, ModelEntry] = {
    "mini": ModelEntry(
        "mini",
        "dual-encoder",
        _LOADER,
        f"package:{_SHIPPED}",
        "",
        "shipped, needs no download; knows drawn shapes only, on photos a stand-in",
    ),
    **dict(
        [
            _published(
                "clip-b32",
                "ViT-B-32-256/datacomp_s34b_b86k",
                "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
                "recommended: quick on a CPU, 605 MB",
                "4afec35ffe57a943d569ff7ee888061830164da8",
            ),
            _published(
                "clip-b32-laion",
                "ViT-B-32/laion2b_s34b_b79k",
                "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
                "the quickest of the larger-data CLIPs, 605 MB",
            ),
            _published(
                "clip-b32-openai",
                "ViT-B-32-quickgelu/openai",
                "timm/vit_base_patch32_clip_224.openai",
                "the original CLIP, for comparison with published figures, 605 MB",
            ),
            _published(
                "clip-b16",
                "EVA02-B-16/merged2b_s8b_b131k",
                "timm/eva02_base_patch16_clip_224.merged2b_s8b_b131k",
                "finer patches, 3 times the cost of clip-b32, 600 MB",
            ),
            _published(
                "clip-l14",
                "ViT-L-14/laion2b_s32b_b82k",
                "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
                "large, 14 times the cost of clip-b32: for a GPU, 1.7 GB",
            ),
            _published(
                "siglip-b16",
                "ViT-B-16-SigLIP-256/webli",
                "timm/ViT-B-16-SigLIP-256",
                "better retrieval than any CLIP of its size, 4 times clip-b32, 810 MB",
            ),
            _published(
                "siglip2-b32",
                "ViT-B-32-SigLIP2-256/webli",
                "timm/ViT-B-32-SigLIP2-256",
                "many languages at the cost of clip-b32, 1.5 GB",
            ),
            _published(
                "siglip2-b16",
                "ViT-B-16-SigLIP2-256/webli",
                "timm/ViT-B-16-SigLIP2-256",
                "many languages, 4 times the cost of clip-b32, 1.5 GB",
            ),
        ]
    ),
    "stand-in": ModelEntry(
        "stand-in",
        "dual-encoder",
        "indexer.models.stand_in:StandInEncoder",
        "",
        "",
        "for tests: no understanding",
    ),
}


def names(pattern: str = "*") -> list[ModelEntry]:
    """List the models whose name fits a pattern with wildcards.

    A pattern that begins with `open_clip:` lists the tags of that library that may have
    safetensors weights; that imports the library, which takes seconds.
    """
    if not pattern.startswith(OPEN_CLIP):
        return [entry for name, entry in _TABLE.items() if fnmatchcase(name, pattern)]
    pretrained = import_module("open_clip.pretrained")
    tags = [
        f"{OPEN_CLIP}{architecture}/{tag}"
        for architecture, tag in pretrained.list_pretrained()
        # Where the library names a file instead of a repository, it is a pickle.
        if pretrained.get_pretrained_cfg(architecture, tag).get("hf_hub", "").endswith("/")
    ]
    return [replace(_tag_entry(tag), name=tag) for tag in tags if fnmatchcase(tag, pattern)]


def find(name: str) -> ModelEntry:
    """Return what a name means: a row of the table, a tag of open_clip, or a directory.

    Raises UnknownModel with near names, and BrokenModel or UnsafeWeights for a directory that
    does not hold an open_clip model. Loads no network library.
    """
    if name in _TABLE:
        return _TABLE[name]
    if name.startswith("hf:"):
        raise UnknownModel(
            f"{name!r}: models of the transformers library (hf:ORG/NAME) come with a later "
            f"release; {_NEXT_STEP}"
        )
    if name.startswith(OPEN_CLIP):
        return _published_entry(name)
    if name.startswith((".", "~", "/")) or Path(name).is_absolute():
        return _folder_entry(name)
    raise UnknownModel(_unknown(name))


def canonical(name: str) -> str:
    """Return the one name that a library records for a model, or raise as `find` does.

    An alias becomes the tag it stands for, so that a library still finds its model when the
    alias moves on to a better one; a directory becomes absolute.
    """
    entry = find(name)
    return entry.source if entry.source.startswith(OPEN_CLIP) else entry.name


def is_mini(model: Space | str) -> bool:
    """Say whether a name or a space is the shipped `mini`."""
    return (model if isinstance(model, str) else model.name) == "mini"


def fetch(name: str, revision: str = "") -> Checkpoint:
    """Make sure that a model's files are on this machine, without importing what runs them.

    `revision` asks the hub for a commit of its own. Raises UnknownModel, ModelUnavailable and
    the other errors of files.
    """
    entry = find(name)
    pinned = revision or entry.revision
    return locate(canonical(name), entry.source, entry.repository, pinned, entry.name)


def load(name: str, *, device: str = "auto", revision: str = "") -> DualEncoder:
    """Load a model by name; `revision` asks the hub for the commit a library was made with.

    What can fail without the heavy libraries (names, missing files, no network) fails before
    they are imported. Raises UnknownModel and the errors under ModelError.
    """
    checkpoint = fetch(name, revision)
    entry = find(name)
    module, _, loader = entry.loader.partition(":")
    return cast(Loader, getattr(import_module(module), loader)).load(checkpoint, device)


def _published_entry(name: str) -> ModelEntry:
    match = _TAG.match(name)
    if not match:
        raise UnknownModel(f"{name!r} is not written open_clip:ARCH/TAG; {_NEXT_STEP}")
    known = _architectures()
    if known and match[1] not in known:
        near = get_close_matches(match[1], known, n=3)
        hint = f"; near names: {', '.join(near)}" if near else ""
        raise UnknownModel(
            f"open_clip has no architecture {match[1]!r}{hint}; "
            f"`sightline models 'open_clip:*'` lists its models"
        )
    return _tag_entry(name)


def _tag_entry(name: str) -> ModelEntry:
    for entry in _TABLE.values():
        if entry.source == name:
            return entry
    return ModelEntry(name, "dual-encoder", _LOADER, name, "", "published with open_clip")


def _folder_entry(name: str) -> ModelEntry:
    folder = Path(name).expanduser().absolute().resolve()
    if not folder.is_dir():
        raise UnknownModel(f"there is no model directory {folder}; {_NEXT_STEP}")
    check_folder(folder)
    return ModelEntry(str(folder), "dual-encoder", _LOADER, str(folder), "", "local directory")


def _unknown(name: str) -> str:
    if name and Path(name).is_dir():
        return f"there is no model {name!r}; for the directory of that name write ./{name}"
    near = get_close_matches(name, _TABLE, n=3, cutoff=0.5)
    hint = f"; near names: {', '.join(near)}" if near else ""
    return f"there is no model {name!r}{hint}; {_NEXT_STEP}"


def _architectures() -> list[str]:
    # The library's configurations are files: their names need no import of the library.
    spec = find_spec("open_clip")
    if spec is None or not spec.origin:
        return []
    return [path.stem for path in (Path(spec.origin).parent / "model_configs").glob("*.json")]
