"""Golden files: what was printed and stored before, compared letter by letter.

`REWRITE_GOLDEN=1 uv run pytest -n0 tests/contract` writes them anew. Look at the difference before
it is committed: every line of it is a change that programs meet.
"""

import json
import os
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("golden")
REWRITE = "REWRITE_GOLDEN"


def compare(name: str, noted: Sequence[Mapping[str, object]]) -> None:
    """Fail where something differs from the golden file `name`, or where there is none."""
    path, seen = FOLDER / f"{name}.json", _spelt(noted)
    if os.environ.get(REWRITE) == "1":
        path.write_text(seen, encoding="ascii")
    if not path.is_file():
        pytest.fail(f"there is no {path}: {REWRITE}=1 writes it")
    known = path.read_text(encoding="ascii")
    if known != seen:
        lines = unified_diff(known.splitlines(), seen.splitlines(), "golden", "now", lineterm="")
        pytest.fail("\n".join([f"{path.name} is not what it was:", *lines]), pytrace=False)


def _spelt(noted: Sequence[Mapping[str, object]]) -> str:
    """Spell notes as JSON with a row a line, so that a difference is read at a glance."""
    return "[\n" + ",\n".join(map(_note, noted)) + "\n]\n"


def _note(note: Mapping[str, object]) -> str:
    parts = []
    for key, value in note.items():
        if isinstance(value, list) and value:
            rows = ",\n".join(f"   {json.dumps(row)}" for row in value)
            parts.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return " {\n" + ",\n".join(parts) + "\n }"
