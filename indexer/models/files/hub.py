"""The model hub: files by repository and commit, from the local cache or over the network."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.models.runtime.logs import muted
from storage.errors import ModelUnavailable

WAIT = 5.0  # seconds for the hub's first answer; the local cache is asked before
Arrived = Callable[[int], None]  # takes the bytes that came since it was last told


class NotOffered(Exception):
    """The repository is there and does not hold that file."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository at one commit, with their sizes in bytes."""

    commit: str
    sizes: Mapping[str, int]


def fetch(model: str, repository: str, file: str, revision: str = "") -> tuple[Path, str]:
    """Return a file of a hub repository and the commit it is from.

    What is cached is used without asking the network. `model` is only named in errors. Raises
    NotOffered for a file the repository lacks, and ModelUnavailable in every other case.
    """
    path = cached(repository, file, revision)
    if path is None:
        path = download(model, repository, file, _commit(model, repository, file, revision))
        remember(repository, revision, path.parent.name)
    return path, path.parent.name


def cached(repository: str, file: str, revision: str = "") -> Path | None:
    """Return the cached file of that revision (of the newest one seen, when empty), if any."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, file, revision=revision or None)
    if isinstance(found, str):
        return Path(found)
    return None if revision else _newest(repository, file)


def discard_damaged(path: Path) -> None:
    """Remove a cached file whose bytes are not those that the hub named it by, if it is one."""
    if is_damaged(path):
        blob = path.resolve()
        path.unlink()
        blob.unlink(missing_ok=True)


def is_damaged(path: Path) -> bool:
    """Return whether a cached file's bytes are not those that the hub named it by.

    The cache names what it keeps by SHA-256, small files by the hash that git gives them; of a
    file that has no such name nothing is known.
    """
    blob = path.resolve()
    if len(blob.name) == 64:
        known = hashlib.sha256()
    elif len(blob.name) == 40:
        known = hashlib.sha1(f"blob {blob.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        return False
    with blob.open("rb") as file:
        hashlib.file_digest(file, lambda: known)
    return known.hexdigest() != blob.name


def listing(model: str, repository: str, revision: str = "") -> Listing:
    """Fetch the list of a repository's files from the hub; raises ModelUnavailable."""
    from huggingface_hub import HfApi

    with _translated(model, repository, "could not be reached"):
        found = HfApi().model_info(
            repository, revision=revision or None, timeout=WAIT, files_metadata=True
        )
    if not found.sha or not found.siblings:
        raise _unavailable(model, f"the hub's answer about {repository} is incomplete")
    return Listing(found.sha, {one.rfilename: one.size or 0 for one in found.siblings})


def download(
    model: str, repository: str, file: str, commit: str, arrived: Arrived | None = None
) -> Path:
    """Fetch one file of one commit, going on where an earlier attempt broke off.

    Raises NotOffered and ModelUnavailable as `fetch` does; what has arrived is kept.
    """
    from huggingface_hub import hf_hub_download

    options: dict[str, Any] = {"tqdm_class": _meter(arrived)} if arrived else {}
    with _translated(model, repository, "broke off the download"):
        return Path(hf_hub_download(repository, file, revision=commit or None, **options))


def remember(repository: str, revision: str, commit: str) -> None:
    """Record in the cache the commit of a ref, as the hub's library does for its downloads.

    Files are fetched by their commit: without the note a ref would be asked of the hub each time.
    """
    if revision in ("", commit):
        return
    note = _cache(repository) / "refs" / revision
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(commit)


def _commit(model: str, repository: str, file: str, revision: str) -> str:
    # The library retries a dead network for 23 seconds, with warnings: one short question
    # first, which also tells the commit.
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    with _translated(model, repository, "could not be reached"):
        address = hf_hub_url(repository, file, revision=revision or None)
        return get_hf_file_metadata(address, timeout=WAIT).commit_hash or revision


def _newest(repository: str, file: str) -> Path | None:
    """Find a file that was fetched by its commit, of which the cache keeps no newest."""
    snapshots = _cache(repository) / "snapshots"
    found = [path for path in snapshots.glob(f"*/{file}") if path.is_file()]
    return max(found, key=lambda path: path.lstat().st_mtime, default=None)


def _cache(repository: str) -> Path:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=repository, repo_type="model"))


@contextmanager
def _translated(model: str, repository: str, failing: str) -> Iterator[None]:
    """Translate all errors of the hub's library into those of `storage.errors`, in one line."""
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        with muted("huggingface_hub"):
            yield
        return
    except LocalEntryNotFoundError:
        reason = "the hub could not be reached"
    except EntryNotFoundError as error:
        raise NotOffered(str(error).partition("\n")[0]) from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        reason = f"the hub answered {status} for {repository}"
    except Exception as error:
        # The library's transports raise each their own kind for a network that is not there.
        reason = f"the hub {failing} ({type(error).__name__})"
    raise _unavailable(model, reason)


def _unavailable(name: str, reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"the model {name} is not on this machine and {reason}; try again online (what has "
        "arrived is kept), or give {model} the directory of a copy",
        parameter="model",
        value=name,
    )


def _meter(arrived: Arrived) -> type[Any]:
    """Return a class with the interface of a progress bar that only counts."""

    class Meter:
        def __init__(self, **options: Any) -> None:
            self.total = options.get("total")
            self.n = int(options.get("initial") or 0)
            arrived(self.n)

        def update(self, count: float | None = 1) -> None:
            self.n += int(count or 0)
            arrived(int(count or 0))

        def __enter__(self) -> "Meter":
            return self

        def __exit__(self, *_: object) -> None:
            """Do nothing: there is nothing to close."""

        def __getattr__(self, _: str) -> Callable[..., None]:
            return lambda *_, **__: None  # refresh, close, set_description: nothing is drawn

    return Meter
