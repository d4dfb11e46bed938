"""What benchmarks make once and keep between runs: the tower, large photos, and many photos."""

import shutil
import tempfile
from pathlib import Path

import click

from benchmarks.downscaling import enlarged
from benchmarks.random_towers import random_tower
from benchmarks.rows import data_folder

work_option = click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=Path(tempfile.gettempdir()) / "sightline-benchmarks",
    show_default=True,
    help="Where the compared program, the weights and the large photos are kept between runs.",
)


def kept_tower(work: Path, architecture: str) -> Path:
    """Return the tower of random weights of an architecture, made at the first call."""
    folder = work / architecture
    if not folder.exists():
        draft = _draft(folder)
        random_tower(draft, architecture)
        draft.rename(folder)
    return folder


def small_photos() -> list[Path]:
    """List the 334 photos of about 500 pixels: those of `imagenet-sample`."""
    return sorted((data_folder().resolve() / "imagenet-sample").glob("*.[jJ][pP]*"))


def large_photos(work: Path, count: int = 120) -> list[Path]:
    """Return photos of 12 megapixels, made of the first small ones at the first call."""
    folder = work / f"{count} photos of 12 megapixels"
    if not folder.exists():
        draft = _draft(folder)
        draft.mkdir(parents=True)
        for seed, photo in enumerate(small_photos()[:count]):
            (draft / f"{photo.stem}.jpg").write_bytes(enlarged(photo, seed))
        draft.rename(folder)
    return sorted(folder.iterdir())


def many_photos(folder: Path, count: int) -> Path:
    """Make a folder of small photos of which no two have the same bytes."""
    folder.mkdir(parents=True)
    originals = [photo.read_bytes() for photo in small_photos()]
    for number in range(count):
        distinct = originals[number % len(originals)] + f"\n{number}".encode()
        (folder / f"{number:06}.jpg").write_bytes(distinct)
    return folder


def _draft(folder: Path) -> Path:
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    return draft
