"""Which copies of a photo are found, which are named right, and is anything joined that differs?

    SIGHTLINE_DATA=… uv run --with imagehash --with imagededup python -m benchmarks.duplicates

Plants every edit of `benchmarks.planted_duplicates` for a fixed sample of the distinct photos,
leaves the others as distractors, indexes all with `mini` and finds duplicates as `sightline dedup`
does, first without a model's help, then with `similar` pairs by the vectors of `mini` and, where
its weights are on the machine, of the recommended CLIP. Beside it, on the same files: imagededup's
phash and dhash, and czkawka's default (a gradient hash of 16 × 16, at most 5 bits), each where its
package is installed. Then the drawn sets of `benchmarks.drawn_duplicates`, which need no folder.
"""

import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.drawn_duplicates import documents, objects
from benchmarks.duplicate_run import Pair, Run, kinds_of, ordered, run
from benchmarks.planted_duplicates import EDITS, copies, sources
from benchmarks.rows import data_folder, keep
from indexer import IndexConfig
from indexer.ingest import Indexer
from indexer.models import RECOMMENDED, load
from indexer.models.cache import cached
from search.dedup.detect.finder import DuplicateFinder
from search.dedup.detect.kinds import KINDS, Thresholds
from storage import Library

SETS = ("photos", "documents", "objects")
LEAST_SIDE = 128  # pixels: of smaller results the goals say nothing
_SHOWN = 10  # false pairs that are printed; the rows hold all


class Planted:
    """The files, and which copy is of which source."""

    def __init__(self, folder: Path, data: Path, count: int, seed: int) -> None:
        self.folder = folder
        self.family: dict[str, int] = {}
        self.copies: list[tuple[str, str, str, int]] = []  # edit, source, copy, shorter side
        photos = sources(data)
        chosen = set(random.Random(seed).sample(range(len(photos)), min(count, len(photos))))
        for number, photo in enumerate(photos):
            source = folder / f"{number:04}{photo.suffix}"
            source.write_bytes(photo.read_bytes())
            self.family[str(source)] = number
            for edit, content, side in copies(photo) if number in chosen else ():
                suffix = {"JPEG": "jpg"}.get(edit.format, edit.format.lower())
                path = folder / f"{number:04} {edit.name}.{suffix}"
                path.write_bytes(content)
                self.family[str(path)] = number
                self.copies.append((edit.name, str(source), str(path), side))
        self.edits = {path: edit for edit, _, path, _ in self.copies}


def with_vectors(planted: Planted, folder: Path, model: str) -> tuple[dict[Pair, str], float]:
    """Find pairs by a model's vectors as well; returns kinds by pair, and the seconds of that."""
    with Library.open(folder) as library:
        Indexer(library, load(model), IndexConfig(paths=(str(planted.folder),))).run()
        library.use(model)
        began = time.monotonic()
        DuplicateFinder(library, Thresholds(), by_vectors=True).run()
        return kinds_of(library, KINDS), time.monotonic() - began


def by_hash(
    planted: Planted, hashed: Callable[[str], np.ndarray], most: int
) -> tuple[dict[Pair, str], float]:
    """Find pairs by comparing every hash with every other, as the peers do."""
    began = time.monotonic()
    paths = sorted(planted.family)
    codes = np.stack([np.packbits(hashed(path).ravel()) for path in paths])
    kinds: dict[Pair, str] = {}
    for row in range(len(paths) - 1):
        apart = np.bitwise_count(codes[row + 1 :] ^ codes[row]).sum(axis=1)
        for other in np.flatnonzero(apart <= most):
            kinds[paths[row], paths[row + 1 + int(other)]] = "same-picture"
    return kinds, time.monotonic() - began


def peers() -> dict[str, tuple[Callable[[str], np.ndarray], int]]:
    """Return the methods of others that can be had: how a path is hashed, and the bits allowed."""
    had: dict[str, tuple[Callable[[str], np.ndarray], int]] = {}
    if find_spec("imagededup"):
        from imagededup.methods import DHash, PHash

        for name, method in (("imagededup phash", PHash()), ("imagededup dhash", DHash())):
            had[name] = (_of_imagededup(method), 10)
    if find_spec("imagehash"):
        had["czkawka's default"] = (_gradient, 5)
    return had


def _of_imagededup(method: object) -> Callable[[str], np.ndarray]:
    def hashed(path: str) -> np.ndarray:
        written = method.encode_image(image_file=path)  # type: ignore[attr-defined]
        return np.array([int(bit) for bit in f"{int(written, 16):064b}"], bool)

    return hashed


def _gradient(path: str) -> np.ndarray:
    import imagehash
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        upright = ImageOps.exif_transpose(opened)
        small = upright.convert("L").resize((17, 16), Image.Resampling.NEAREST)
        return np.asarray(imagehash.dhash(small, hash_size=16).hash)


def judged(planted: Planted, kinds: dict[Pair, str], method: str) -> dict[str, object]:
    """Print and return recall by edit, precision of pairs and the share of kinds named right."""
    expected = {edit.name: edit.kind for edit in EDITS}
    found: dict[str, list[bool]] = defaultdict(list)
    small: dict[str, list[bool]] = defaultdict(list)
    named: dict[str, list[bool]] = defaultdict(list)
    for edit, source, copy, side in planted.copies:
        kind = kinds.get(ordered(source, copy))
        (found if side >= LEAST_SIDE else small)[edit].append(kind is not None)
        if kind is not None:
            named[edit].append(kind == expected[edit])
    trues: dict[str, list[bool]] = defaultdict(list)
    by_kind: dict[str, list[bool]] = defaultdict(list)
    wrong: list[str] = []
    for (one, other), kind in kinds.items():
        same = planted.family[one] == planted.family[other]
        by_kind[kind].append(same)
        if not same and kind != "similar":
            wrong.append(f"{kind}: {Path(one).stem} and {Path(other).stem}")
        for edit in {planted.edits.get(one, "source"), planted.edits.get(other, "source")}:
            trues[edit].append(same)
    true = sum(sum(each) for each in by_kind.values())
    right = [each for shares in named.values() for each in shares]
    row: dict[str, object] = {
        "method": method,
        "pairs": len(kinds),
        "false_pairs": len(kinds) - true,
        "precision": true / len(kinds) if kinds else 1.0,
        "named_right": float(np.mean(right)) if right else None,
        "recall": {edit: [sum(each), len(each)] for edit, each in found.items()},
        "recall_small": {edit: [sum(each), len(each)] for edit, each in small.items()},
        "precision_by_edit": {edit: [sum(each), len(each)] for edit, each in trues.items()},
        "precision_by_kind": {kind: [sum(each), len(each)] for kind, each in by_kind.items()},
        "named": {edit: [sum(each), len(each)] for edit, each in named.items()},
        "wrong": wrong,
    }
    _print_judged(row)
    return row


def _print_judged(row: Mapping[str, Any]) -> None:
    print(
        f"{row['method']}: {row['pairs']} pairs, {row['false_pairs']} of different photos, "
        f"precision {row['precision']:.5f}, kinds named right {row['named_right'] or 0:.3f}"
    )
    for kind, (right, of) in sorted(row["precision_by_kind"].items()):
        print(f"    {kind}: {of} pairs, precision {right / of:.5f}")
    for pair in row["wrong"][:_SHOWN]:
        print(f"    different photos, {pair}")


def dropped(planted: Planted, found: Run) -> dict[str, object]:
    """Print and return how many copies of each edit that is no change the plan drops."""
    gone = {entry.path: entry.keeper for entry in found.plan if entry.action == "drop"}
    wrong = [
        path for path, keeper in gone.items() if planted.family[path] != planted.family[keeper]
    ]
    shares: dict[str, list[int]] = {}
    copies = {edit.name for edit in EDITS if edit.kind == "same-picture"}
    for edit, source, copy, _ in planted.copies:
        if edit in copies:  # one of the two goes, or both for a third
            went, asked = shares.setdefault(edit, [0, 0])
            shares[edit] = [went + (copy in gone or source in gone), asked + 1]
    print(f"the plan drops {len(gone)} files, {len(wrong)} for another photo")
    print("    " + ", ".join(f"{edit} {went}/{of}" for edit, (went, of) in shares.items()))
    return {"dropped": shares, "false_drops": wrong}


def table(rows: list[dict[str, object]], measure: str) -> None:
    """Print a measure by edit, a column for each method."""
    print(f"{measure:20}" + "".join(f"{row['method']!s:>20}" for row in rows) + "   of ours")
    for edit in [*(edit.name for edit in EDITS), *(("source",) * measure.startswith("prec"))]:
        shares, many = "", 0
        for row in reversed(rows):
            counted = row[measure]
            assert isinstance(counted, dict)
            hits, many = counted.get(edit, (0, 0))
            shares = f"{hits / many if many else float('nan'):20.3f}" + shares
        print(f"{edit:20}{shares}{many:9}")


def behind(rows: list[dict[str, object]]) -> None:
    """Print where another method found more of an edit than ours does, or was more precise."""
    ours, *others = rows
    for other in others:
        for measure in ("recall", "precision_by_edit"):
            mine, theirs = ours[measure], other[measure]
            assert isinstance(mine, dict) and isinstance(theirs, dict)
            for edit in sorted(mine.keys() & theirs.keys()):
                (hits, many), (found, asked) = mine[edit], theirs[edit]
                if found / asked > hits / many:
                    print(
                        f"behind {other['method']} in {measure} of {edit}: "
                        f"{hits} of {many}, {found} of {asked}"
                    )


@click.command()
@click.option(
    "--only",
    "sets",
    type=click.Choice(SETS),
    multiple=True,
    help="Sets to measure; repeat it. [default: all]",
)
@click.option("--families", default=25, show_default=True, help="Of each kind of drawn document.")
@click.option("--objects", "shown", default=500, show_default=True, help="Drawn objects.")
@click.option("--count", default=200, show_default=True, help="Photos that copies are made of.")
@click.option("--seed", default=0, show_default=True)
def main(sets: tuple[str, ...], families: int, shown: int, count: int, seed: int) -> None:
    """Plant, find, compare."""
    chosen = sets or SETS
    with tempfile.TemporaryDirectory() as drawn:
        for name, measure, many in (
            ("documents", documents, families),
            ("objects", objects, shown),
        ):
            if name in chosen:
                keep("duplicates", {name: many, "seed": seed}, [measure(Path(drawn), many, seed)])
    if "photos" in chosen:
        _photos(count, seed)


def _photos(count: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        photos.mkdir()
        planted = Planted(photos, data_folder(), count, seed)
        print(f"{len(planted.family)} files of {len(set(planted.family.values()))} photos")
        found = run(photos, Path(folder) / "library")
        mixed = sum(len({planted.family[path] for path in group}) > 1 for group in found.groups)
        rows = [judged(planted, found.kinds, "sightline")]
        rows[0] |= {"groups": len(found.groups), "false_merges": mixed, "seconds": found.seconds}
        rows[0] |= dropped(planted, found)
        print(
            f"{len(found.groups)} groups, {mixed} with different photos; indexed in "
            f"{found.seconds['index']:.0f} s, found in {found.seconds['find']:.0f} s, planned in "
            f"{found.seconds['plan']:.0f} s"
        )
        for name, (hashed, most) in peers().items():
            others, took = by_hash(planted, hashed, most)
            rows.append(judged(planted, others, name) | {"seconds": {"find": took}})
        for model in ("mini", RECOMMENDED):
            if model != "mini" and not cached(model):
                print(f"{model}: its weights are not on this machine")
                continue
            seen, took = with_vectors(planted, Path(folder) / "library", model)
            rows.append(judged(planted, seen, f"with {model}") | {"seconds": {"find": took}})
    table(rows, "recall")
    table(rows, "precision_by_edit")
    behind(rows)
    keep("duplicates", {"count": count, "seed": seed}, rows)


if __name__ == "__main__":
    main()
