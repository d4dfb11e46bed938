"""Names become models: a row of the table, a tag of open_clip, a hub repository, a directory.

A new model is a row of the table, a new family a record of `families` and a file of `networks`.
Nothing in this file loads a network or its library; the loader's module is imported by name when a
model is wanted.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, cast, overload

from indexer.models.families import Family
from indexer.models.files import hub, layout
from indexer.models.files.checkpoint import (
    HUB,
    OPEN_CLIP,
    PACKAGE,
    Checkpoint,
    check_folder,
    from_folder,
    locate,
)
from indexer.models.protocols import (
    Answerer,
    Captioner,
    ChatModel,
    DualEncoder,
    PairScorer,
    Role,
    VisionLanguageModel,
)
from indexer.models.runtime.encoder_check import check_encoder
from indexer.models.runtime.process_state import process_state_kept
from indexer.models.zoo import OPEN_CLIP_LOADERS, PUBLISHED, SMALL, TABLE, ModelEntry
from storage.errors import BrokenModel, Hint, ModelUnavailable, UnknownModel, WrongRole
from storage.fork import fork_safe
from storage.paths import expand_home
from storage.records import Space

_TAG = re.compile(r"^open_clip:([\w.-]+)/([\w.-]+)$")
_REPOSITORY = re.compile(r"^hf:([\w-][\w.-]*/[\w-][\w.-]*)(?:@([\w-][\w./-]*))?$")


def names(pattern: str = "*", role: Role | None = None) -> list[ModelEntry]:
    """List the models whose name fits a pattern with wildcards, of one role or of all.

    A pattern that begins with `open_clip:` lists the tags of that library that may have
    safetensors weights; that imports the library, which takes seconds.
    """
    if pattern.startswith(OPEN_CLIP):
        found = _tags(pattern)
    else:
        found = [entry for name, entry in TABLE.items() if fnmatchcase(name, pattern)]
    return [entry for entry in found if role is None or role in entry.loaders]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The result of resolving a name, passed on so that it is not looked up again.

    An alias is `recorded` as the tag or repository it stands for, so that a library still finds
    its model when the alias moves on to a better one; a directory is recorded as absolute.
    `screened` is the family of a directory whose files were checked as it was found.
    """

    name: str  # as it was asked for
    entry: ModelEntry
    recorded: str
    screened: Family | None = None


Name = str | Resolved  # as a person writes it, or as `resolve` found it


def resolve(name: Name) -> Resolved:
    """Resolve a name to a row, a tag of open_clip, a hub repository, or a directory.

    Raises UnknownModel with near names, and BrokenModel or UnsafeWeights for what holds no
    model this program can run. Loads no network library; a repository outside the table is
    asked for its configuration, which raises ModelUnavailable where it is neither here nor
    within reach.
    """
    if isinstance(name, Resolved):
        return name
    if name in TABLE:
        entry = TABLE[name]
    elif name.startswith(HUB):
        entry = _hub_entry(name)
    elif name.startswith(OPEN_CLIP):
        entry = _published_entry(name)
    elif name.startswith((".", "~", "/")) or Path(name).is_absolute():
        return _folder(name)
    else:
        raise _unknown(name)
    is_published = entry.source.startswith((OPEN_CLIP, HUB))
    return Resolved(name, entry, entry.source if is_published else entry.name)


def find(name: Name) -> ModelEntry:
    """Return the row of a name, or one created for it; raises as `resolve` does."""
    return resolve(name).entry


def canonical(name: Name) -> str:
    """Return the one name that a library records for a model, or raise as `resolve` does."""
    return resolve(name).recorded


def is_mini(model: Space | str) -> bool:
    """Return whether a name or a space is of the shipped `mini` family."""
    row = TABLE.get(model if isinstance(model, str) else model.name)
    return row is not None and row.source.startswith(PACKAGE)


def default_for(role: Role, space: Space | str | None = None) -> str:
    """Return the default model of a role for a library: a mini if its space is one."""
    return (SMALL if space is not None and is_mini(space) else PUBLISHED)[role]


def fetch(name: Name, revision: str = "", role: Role | None = None) -> Checkpoint:
    """Download a model's files if necessary, without importing what runs them.

    `revision` asks the hub for a commit of its own. Raises UnknownModel, WrongRole for a model
    that is not of the `role` it is wanted for, ModelUnavailable and the other errors of files.
    """
    found = resolve(name)
    entry = found.entry
    role = role or entry.roles[0]
    require_role(found, role)
    pinned = revision or entry.revision
    with advised(entry, role):
        if found.screened is not None:
            return from_folder(found.recorded, Path(entry.source), found.screened)
        return locate(found.recorded, entry.source, entry.repository, pinned, entry.name)


def require_role(name: Name, role: Role) -> None:
    """Raise WrongRole for a model that cannot do what is asked of it, or as `resolve` does."""
    found = resolve(name)
    if role not in found.entry.loaders:
        raise WrongRole(
            f"the model {found.name} is no {role}: it can be {_listed(found.entry.roles)}; "
            f"choose one that is, such as {PUBLISHED[role]}",
            parameter="model",
            value=found.name,
            hint=Hint("list models of role", role),
        )


def load(name: Name, *, device: str = "auto", revision: str = "") -> DualEncoder:
    """Load a dual encoder by name; `revision` asks for the commit a library was made with.

    What can fail without the heavy libraries (names, roles, missing files, no network) fails
    before they are imported. Raises UnknownModel, WrongRole and the errors under ModelError.
    """
    return cast(DualEncoder, _loaded(name, "dual-encoder", device, revision))


@overload
def load_reader(
    name: Name, role: Literal["pair-scorer"], *, device: str = "auto", revision: str = ""
) -> PairScorer: ...
@overload
def load_reader(
    name: Name, role: Literal["captioner"], *, device: str = "auto", revision: str = ""
) -> Captioner: ...
@overload
def load_reader(
    name: Name, role: Literal["answerer"], *, device: str = "auto", revision: str = ""
) -> Answerer: ...
@overload
def load_reader(
    name: Name, role: Literal["dialogue"], *, device: str = "auto", revision: str = ""
) -> ChatModel: ...
def load_reader(
    name: Name, role: Role, *, device: str = "auto", revision: str = ""
) -> VisionLanguageModel:
    """Load a model that looks at images a second time, for one role; raises as `load` does."""
    return cast(VisionLanguageModel, _loaded(name, role, device, revision))


def _loaded(name: Name, role: Role, device: str, revision: str) -> Any:
    found = resolve(name)
    entry, checkpoint = found.entry, fetch(found, revision, role)
    with advised(entry, role):
        loaded = _built(entry.loaders[role], checkpoint, device)
        if role == "dual-encoder":
            check_encoder(loaded, checkpoint.label)
        return loaded


@fork_safe
def _built(loader: str, checkpoint: Checkpoint, device: str) -> Any:
    module, _, name = loader.partition(":")
    with process_state_kept():
        return getattr(import_module(module), name).load(checkpoint, device)


def pinned(checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint with its weights on this machine and its revision known.

    For a published tag outside the table that imports the library that knows where it is kept.
    """
    if not checkpoint.tag or checkpoint.weights is not None:
        return checkpoint
    pinned_tag = import_module("indexer.models.networks.open_clip").published
    with process_state_kept():
        found: Checkpoint = pinned_tag(checkpoint)[1]
    return found


@contextmanager
def advised(entry: ModelEntry, role: Role) -> Iterator[None]:
    """Add to an error of a model's files what mends it, or does without them."""
    try:
        yield
    except (ModelUnavailable, BrokenModel) as error:
        if not entry.source.startswith((HUB, OPEN_CLIP)):
            raise
        if isinstance(error, ModelUnavailable):
            small = default_for(role, "mini")
            raise error.wrapped(after=f"; the model {small} needs no download") from None
        after, hint = "; fetch again what is damaged", Hint("pull", entry.name)
        raise error.wrapped(after=after, hint=hint) from None


def _listed(roles: tuple[Role, ...]) -> str:
    return " or ".join(roles) if roles else "nothing that this program does"


def _hub_entry(name: str) -> ModelEntry:
    for entry in TABLE.values():
        if entry.source == name:
            return entry
    match = _REPOSITORY.match(name)
    if not match or ".." in name:
        message = f"{name!r} is not written hf:ORG/NAME, or hf:ORG/NAME@REVISION"
        raise UnknownModel(message, parameter="model", value=name, hint=Hint("list models"))
    repository, revision = match[1], match[2] or ""
    try:
        config, _ = hub.fetch(name, repository, layout.CONFIG, revision)
    except hub.NotOffered:
        raise BrokenModel(f"the repository {repository} has no {layout.CONFIG}") from None
    loaders = layout.check(config.parent).loaders
    return ModelEntry(name, loaders, name, revision, "a repository of the hub", repository)


def _tags(pattern: str) -> list[ModelEntry]:
    pretrained = import_module("open_clip.pretrained")
    tags = [
        f"{OPEN_CLIP}{architecture}/{tag}"
        for architecture, tag in pretrained.list_pretrained()
        # Where the library names a file instead of a repository, it is a pickle.
        if pretrained.get_pretrained_cfg(architecture, tag).get("hf_hub", "").endswith("/")
    ]
    return [replace(_tag_entry(tag), name=tag) for tag in tags if fnmatchcase(tag, pattern)]


def _published_entry(name: str) -> ModelEntry:
    match = _TAG.match(name)
    if not match:
        message = f"{name!r} is not written open_clip:ARCH/TAG"
        raise UnknownModel(message, parameter="model", value=name, hint=Hint("list tags"))
    known = _architectures()
    if known and match[1] not in known:
        near = get_close_matches(match[1], known, n=3)
        others = f"; near names: {', '.join(near)}" if near else ""
        message = f"open_clip has no architecture {match[1]!r}{others}"
        raise UnknownModel(message, parameter="model", value=name, hint=Hint("list tags"))
    return _tag_entry(name)


def _tag_entry(name: str) -> ModelEntry:
    for entry in TABLE.values():
        if entry.source == name:
            return entry
    return ModelEntry(name, OPEN_CLIP_LOADERS, name, "", "published with open_clip")


def _folder(name: str) -> Resolved:
    folder = expand_home(name).absolute().resolve()
    if not folder.is_dir():
        message = f"there is no model directory {folder}"
        raise UnknownModel(message, parameter="model", value=name, hint=Hint("list models"))
    family = check_folder(folder)
    loaders: Mapping[Role, str] = family.loaders if family else OPEN_CLIP_LOADERS
    entry = ModelEntry(str(folder), loaders, str(folder), "", "local directory")
    return Resolved(name, entry, entry.name, family)


def _unknown(name: str) -> UnknownModel:
    message = f"there is no model {name!r}"
    if name and Path(name).is_dir():
        message += f"; for the directory of that name write ./{name}"
        return UnknownModel(message, parameter="model", value=name)
    near = get_close_matches(name, TABLE, n=3, cutoff=0.5)
    message += f"; near names: {', '.join(near)}" if near else "; choose one of the list"
    return UnknownModel(message, parameter="model", value=name, hint=Hint("list models"))


def _architectures() -> list[str]:
    # The library's configurations are files: their names need no import of the library.
    spec = find_spec("open_clip")
    if spec is None or not spec.origin:
        return []
    return [path.stem for path in (Path(spec.origin).parent / "model_configs").glob("*.json")]
