"""A plan comes back as it was written, and what is no plan is refused line by line."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.dedup.plan.plan import Entry, line, read, write
from storage.errors import DiskFull, PathNotFound, SightlineError

ENTRY = Entry(
    3, "edited", "/p/a.jpg", "ab" * 32, "/p/b.jpg", "drop", "bytes", {"hash_distance": 9}, 7
)
GOOD = json.loads(line(ENTRY))


def test_comes_back_as_it_was_written(tmp_path: Path) -> None:
    odd = replace(ENTRY, path=os.fsdecode(b"/p/\xff\n\xc3.jpg"), action="keep", rule='"')
    write([ENTRY, odd], tmp_path / "plan.jsonl")
    assert read(tmp_path / "plan.jsonl") == ((ENTRY, odd), ())
    assert os.listdir(tmp_path) == ["plan.jsonl"]
    assert len((tmp_path / "plan.jsonl").read_bytes().splitlines()) == 2


def test_has_exactly_the_keys_that_were_agreed() -> None:
    agreed = "group kind path item keeper action rule evidence bytes companions"
    assert list(GOOD) == agreed.split()


def test_companions_come_back_and_plans_of_before_have_none(tmp_path: Path) -> None:
    file = tmp_path / "plan.jsonl"
    beside = replace(ENTRY, companions=("/p/a.mov", os.fsdecode(b"/p/a\xff.xmp")))
    former = {key: value for key, value in GOOD.items() if key != "companions"}
    write([beside], file)
    with file.open("a") as stream:
        stream.write(json.dumps(former) + "\n")
    assert read(file) == ((beside, ENTRY), ())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"\xff\xfe", "it is not UTF-8"),
        (b"hello", "it is not JSON"),
        (b"[1]", "it is not a JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"group": 1, "group": 2}', "a key stands in it twice"),
        (b'{"group": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"group": NaN}', "NaN is no number of JSON"),
        (b'{"a": "' + b"x" * (2 << 20) + b'"}', "longer than 1,048,576 bytes"),
        (b"{}", "it lacks group, kind, path, item, keeper, action, rule, evidence, bytes"),
    ],
)
def test_refuses_what_is_no_row_and_reads_on(tmp_path: Path, bad: bytes, reason: str) -> None:
    file = tmp_path / "plan.jsonl"
    file.write_bytes(b"\n" + bad + b"\r\n\n" + line(ENTRY).encode())
    entries, refused = read(file)
    assert entries == (ENTRY,)
    assert [one.line for one in refused] == [2]
    assert reason in refused[0].reason


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("group", -1),
        ("group", True),
        ("group", 1.5),
        ("bytes", 2**63),
        ("bytes", None),
        ("kind", "alike"),
        ("kind", ["identical"]),
        ("action", "DROP"),
        ("action", None),
        ("path", "a.jpg"),
        ("path", ""),
        ("path", 7),
        ("path", "/a\0b"),
        ("keeper", "/\ud800"),
        ("item", "AB" * 32),
        ("item", "ab"),
        ("rule", None),
        ("evidence", []),
        ("companions", "/a.mov"),
        ("companions", ["a.mov"]),
        ("companions", [7]),
    ],
)
def test_refuses_a_value_that_the_key_cannot_have(tmp_path: Path, key: str, value: object) -> None:
    file = tmp_path / "plan.jsonl"
    file.write_text(json.dumps({**GOOD, key: value}))
    entries, refused = read(file)
    assert entries == ()
    assert [one.line for one in refused] == [1]
    assert key in refused[0].reason


# Few letters, for the whole of Unicode is slow to draw from.
TEXT = st.text("/ab\x00\ud800\udcff", max_size=4)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(b'{}[]",:\n\xffa1')).map(bytes),
    st.dictionaries(st.sampled_from(list(GOOD)), st.none() | TEXT),
)
def test_nothing_makes_it_fail(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, edits: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("plan") / "plan.jsonl"
    file.write_bytes(noise + b"\n" + json.dumps({**GOOD, **edits}).encode() + b"\n" + noise)
    entries, refused = read(file)
    assert all(isinstance(entry, Entry) for entry in entries)
    assert all(one.reason for one in refused)


def test_an_editor_s_mark_and_keys_of_others_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "plan.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps({**GOOD, "note": "mine"}).encode())
    assert read(file) == ((ENTRY,), ())


def test_says_what_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match=r"the plan .* is not there"):
        read(tmp_path / "none")
    with pytest.raises(SightlineError, match="is not a file"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SightlineError, match="is not a file"):
        read(tmp_path / "pipe")


def test_a_plan_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "plan.jsonl"
    write([ENTRY], file)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match="free some space"):
        write([], file)
    assert read(file) == ((ENTRY,), ())
    assert os.listdir(tmp_path) == ["plan.jsonl"]
    with pytest.raises(SightlineError, match="choose another place"):
        write([ENTRY], tmp_path / "none" / "plan.jsonl")
