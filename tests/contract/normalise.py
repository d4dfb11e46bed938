"""What differs from machine to machine leaves a row; all else stays as the program spelt it.

Left out are places of this machine, hashes and sizes of files that the tests have encoded (they
hang on the version of the encoder), times, owners and rights of files, and what a model or a local
feature gives beyond its second digit. The type stays to be seen: `<int>` is no `<float>`.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

_FILE_STATE = {"mode", "mtime_ns", "uid", "gid"}
_FEATURES = {"inliers", "scale", "rotation", "overlap", "detail", "detail_x", "detail_y"}
_STAGES = {"scan", "hash", "decode", "encode", "write", "wait"}  # each in seconds
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
_PATTERNS = (
    (re.compile(r"/[^\s:]*/mini/(?=[a-z-]+$)"), "<models>/"),
    (re.compile(r"\.sightline-[0-9a-f]{16}"), ".sightline-<random>"),
    (re.compile(r"-[0-9a-f]{8}\.journal\.jsonl"), "-<hash>.journal.jsonl"),
    (re.compile(r"(?<=DeletionDate=)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\n"), "<local time>\n"),
)


class Normaliser:
    """Takes out of values what is of this machine alone; `place` becomes `<place>`."""

    def __init__(self, place: Path) -> None:
        self._place = str(place)
        self._hashes: dict[str, str] = {}
        self._sizes: dict[int, str] = {}

    def learn(self, folder: Path) -> None:
        """Remember the files of a folder, to know their hashes and sizes again."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            content, name = path.read_bytes(), str(path.relative_to(folder))
            self._hashes.setdefault(sha256(content).hexdigest(), name)
            self._sizes.setdefault(len(content), name)

    def text(self, value: str) -> str:
        """Return a text without the names and numbers of this machine."""
        for place in (self._place, quote(self._place)):
            value = value.replace(place, "<place>")
        for digest, name in self._hashes.items():
            value = value.replace(digest, f"<hash of {name}>")
        for pattern, word in _PATTERNS:
            value = pattern.sub(word, value)
        return value

    def value(self, value: object, key: str = "") -> object:
        """Return a value of JSON, with everything in it, as it is on every machine."""
        if isinstance(value, Mapping):
            row = {self.text(name): self.value(one, name) for name, one in value.items()}
            if "decision" in row:
                self._in_order(value, row)
            return row | dict.fromkeys(_varying(row) & row.keys(), "<varies>")
        if isinstance(value, list):
            return [self.value(one, key) for one in value]
        if isinstance(value, str):
            return "<time>" if key == "at" and _TIME.fullmatch(value) else self.text(value)
        if isinstance(value, bool) or value is None:
            return value
        return self._number(value, key)

    @staticmethod
    def _in_order(decision: Mapping[str, Any], row: dict[str, Any]) -> None:
        """Order what was decided on by names, as the order of the hashes hangs on the encoder."""
        assert decision["items"] == sorted(decision["items"])
        pairs = sorted(zip(row["items"], row["paths"], strict=True), key=str)
        row["items"], row["paths"] = ([pair[side] for pair in pairs] for side in (0, 1))

    def _number(self, value: object, key: str) -> object:
        if isinstance(value, float):
            return "<float>" if key in _FEATURES | _STAGES | {"seconds"} else round(value, 2) + 0.0
        assert isinstance(value, int), f"{key} is of a kind that JSON lacks: {value!r}"
        if key == "bytes" and value in self._sizes:
            return f"<bytes of {self._sizes[value]}>"
        return "<int>" if key in _FEATURES | _FILE_STATE else value


def _varying(row: Mapping[str, object]) -> frozenset[str]:
    """Return which numbers of a row hang on the machine though their names do not say so."""
    if "spaces" in row:  # a library: pages of SQLite, and how far its log has grown
        return frozenset(("bytes",))
    if str(row.get("source")).startswith(("hf:", "open_clip:")):  # whether it was fetched here
        return frozenset(("cached", "bytes", "memory"))
    return frozenset()
