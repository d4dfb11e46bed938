"""An apply that is killed for good, whenever that is, is finished by the next and loses nothing."""

import os
import random
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from search.dedup.apply.actions import Action, Delete, Hardlink, Move
from search.dedup.apply.apply import apply
from search.dedup.apply.trash import Trash
from search.dedup.plan.plan import Entry, write
from tests.search.dedup.planted_duplicates import contents, drafts, group, put

KILLS = 50
GROUPS, COPIES = 25, 3
REPOSITORY = Path(__file__).parents[3]
ACTIONS = ("delete", "hardlink", "move", "trash")
SCRIPT = """
import sys
from tests.search.dedup.test_apply_killed import action_of
from pathlib import Path
from search.dedup.apply.apply import apply
from search.dedup.plan.plan import read
home, name = Path(sys.argv[1]), sys.argv[2]
entries, refused = read(home / "plan.jsonl")
print("ready", flush=True)
for outcome in apply(entries, action_of(name, home), home / "journal"):
    assert outcome.done or "done before" in outcome.reason, outcome
print("finished", flush=True)
"""


def action_of(name: str, home: Path) -> Action:
    made = (Delete(), Hardlink(), Move(home / "moved"), Trash(home / "Trash"))
    return next(action for action in made if action.name == name)


def planted(home: Path) -> list[Entry]:
    entries = []
    for number in range(GROUPS):
        content = sha256(bytes([number])).digest() * 999
        files = [
            put(home / "photos" / f"{copy}" / f"{number}.jpg", content) for copy in range(COPIES)
        ]
        entries += group(*files, number=number)
        for path in files[: COPIES * (number % 2)]:  # every other photo moves
            put(path.with_suffix(".mov"), content[::-1])
    write(entries, home / "plan.jsonl")
    return entries


def killed(home: Path, name: str, after: float | None) -> tuple[float, bool]:
    """Run an apply and kill it; says for how long it ran, and whether it had finished."""
    words = [sys.executable, "-c", SCRIPT, str(home), name]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=REPOSITORY, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        begun = time.monotonic()
        if after is not None:
            time.sleep(after)
            process.kill()
        finished = process.stdout.read() == "finished\n"
        return time.monotonic() - begun, finished


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_killed_at_fifty_moments_it_is_finished_by_the_next(tmp_path: Path) -> None:
    chance = random.Random(4)
    longest = {}
    for name in ACTIONS:
        planted(tmp_path / name)
        longest[name], finished = killed(tmp_path / name, name, None)
        assert finished
    midway = 0
    for number in range(KILLS):
        home, name = tmp_path / str(number), ACTIONS[number % len(ACTIONS)]
        entries = planted(home)
        before = contents(home / "photos")
        _, finished = killed(home, name, chance.uniform(0, longest[name]))
        assert contents(home / "photos") == before
        left = sum(Path(entry.path).exists() for entry in entries)
        midway += not finished and GROUPS < left < GROUPS * COPIES
        again = list(apply(entries, action_of(name, home), home / "journal"))
        assert all(one.done or "done before" in (one.reason or "") for one in again)
        assert contents(home / "photos") == before
        assert drafts(home) == []
        together = {path.with_suffix("") for path in (home / "photos").rglob("*.mov")}
        assert together <= {path.with_suffix("") for path in (home / "photos").rglob("*.jpg")}
        files = {path.stat().st_ino for path in (home / "photos").rglob("*.jpg")}
        assert len(files) == GROUPS
        assert name not in ("move", "trash") or len(list(home.rglob("*.jpg"))) == GROUPS * COPIES
    assert midway > KILLS // 10
