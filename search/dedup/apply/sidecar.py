"""The sidecar of a keeper: what only the file that goes had said, written before it goes.

A sidecar that is there is added to, and its former bytes are in the journal, so that undo can
put them back.
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
from search.dedup.apply.open_file import Held, hold, look, sync_folder
from search.dedup.apply.safe_move import draft_beside, own, passing, reserved, settle_bytes
from storage.errors import FileFailure

_LONGEST = 900_000  # characters of former bytes, packed: a line of the journal holds a MiB


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a keeper's sidecar will be."""

    path: str
    said: Metadata  # what is added
    content: bytes
    former: bytes | None
    like: os.stat_result  # the former sidecar or else the keeper: whose it is, and its mode


def think(loser: Held, keeper: Held) -> Sidecar | None:
    """Make up the sidecar that saves what only the loser says, or None where nothing is.

    Raises a FileFailure where it cannot be written; nothing is changed yet.
    """
    said = lost(read(keeper.path), read(loser.path))
    if not said:
        return None
    path = keeper.path
    try:
        path = sidecar_of(path)
        folder = os.path.dirname(path)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise FileFailure(f"the folder {folder} is read-only")
        like, former = (look(path), _bytes(path)) if os.path.lexists(path) else (keeper.seen, None)
        content = xmp.merged(former, said)
        if len(content) > xmp.LARGEST or len(_packed(former) or "") > _LONGEST:
            raise FileFailure("it would be too large to be added to")
    except (OSError, ValueError, FileFailure) as error:
        raise FileFailure(f"what only it says cannot go into {path}: {error}") from error
    return Sidecar(path, said, content, former, like)


def step_of(sidecar: Sidecar, number: int, group: int, loser: Held, keeper: Held) -> Step:
    """Make the journal's step of writing a sidecar."""
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
        draft=draft_beside(sidecar.path),
        former=Former(loser.path, loser.hash, _packed(sidecar.former)),
    )


def write(step: Step, sidecar: Sidecar) -> None:
    """Write it whole or not at all, over no other than was read; raises OSError, FileFailure."""
    draft = step.draft or ""
    with passing(draft):
        _make(step, draft, sidecar.content)
        if sidecar.former is None:
            with reserved(step.path):
                os.rename(draft, step.path)
        else:
            with hold(step.path, alone=True) as held:
                if held.hash != sha256(sidecar.former).hexdigest():
                    raise FileFailure(f"{step.path} changed meanwhile: run it again")
                held.require_unchanged()
                os.rename(draft, step.path)
    sync_folder(os.path.dirname(step.path))


def take_back(step: Step, draft: str) -> str | None:
    """Put back what was at a sidecar's place, if the loser is back and nobody wrote to it since.

    Returns what there is to say. Raises OSError or FileFailure, and then it is as it was.
    """
    former = step.former
    if former is None:
        raise FileFailure("the journal does not tell what was there before")
    before = _unpacked(former.packed)
    if before is None and not os.path.lexists(step.path):
        return "it is gone already"
    with hold(former.loser, alone=False) as loser:
        if loser.hash != former.loser_hash:
            raise FileFailure(f"it speaks for {loser.path}, which has another content by now")
    with hold(step.path, alone=True) as held:
        if before is not None and held.hash == sha256(before).hexdigest():
            return "it is as it was already"
        if held.hash != step.hash:
            raise FileFailure("it was written to since, so it stays")
        if before is None:
            held.require_unchanged()
            os.unlink(step.path)
            return None
        with passing(draft):
            _make(step, draft, before)
            os.utime(draft, ns=(step.mtime_ns, step.mtime_ns))
            held.require_unchanged()
            os.rename(draft, step.path)
    return None


def _make(step: Step, draft: str, content: bytes) -> None:
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with open(descriptor, "wb", closefd=False) as stream:
            stream.write(content)
        own(draft, step.uid, step.gid)
        os.chmod(draft, step.mode)
        settle_bytes(descriptor, draft, sha256(content).hexdigest())
    finally:
        os.close(descriptor)


def _bytes(path: str) -> bytes:
    with hold(path, alone=False) as held, open(held.descriptor, "rb", closefd=False) as stream:
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
