"""The home folder in a path: as a shell has it, also where there is no such user."""

import os
from pathlib import Path

import pytest

from storage.paths import expand_home


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("~", "/home/me"),
        ("~/photos", "/home/me/photos"),
        ("~nosuch/photos", "~nosuch/photos"),
        ("~~", "~~"),
        ("a/~/b", "a/~/b"),
        ("/~nosuch", "/~nosuch"),
    ],
)
def test_a_tilde_is_expanded_where_it_can_be(
    written: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert expand_home(written) == expand_home(Path(written)) == Path(meant)


def test_bytes_that_are_no_text_come_through() -> None:
    assert os.fsencode(expand_home(os.fsdecode(b"~no\xff"))) == b"~no\xff"
