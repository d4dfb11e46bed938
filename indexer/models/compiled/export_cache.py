"""The cache of exports: a folder for each, made whole or not at all, and found again.

    CACHE/exports/NAME-PART/KEY/    export.json, one .blob a network, the tokenizer's file
    CACHE/exports/NAME-PART/KEY.failed   why there can be none, so that it is not tried each time

A key stands for the weights, the precision and the run-time: another version of any of them is
another export. What is there is never changed, so readers need no lock. A network in int8 cannot be
made again as it was: it is kept in a form for every run-time, and its revision names its contents.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import platformdirs

from indexer.models.compiled.export import Export, ExportDamaged, Part, sync
from indexer.models.compiled.network import Processor, processor
from indexer.models.compiled.precision import Precision
from storage.disk.atomic import sync_folder, write_whole

FORMAT = 1  # of the folders; a change makes all exports anew
_WAIT = 600.0  # seconds for another process that makes the same export


class CacheUnusable(Exception):
    """The cache cannot be written to; the message says why."""


@dataclass(frozen=True, slots=True)
class ExportKey:
    """The identity of an export: part, name and revision of a model, precision, run-time."""

    name: str
    revision: str
    part: Part
    precision: Precision
    processor: Processor

    @property
    def label(self) -> str:
        """Return the folder of all exports of the model's part."""
        readable = re.sub(r"[^\w.]+", "-", Path(self.name).name)[-40:].strip("-.")
        return f"{readable}-{self.part}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"

    @property
    def digest(self) -> str:
        """Return the folder of this export below its label."""
        parts = [FORMAT, self.name, self.revision, self.part, self.precision]
        told = json.dumps([*parts, self.processor.runtime, *self.processor.abilities])
        return hashlib.sha256(told.encode()).hexdigest()[:24]


def default_cache() -> Path:
    """Return where exports are kept when nobody says otherwise."""
    return platformdirs.user_cache_path("sightline")


class ExportCache:
    """The exports in a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take the cache's folder, which need not exist."""
        self.folder = (folder or default_cache()) / "exports"

    def find(self, key: ExportKey) -> Export | None:
        """Return an export that is whole, or None; one that is damaged is removed."""
        place = self._place(key)
        if not place.is_dir():
            return None
        try:
            return Export.read(place)
        except ExportDamaged:
            self.discard(key)
            return None

    def known(self, name: str, revision: str, part: Part) -> Export | None:
        """Return an export of a revision in whatever precision; raises RuntimeMissing."""
        precisions: tuple[Precision, ...] = ("bf16", "fp32")
        for precision in precisions:
            found = self.find(ExportKey(name, revision, part, precision, processor()))
            if found is not None:
                return found
        return None

    def discard(self, key: ExportKey) -> None:
        """Remove an export, so that it is made again."""
        shutil.rmtree(self._place(key), ignore_errors=True)

    def refusal(self, key: ExportKey) -> str | None:
        """Return why an earlier attempt found that there can be no such export; None without."""
        try:
            return self._failed(key).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    def refuse(self, key: ExportKey, reason: str) -> None:
        """Record that there can be no such export; where that fails it is tried again."""
        with suppress(OSError):
            self._failed(key).parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._failed(key), reason.encode())

    def bytes(self) -> int:
        """Return the size of all exports."""
        held = (".blob", ".bin")
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.suffix in held)

    def unwritable(self) -> str | None:
        """Return why nothing can be written to the cache, None where it can."""
        place = next((one for one in (self.folder, *self.folder.parents) if one.exists()), None)
        if place is not None and not os.access(place, os.W_OK):
            return f"{place} is not this user's to write: models run on their own library, slower"
        return None

    @contextmanager
    def turn(self, key: ExportKey) -> Iterator[None]:
        """Hold the turn of one process to make an export; raises CacheUnusable."""
        from filelock import FileLock, Timeout  # not for those who only read

        place = self._place(key).parent
        try:
            place.mkdir(parents=True, exist_ok=True)
            lock = FileLock(place / f"{key.digest}.lock")
            lock.acquire(timeout=_WAIT)
        except Timeout:
            raise CacheUnusable(
                f"another process has been making the same export for {_WAIT:.0f} s"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise CacheUnusable(_why(place, error)) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def draft(
        self, key: ExportKey, name_by: Callable[[Path], ExportKey] | None = None
    ) -> Iterator[Path]:
        """Yield an empty folder that becomes the export when the block ends well.

        `name_by` returns the key of what the folder holds by then, where that names it. The
        caller holds the turn. Raises CacheUnusable where the disk is full or not ours.
        """
        place = self._place(key)
        self._sweep(place.parent)
        draft = place.with_name(f"draft-{os.getpid()}-{token_hex(4)}")
        try:
            draft.mkdir()
            yield draft
            sync(draft)
            place = place if name_by is None else self._place(name_by(draft))
            if name_by is None or not place.exists():
                draft.rename(place)
            sync_folder(place.parent)
        except OSError as error:
            raise CacheUnusable(_why(place.parent, error)) from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._drop_others(key)

    def _drop_others(self, key: ExportKey) -> None:
        """Remove exports of the model that no run-time or revision of today would find."""
        for other in self._place(key).parent.iterdir():
            if other.name == key.digest or other.name.startswith("draft-"):
                continue
            if other.is_dir() and self._is_stale(other, key):
                shutil.rmtree(other, ignore_errors=True)

    def _is_stale(self, folder: Path, key: ExportKey) -> bool:
        try:
            return Export.read(folder).runtime != key.processor.runtime
        except ExportDamaged:
            return True

    def _sweep(self, label: Path) -> None:
        """Remove drafts that a killed process left; nobody else makes one of the same key now."""
        for draft in label.glob("draft-*"):
            process = draft.name.split("-")[1]
            if not process.isdigit() or not _is_alive(int(process)):
                shutil.rmtree(draft, ignore_errors=True)

    def _place(self, key: ExportKey) -> Path:
        return self.folder / key.label / key.digest

    def _failed(self, key: ExportKey) -> Path:
        return self._place(key).with_name(f"{key.digest}.failed")


def _is_alive(process: int) -> bool:
    import psutil

    return psutil.pid_exists(process)


def _why(place: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"the cache folder {place} cannot be written to ({reason})"
