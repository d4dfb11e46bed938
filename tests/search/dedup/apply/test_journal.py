"""A journal is on the disk before anything happens, and goes on after being cut off anywhere."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from search.dedup.apply.journal import Journal, Logged, Step, read
from storage.errors import DiskFull, PathNotFound, SightlineError

STEP = Step(
    number=1,
    action="move",
    group=4,
    path=os.fsdecode(b"/p/\xff.jpg"),
    hash="ab" * 32,
    bytes=9,
    mode=0o644,
    mtime_ns=-5,
    uid=0,
    gid=0,
    keeper="/p/k.jpg",
    keeper_hash="cd" * 32,
    target="/q/a.jpg",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_what_was_written_is_read_and_gone_on_with(file: Path) -> None:
    with Journal.open(file) as log:
        log.begin(STEP)
        assert read(file)[0] == (Logged(STEP, "open"),)
        log.mark(STEP, "done")
        assert log.finished(STEP.path, STEP.hash) == "move"
    with Journal.open(file) as log:
        assert log.logged == (Logged(STEP, "done"),)
        assert log.next_number == 2
        assert log.finished(STEP.path, STEP.hash) == "move"
        log.mark(STEP, "undone", "put back")
        assert log.finished(STEP.path, STEP.hash) is None
    assert read(file) == ((Logged(STEP, "undone"),), ())


def test_goes_on_after_a_cut_at_every_byte(file: Path) -> None:
    with Journal.open(file) as log:
        log.begin(STEP)
        log.mark(STEP, "done")
    complete = file.read_bytes()
    for length in range(len(complete) + 1):
        file.write_bytes(complete[:length])
        with Journal.open(file) as log:
            known = log.logged
            log.begin(replace(STEP, number=log.next_number))
        whole_lines = complete[:length].count(b"\n")
        states: list[list[Logged]] = [[], [], [Logged(STEP, "open")], [Logged(STEP, "done")]]
        assert list(known) == states[whole_lines]
        after, refused = read(file)
        assert (len(after), refused) == (len(known) + 1, ())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{}", "it lacks record, number"),
        ("nonsense", "it is not JSON"),
        ('{"record": "done", "number": 7}', "there is no step 7 before it"),
        ('{"record": "dance", "number": 1}', "its record is of no known sort"),
        ('{"record": "intent", "number": 1}', "step 1 is there already"),
        ('{"record": "intent", "number": 2}', "it lacks action, group, path"),
        ('{"record": "done", "number": 0}', "number is not a whole number from 1"),
    ],
)
def test_refuses_lines_that_are_none(file: Path, bad: str, reason: str) -> None:
    with Journal.open(file) as log:
        log.begin(STEP)
    with file.open("a") as stream:
        stream.write(bad + "\n")
    logged, refused = read(file)
    assert logged == (Logged(STEP, "open"),)
    assert [one.line for one in refused] == [3]
    assert reason in refused[0].reason


@pytest.mark.parametrize("key", ["action", "path", "target", "draft", "hash", "mode"])
def test_refuses_a_step_with_a_wrong_value(file: Path, key: str) -> None:
    with Journal.open(file) as log:
        log.begin(STEP)
    head, intent = file.read_text().splitlines()
    file.write_text(f"{head}\n{json.dumps({**json.loads(intent), key: 'wrong'})}\n")
    logged, refused = read(file)
    assert logged == ()
    assert key in refused[0].reason


def test_leaves_alone_what_is_no_journal(file: Path, tmp_path: Path) -> None:
    for other in (b"a photo, no line end", b"\n\n\n", b'{"record": "intent"}\n'):
        file.write_bytes(other)
        with pytest.raises(SightlineError, match="is not a journal"), Journal.open(file):
            pass
        assert file.read_bytes() == other
    with pytest.raises(SightlineError, match="is not a file"), Journal.open(tmp_path):
        pass
    with pytest.raises(PathNotFound), Journal.open(tmp_path / "none", new=False):
        pass
    with pytest.raises(SightlineError, match="choose another place"):
        Journal.open(tmp_path / "no" / "journal").__enter__()


def test_two_runs_do_not_share_one(file: Path) -> None:
    with (
        Journal.open(file),
        pytest.raises(SightlineError, match="in use by another run"),
        Journal.open(file),
    ):
        pass


def test_a_full_disk_is_said_before_anything_happens(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Journal.open(file) as log:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(DiskFull, match="free some space"):
            log.begin(STEP)
