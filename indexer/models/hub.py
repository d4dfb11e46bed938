"""The model hub: files by repository and commit, from the local cache or over the network."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import ModelUnavailable

WAIT = 5.0  # seconds for the hub's first answer; the local cache is asked before


class NotOffered(Exception):
    """The repository is there and does not hold that file."""


def fetch(model: str, repository: str, file: str, revision: str = "") -> tuple[Path, str]:
    """Return a file of a hub repository and the commit it is from.

    What is cached is used without asking the network. `model` is only named in errors. Raises
    NotOffered for a file the repository lacks, and ModelUnavailable in every other case.
    """
    path = cached(repository, file, revision) or _download(model, repository, file, revision)
    return path, path.parent.name


def cached(repository: str, file: str, revision: str = "") -> Path | None:
    """Return the cached file of that revision (of the newest one seen, when empty), if any."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, file, revision=revision or None)
    return Path(found) if isinstance(found, str) else None


def _download(model: str, repository: str, file: str, revision: str) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    step = "ask"
    try:
        with _quiet():
            # The library retries a dead network for 23 seconds, with warnings: one short
            # question first, which also tells the commit.
            address = hf_hub_url(repository, file, revision=revision or None)
            commit = get_hf_file_metadata(address, timeout=WAIT).commit_hash
            step = "download"
            return Path(hf_hub_download(repository, file, revision=commit or revision or None))
    except LocalEntryNotFoundError:
        reason = "the hub could not be reached"
    except EntryNotFoundError as error:
        raise NotOffered(file) from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        reason = f"the hub answered {status} for {repository}"
    except Exception as error:
        # The library's transports raise each their own kind for a network that is not there.
        what = "could not be reached" if step == "ask" else "broke off the download"
        reason = f"the hub {what} ({type(error).__name__})"
    raise ModelUnavailable(
        f"the model {model} is not on this machine and {reason}; "
        f"try again online, name a local directory, or use --model mini, which needs no download"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
