"""The download of a model's repository from the hub: the small files first, then the weights.

So a folder with weights is always complete, and a configuration that will be refused costs no
gigabytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from indexer.models.files import hub, layout
from storage.errors import BrokenModel, UnsafeWeights


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """The progress of a download, in bytes of all weights together."""

    file: str
    done: int
    total: int


ProgressCallback = Callable[[DownloadProgress], None]


def download(
    model: str, repository: str, revision: str = "", watch: ProgressCallback | None = None
) -> Path:
    """Return the folder of a commit with every file its model needs, named by the commit.

    What is cached is used without asking the network; what broke off is gone on with. Raises
    ModelUnavailable, and BrokenModel or UnsafeWeights before any weights are fetched.
    """
    there = complete_folder(repository, revision)
    if there is not None:
        return there
    listing = hub.listing(model, repository, revision)
    small = layout.needed_files(listing.sizes)
    large = [name for name in (layout.WEIGHTS, layout.SHARDS) if name in listing.sizes]
    if layout.CONFIG not in small:
        raise BrokenModel(f"the repository {repository} has no {layout.CONFIG}")
    if not large:
        raise UnsafeWeights(
            f"the model {model} has no {layout.WEIGHTS} at {listing.commit[:12]}, and pickled "
            f"weights can run code when read; where a pull request of the hub holds them, "
            f"name it: hf:{repository}@refs/pr/NUMBER"
        )
    folder = _file(model, repository, layout.CONFIG, listing).parent
    layout.check(folder)
    for name in small:
        _file(model, repository, name, listing)
    layout.check(folder)  # now with the tokenizer's files, which may ask for code too
    heavy = [large[0]]
    if large[0] == layout.SHARDS:
        heavy = [path.name for path in layout.weights(folder)]
    if any(name not in listing.sizes for name in heavy):
        raise BrokenModel(f"{layout.SHARDS} of {repository} names files that are not there")
    _weights(model, repository, heavy, listing, watch)
    hub.remember(repository, revision, listing.commit)
    return folder


def complete_folder(repository: str, revision: str = "") -> Path | None:
    """Return the cached folder of a revision if it is complete."""
    config = hub.cached(repository, layout.CONFIG, revision)
    if config is None or layout.missing_file(config.parent):
        return None
    return config.parent


def _file(
    model: str,
    repository: str,
    name: str,
    listing: hub.Listing,
    arrived: hub.Arrived | None = None,
) -> Path:
    here = hub.cached(repository, name, listing.commit)
    return here or hub.download(model, repository, name, listing.commit, arrived)


def _weights(
    model: str,
    repository: str,
    names: list[str],
    listing: hub.Listing,
    watch: ProgressCallback | None,
) -> None:
    """Download the weights and report progress; the small files are not counted."""
    total = sum(listing.sizes[name] for name in names)
    finished = 0
    for name in names:
        end = finished + listing.sizes[name]
        come = finished

        def count(arrived: int, name: str = name, end: int = end) -> None:
            nonlocal come
            come = min(end, come + arrived)  # a file begun anew is counted twice
            if watch is not None:
                watch(DownloadProgress(name, come, total))

        _file(model, repository, name, listing, count)
        finished = end
        if watch is not None:
            watch(DownloadProgress(name, finished, total))
