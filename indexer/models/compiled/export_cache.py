"""The cache of exports: a folder for each, made whole or not at all, and found again.

    CACHE/exports/NAME-PART/KEY/    export.json, one .blob a network, the tokenizer's file
    CACHE/exports/NAME-PART/KEY-PROGRAM.failed    why there can be none, so that it is not tried
                                    each time; for this version of the libraries of models

A key stands for the weights, the precision and the run-time: another version of any of them is
another export. What is there is never changed, so readers need no lock. A network in int8 cannot be
made again as it was: it is kept in a form for every run-time, and its revision names its contents.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from secrets import token_hex

import platformdirs

from indexer.models.compiled.export import QUANTIZED, Export, ExportDamaged, Part, sync
from indexer.models.compiled.network import Processor, processor
from indexer.models.compiled.precision import Precision
from storage.disk.atomic import sync_folder, write_whole

_LIBRARIES = ("sightline", "torch", "transformers", "open-clip-torch")
FORMAT = 1  # of the folders; a change makes all exports anew
_UNUSED_DAYS = 30
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


class ExportCache:
    """The exports in a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take the cache's folder, which need not exist; None for the one of this user."""
        self.folder = (folder or platformdirs.user_cache_path("sightline")) / "exports"

    def find(self, key: ExportKey) -> Export | None:
        """Return an export that is whole, or None.

        One that is damaged is removed, but for a calibration, which cannot be made a second time.
        """
        place = self._place(key)
        if not place.is_dir():
            return None
        try:
            found = Export.read(place)
            with suppress(OSError):
                os.utime(place)  # it is in use: see `_drop_others`
            return found
        except ExportDamaged:
            if key.precision != "int8":
                shutil.rmtree(place, ignore_errors=True)
            return None

    def known(self, name: str, revision: str, part: Part) -> Export | None:
        """Return an export of a revision in whatever precision; raises RuntimeMissing."""
        precisions: tuple[Precision, ...] = ("bf16", "fp32")
        for precision in precisions:
            found = self.find(ExportKey(name, revision, part, precision, processor()))
            if found is not None:
                return found
        return None

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
        total = 0
        for path in self.folder.rglob("*"):
            with suppress(OSError):  # removed meanwhile
                total += path.stat().st_size if path.suffix in (".blob", ".bin") else 0
        return total

    def unwritable(self) -> str | None:
        """Return why nothing can be written to the cache, None where it can."""
        place = next((one for one in (self.folder, *self.folder.parents) if one.exists()), None)
        if place is not None and not os.access(place, os.W_OK):
            return f"{place} is not this user's to write: models run on their own library, slower"
        return None

    @contextmanager
    def turn(self, key: ExportKey, waits: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the turn of one process to make an export; raises CacheUnusable.

        `waits` is called where another process has it.
        """
        from filelock import FileLock, Timeout  # not for those who only read

        place = self._place(key).parent
        try:
            place.mkdir(parents=True, exist_ok=True)
            lock = FileLock(place / f"{key.digest}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if waits is not None:
                    waits()
                lock.acquire(timeout=_WAIT)
        except Timeout:
            raise CacheUnusable(
                f"another process has been preparing the same for {_WAIT:.0f} s: wait for it or "
                "end it, then try again"
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
        for left in place.parent.glob(f"draft-{key.digest}-*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        draft = place.with_name(f"draft-{key.digest}-{token_hex(4)}")
        try:
            draft.mkdir()
            yield draft
            sync(draft)
            named = key if name_by is None else name_by(draft)
            place = self._place(named)
            if self.find(named) is None:  # the same calibration may be there already
                shutil.rmtree(place, ignore_errors=True)
                draft.rename(place)
            sync_folder(place.parent)
        except OSError as error:
            raise CacheUnusable(_why(place.parent, error)) from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._drop_others(key)

    def _drop_others(self, key: ExportKey) -> None:
        """Remove what of the model was used by nobody for long: of other revisions, run-times.

        A calibration in int8 stays: it cannot be made a second time.
        """
        oldest = time.time() - _UNUSED_DAYS * 86_400
        for other in self._place(key).parent.iterdir():
            with suppress(OSError):
                if other.name.startswith(key.digest) or other.stat().st_mtime > oldest:
                    continue
                if other.is_dir() and not (other / QUANTIZED[0]).exists():
                    shutil.rmtree(other)
                elif other.is_file():
                    other.unlink()

    def _place(self, key: ExportKey) -> Path:
        return self.folder / key.label / key.digest

    def _failed(self, key: ExportKey) -> Path:
        told = json.dumps([_version(package) for package in _LIBRARIES])
        program = hashlib.sha256(told.encode()).hexdigest()[:8]
        return self._place(key).with_name(f"{key.digest}-{program}.failed")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _why(place: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (
        f"the cache folder {place} cannot be written to ({reason}): make room there, or choose "
        "another folder for the cache"
    )
