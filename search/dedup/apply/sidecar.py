"""The sidecar of a keeper: metadata that only the duplicate has, written before it is dropped.

An existing sidecar is added to; its former bytes are kept in the journal, so that undo can
restore them.
"""

import os
import stat
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from indexer.images.metadata import xmp
from indexer.images.metadata.description import Metadata, lost, read, sidecar_of
from search.dedup.apply.journal import Former, Step
from search.dedup.apply.open_file import OpenFile, lstat_regular, open_verified, sync_folder
from search.dedup.apply.safe_move import (
    chown,
    fsync_and_verify,
    reserve_name,
    temp_path_beside,
    temporary,
)
from storage.errors import FileFailure

_LONGEST = 900_000  # characters of former bytes, packed: a line of the journal holds a MiB


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The sidecar that will be written for a keeper."""

    path: str
    added: Metadata
    content: bytes
    former: bytes | None
    like: os.stat_result  # the former sidecar or else the keeper: whose it is, and its mode


def prepare(duplicate: OpenFile, keeper: OpenFile) -> Sidecar | None:
    """Prepare the sidecar that keeps metadata only the duplicate has; None if there is none.

    Raises a FileFailure if it could not be written; nothing is changed yet.
    """
    added = lost(read(keeper.path), read(duplicate.path))
    if not added:
        return None
    path = keeper.path
    try:
        path = sidecar_of(path)
        folder = os.path.dirname(path)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise FileFailure(f"the folder {folder} is read-only")
        like, former = (
            (lstat_regular(path), _bytes(path)) if os.path.lexists(path) else (keeper.seen, None)
        )
        content = xmp.merged(former, added)
        if len(content) > xmp.LARGEST or len(_packed(former) or "") > _LONGEST:
            raise FileFailure("it would be too large to be added to")
    except (OSError, ValueError, FileFailure) as error:
        raise FileFailure(f"what only it says cannot go into {path}: {error}") from error
    return Sidecar(path, added, content, former, like)


def journal_step(
    sidecar: Sidecar, number: int, group: int, duplicate: OpenFile, keeper: OpenFile
) -> Step:
    """Return the journal's step for writing a sidecar."""
    return Step(
        number=number,
        action="sidecar",
        group=group,
        path=sidecar.path,
        hash=sha256(sidecar.content).hexdigest(),
        bytes=len(sidecar.content),
        mode=stat.S_IMODE(sidecar.like.st_mode) & 0o666,
        mtime_ns=sidecar.like.st_mtime_ns,
        uid=sidecar.like.st_uid,
        gid=sidecar.like.st_gid,
        keeper=keeper.path,
        keeper_hash=keeper.hash,
        draft=temp_path_beside(sidecar.path),
        former=Former(duplicate.path, duplicate.hash, _packed(sidecar.former)),
    )


def write(step: Step, sidecar: Sidecar) -> None:
    """Write a sidecar atomically, unless the file changed meanwhile.

    Raises OSError or FileFailure, and then nothing has changed.
    """
    temp_path = step.draft or ""
    with temporary(temp_path):
        _make(step, temp_path, sidecar.content)
        if sidecar.former is None:
            with reserve_name(step.path):
                os.rename(temp_path, step.path)
        else:
            with open_verified(step.path, exclusive=True) as file:
                if file.hash != sha256(sidecar.former).hexdigest():
                    raise FileFailure(f"{step.path} changed meanwhile: run it again")
                file.require_unchanged()
                os.rename(temp_path, step.path)
    sync_folder(os.path.dirname(step.path))


def revert(step: Step, temp_path: str) -> str | None:
    """Restore the former sidecar, if the duplicate is back and the sidecar is unchanged since.

    Returns why nothing was done, or None. Raises OSError or FileFailure, and then nothing has
    changed.
    """
    former = step.former
    if former is None:
        raise FileFailure("the journal does not tell what was there before")
    before = _unpacked(former.packed)
    if before is None and not os.path.lexists(step.path):
        return "it is gone already"
    with open_verified(former.loser, exclusive=False) as duplicate:
        if duplicate.hash != former.loser_hash:
            raise FileFailure(f"it speaks for {duplicate.path}, which has another content by now")
    with open_verified(step.path, exclusive=True) as file:
        if before is not None and file.hash == sha256(before).hexdigest():
            return "it is as it was already"
        if file.hash != step.hash:
            raise FileFailure("it was written to since, so it stays")
        if before is None:
            file.require_unchanged()
            os.unlink(step.path)
            return None
        with temporary(temp_path):
            _make(step, temp_path, before)
            os.utime(temp_path, ns=(step.mtime_ns, step.mtime_ns))
            file.require_unchanged()
            os.rename(temp_path, step.path)
    return None


def _make(step: Step, temp_path: str, content: bytes) -> None:
    descriptor = os.open(temp_path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with open(descriptor, "wb", closefd=False) as stream:
            stream.write(content)
        chown(temp_path, step.uid, step.gid)
        os.chmod(temp_path, step.mode)
        fsync_and_verify(descriptor, temp_path, sha256(content).hexdigest())
    finally:
        os.close(descriptor)


def _bytes(path: str) -> bytes:
    with (
        open_verified(path, exclusive=False) as file,
        open(file.descriptor, "rb", closefd=False) as stream,
    ):
        stream.seek(0)
        return stream.read(xmp.LARGEST + 1)


def _packed(content: bytes | None) -> str | None:
    return None if content is None else b64encode(zlib.compress(content)).decode("ascii")


def _unpacked(packed: str | None) -> bytes | None:
    if packed is None:
        return None
    try:
        opened = zlib.decompressobj()
        content = opened.decompress(b64decode(packed, validate=True), xmp.LARGEST)
    except (ValueError, zlib.error):
        content, opened = b"", zlib.decompressobj()
    if not opened.eof:
        raise FileFailure("the journal's copy of what was there before is damaged")
    return content
