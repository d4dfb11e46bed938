"""What stands behind a BMP is found, though its header may not tell where it ends."""

from pathlib import Path

import pytest

from tests.search.dedup.extras.containers import NOISE, drawn, encoded, kinds, video

PLAIN = encoded("BMP", drawn((33, 25)))
NO_SIZE = PLAIN[:2] + bytes(4) + PLAIN[6:]
TOP_DOWN = PLAIN[:22] + (-25).to_bytes(4, "little", signed=True) + PLAIN[26:]


@pytest.mark.parametrize("data", [PLAIN, NO_SIZE, TOP_DOWN, encoded("BMP", drawn(mode="1"))])
def test_what_stands_behind_is_found(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == []
    assert kinds(tmp_path, data + NOISE) == ["data"]
    assert kinds(tmp_path, data + video()) == ["video"]
