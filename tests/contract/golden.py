"""Golden files: what was printed and stored before, compared letter by letter.

`REWRITE_GOLDEN=1 uv run pytest -n0 tests/contract` writes them anew. Look at the difference before
it is committed: every line of it is a change that programs meet.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("golden")
REWRITE = "REWRITE_GOLDEN"
Notes = Sequence[Mapping[str, object]]


def compare(noted: Mapping[str, Notes]) -> None:
    """Fail where something differs from the golden files of these names, or where one lacks."""
    told = [line for name, notes in noted.items() for line in _differences(name, notes)]
    if told:
        pytest.fail("\n".join(told), pytrace=False)


def _differences(name: str, notes: Notes) -> Iterator[str]:
    """Yield what differs from one golden file, as lines to be read; none where all is as it was."""
    path, seen = FOLDER / f"{name}.json", _spelt(notes)
    if os.environ.get(REWRITE) == "1":
        path.write_text(seen, encoding="ascii")
    if not path.is_file():
        yield f"there is no {path}: {REWRITE}=1 writes it"
        return
    known = path.read_text(encoding="ascii")
    if known != seen:
        yield f"{path.name} is not what it was:"
        yield from unified_diff(known.splitlines(), seen.splitlines(), "golden", "now", lineterm="")


def _spelt(notes: Notes) -> str:
    """Spell notes as JSON with a row a line, so that a difference is read at a glance."""
    return "[\n" + ",\n".join(map(_note, notes)) + "\n]\n"


def _note(note: Mapping[str, object]) -> str:
    parts = []
    for key, value in note.items():
        if isinstance(value, list) and value:
            rows = ",\n".join(f"   {json.dumps(row)}" for row in value)
            parts.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return " {\n" + ",\n".join(parts) + "\n }"
