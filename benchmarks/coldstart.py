"""What does one question cost a fresh process, beside rclip: time, processor and memory?

    SIGHTLINE_DATA=… uv run python -m benchmarks.coldstart

Whole commands with the files in memory, in turn, with the same ViT-B/32-256 of random weights for
both programs, over 1,000 and over 100,000 images: random unit vectors, entered straight into both
databases. Each repetition asks by words that were never asked before, asks the same words again,
and asks by a photo; rclip is told not to look for new photos first (`--no-indexing`). Memory is the
peak of the largest process. Apart from that, each kind of question is asked once inside a process
that says which of the heavy libraries it has imported.
"""

import secrets
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

import click

from benchmarks.nearest import blocks, fill, image_path
from benchmarks.peers.rclip import ARCHITECTURE, Rclip
from benchmarks.process_tree import Command, run
from benchmarks.rows import keep
from benchmarks.sightline_command import SightlineCommand
from benchmarks.work_folder import kept_tower, many_photos, small_photos, work_option
from storage import Library, Space

FEW, MANY = 1_000, 100_000
WORDS, AGAIN, IMAGE = "words", "the same words again", "a photo"
PROGRAMS = ("sightline", "rclip")
SHOWN = ("wall_seconds", "user_seconds", "system_seconds", "peak_rss_bytes")
# What is wanted: our wall time as a share of rclip's, seconds, and megabytes.
RATIOS = {(WORDS, FEW): 0.8, (WORDS, MANY): 0.25, (IMAGE, FEW): 1.0, (IMAGE, MANY): 1.0}
AGAIN_SECONDS, MEGABYTES = 0.4, 400
Row = dict[str, object]


class Collection:
    """The same made-up images in a library of each program."""

    def __init__(self, folder: Path, count: int, space: Space, home: Path, rclip: Rclip) -> None:
        self.count, self._rclip = count, rclip
        self._photos = folder / "photos"
        self._photos.mkdir(parents=True)
        self.sightline = SightlineCommand(folder / "library", home)
        self._data = rclip.library(folder / "rclip")
        with Library.create(self.sightline.library) as library:
            number = fill(library, count, space, str(self._photos))
            with library.writing("index"):
                library.refresh_builds(number)
        for numbers, matrix in blocks(count):
            paths = [image_path(number, str(self._photos)) for number in numbers]
            rclip.enter(self._data, self._photos, paths, matrix)

    def questions(self, photo: Path) -> dict[str, dict[str, Command]]:
        """Return, by kind, one question for each program; the words were never asked before."""
        words = f"a red kite over the sea, number {secrets.randbelow(10**9)}"
        by_words = {"sightline": self.sightline.search(words), "rclip": self._peer(words)}
        by_photo = {
            "sightline": self.sightline.search("--image", str(photo)),
            "rclip": self._peer(str(photo)),
        }
        return {WORDS: by_words, AGAIN: by_words, IMAGE: by_photo}

    def _peer(self, query: str) -> Command:
        return self._rclip.search(self._data, self._photos, query)


def space_of(tower: Path, work: Path) -> Space:
    """Return the space of a tower, as the product registers it; makes what a first run makes."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        photos = many_photos(Path(folder) / "photos", 1)
        command = SightlineCommand(Path(folder) / "library", work)
        run(command.index(photos, tower))
        with Library.open(command.library) as library:
            space = library.space()
    assert space is not None
    return replace(space, id=None)


def measure(collection: Collection, repeat: int) -> list[Row]:
    """Ask both programs in turn; the first round is not counted, as it fills the page cache."""
    rows: list[Row] = []
    for number, photo in enumerate(small_photos()[: repeat + 1]):
        for kind, commands in collection.questions(photo).items():
            for program, command in commands.items():
                printed, usage = run(command)
                assert ".jpg" in printed, printed
                if number:
                    what = {"images": collection.count, "question": kind, "program": program}
                    rows.append({**what, **asdict(usage)})
    return rows


def imported(collection: Collection, photo: Path) -> Row:
    """Return which heavy libraries each kind of question imports into our process."""
    words = f"a blue kite over the sea, number {secrets.randbelow(10**9)}"
    asked = {WORDS: (words,), AGAIN: (words,), IMAGE: ("--image", str(photo))}
    found: Row = {"images": collection.count}
    for kind, terms in asked.items():
        printed, _ = run(collection.sightline.modules(*terms))
        found[kind] = printed.splitlines()[-1].removeprefix("modules:").split()
    return found


def print_question(rows: list[Row], count: int, kind: str) -> None:
    """Print the medians of one kind of question, the ratio, and what is wanted."""
    middle: dict[str, dict[str, float]] = {}
    for program in PROGRAMS:
        chosen = {"images": count, "question": kind, "program": program}
        mine = [row for row in rows if chosen.items() <= row.items()]
        middle[program] = {name: median(float(str(row[name])) for row in mine) for name in SHOWN}
        wall, user, system, rss = middle[program].values()
        print(
            f"{count:>7,} images, {kind}: {program:9} {wall:6.2f} s, "
            f"processor {user:5.2f} + {system:.2f} s, {rss / 1e6:5.0f} MB"
        )
    ours, theirs = (middle[program]["wall_seconds"] for program in PROGRAMS)
    if kind == AGAIN:
        print(f"  ours {ours:.2f} s (at most {AGAIN_SECONDS} s)")
    else:
        print(f"  ours/rclip {ours / theirs:.2f} (at most {RATIOS[kind, count]})")


def print_weight(rows: list[Row], heavy: Row) -> None:
    """Print the most memory that a question took, and the heavy libraries that each imported."""
    mine = [row for row in rows if row["program"] == "sightline"]
    most = max(int(str(row["peak_rss_bytes"])) for row in mine) / 1e6
    print(
        f"  ours took at most {most:.0f} MB (below {MEGABYTES} MB) and imported (nothing wanted):"
    )
    for kind in (WORDS, AGAIN, IMAGE):
        print(f"    for {kind}: {heavy[kind]}")


@click.command()
@click.option("--repeat", default=3, show_default=True)
@work_option
def main(repeat: int, work: Path) -> None:
    """Print time, processor time and memory of each kind of question, and the ratios."""
    work.mkdir(parents=True, exist_ok=True)
    tower = kept_tower(work, ARCHITECTURE)
    rclip, space = Rclip.prepare(work, tower), space_of(tower, work)
    rows: list[Row] = []
    for count in (FEW, MANY):
        with tempfile.TemporaryDirectory(dir=work) as folder:
            collection = Collection(Path(folder), count, space, work, rclip)
            measured = measure(collection, repeat)
            for kind in (WORDS, AGAIN, IMAGE):
                print_question(measured, count, kind)
            heavy = imported(collection, small_photos()[0])
        print_weight(measured, heavy)
        rows += [*measured, heavy]
    keep("coldstart", {"arch": ARCHITECTURE, "peer": rclip.versions(), "repeat": repeat}, rows)


if __name__ == "__main__":
    main()
