"""Duplicates among drawn files, where what is the same is known to the last word.

Of documents, chats, frames and bursts, which the default plan drops for one that differs, and how
many true re-encodings it drops as it should; of objects on a plain ground, which pairs are joined.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from benchmarks.duplicate_run import ordered, run
from benchmarks.lookalikes import KINDS, Drawn, lookalikes
from benchmarks.plain_ground import Shot, shots

Row = dict[str, object]
File = TypeVar("File", Drawn, Shot)
_SHOWN = 10  # wrong pairs that are printed; the rows hold all


def documents(folder: Path, families: int, seed: int) -> Row:
    """Draw, find, plan; print and return drops by kind of file, wrong ones apart."""
    photos = folder / "documents"
    drawn = _written(photos, lookalikes(families, seed))
    found = run(photos, folder / "documents library")
    of_truth: dict[str, int] = defaultdict(int)
    for each in drawn.values():
        of_truth[each.truth] += 1
    expected = dict.fromkeys(KINDS, 0)
    for truth, many in of_truth.items():
        expected[truth.split()[0]] += many - 1  # one of each stays
    dropped, wrong = dict.fromkeys(KINDS, 0), []
    for entry in found.plan:
        if entry.action != "drop":
            continue
        each, keeper = drawn[entry.path], drawn[entry.keeper]
        if each.truth == keeper.truth:
            dropped[each.kind] += 1
        else:
            wrong.append(f"{each.truth} ({each.made}) for {keeper.truth} ({keeper.made})")
    right, asked = sum(dropped.values()), sum(expected.values())
    print(
        f"{len(drawn)} drawn documents and frames: {len(wrong)} dropped for one that differs; "
        f"{right} of {asked} re-encodings dropped ({right / asked:.3f}); " + _told(found.seconds)
    )
    print("    " + ", ".join(f"{kind} {dropped[kind]}/{expected[kind]}" for kind in KINDS))
    for line in wrong[:_SHOWN]:
        print(f"    wrong: {line}")
    return {
        "set": "documents",
        "files": len(drawn),
        "false_drops": len(wrong),
        "wrong": wrong,
        "dropped": dropped,
        "expected": expected,
        "seconds": found.seconds,
    }


def objects(folder: Path, count: int, seed: int) -> Row:
    """Draw, find; print and return the precision of each kind of pair and recall by edit."""
    photos = folder / "objects"
    drawn = _written(photos, shots(count, seed))
    originals = {each.truth: name for name, each in drawn.items() if each.kind is None}
    found = run(photos, folder / "objects library")
    pairs: dict[str, list[bool]] = defaultdict(list)
    wrong = []
    for (one, other), kind in found.kinds.items():
        same = drawn[one].truth == drawn[other].truth
        pairs[kind].append(same)
        if not same:
            wrong.append(f"{kind}: {_name(drawn[one])} and {_name(drawn[other])}")
    recall: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, each in drawn.items():
        if each.kind is not None:
            pair = ordered(originals[each.truth], name)
            recall[each.edit][0] += pair in found.kinds
            recall[each.edit][1] += 1
    shown = ", ".join(f"{kind} {sum(of)}/{len(of)}" for kind, of in sorted(pairs.items()))
    print(
        f"{len(drawn)} files of {count} drawn objects on plain ground: right pairs {shown}; "
        f"{_told(found.seconds)}"
    )
    print("    recall " + ", ".join(f"{edit} {a / b:.3f}" for edit, (a, b) in recall.items()))
    for line in wrong[:_SHOWN]:
        print(f"    wrong: {line}")
    return {
        "set": "objects",
        "files": len(drawn),
        "pairs": {kind: [sum(of), len(of)] for kind, of in pairs.items()},
        "recall": dict(recall),
        "wrong": wrong,
        "seconds": found.seconds,
    }


def _written(folder: Path, drawn: Iterable[File]) -> dict[str, File]:
    """Write what was drawn; return by path what each file shows."""
    folder.mkdir()
    files: dict[str, File] = {}
    for number, each in enumerate(drawn):
        path = folder / f"{number:05}.{each.suffix}"
        path.write_bytes(each.content)
        files[str(path)] = each
    return files


def _name(shot: Shot) -> str:
    return f"{shot.family} {shot.truth} {shot.edit}"


def _told(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {took:.0f} s" for name, took in seconds.items())
