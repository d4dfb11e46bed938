"""How far are our perceptual hashes from the ones that Meta published for its bridge photos?

    SIGHTLINE_DATA=… uv run python -m benchmarks.pdq_conformance

Twelve edits of one photo (reference/pdq-bridge) are hashed as they lie and through the thumbnail
that the product looks at, beside the hashes that PDQ's own README lists; 10 bits of 256 are
allowed. What this nearness costs is told by photos of imagenet-sample: the bits between each, at
its thumbnail's size, and copies that are shrunk, mirrored and re-encoded, of which
`Thresholds.hash_distance` allows 40.
"""

import re
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageOps

from benchmarks.rows import data_folder, keep
from indexer.images.fingerprint import perceptual_hashes
from indexer.images.thumbnail import thumbnail

ALLOWED = 10  # bits, at a quality of 80 or more
_FOLDER = Path("reference/pdq-bridge/pdq")
_PUBLISHED = re.compile(r"^([0-9a-f]{64}),(\d+),\S*/(\S+)$", re.MULTILINE)
_SHARES = (0.25, 0.5, 0.75)


def published(folder: Path) -> dict[str, np.ndarray]:
    """Read what the README lists: file name → hash (32,) uint8."""
    listed = _PUBLISHED.findall((folder / "python" / "README.md").read_text())
    return {name: np.frombuffer(bytes.fromhex(digits), np.uint8) for digits, _, name in listed}


def through_thumbnail(image: Image.Image) -> Image.Image:
    """Return what the product sees of an image."""
    with Image.open(BytesIO(thumbnail(image))) as stored:
        return stored.convert("RGB")


def bridge(folder: Path) -> Iterator[dict[str, object]]:
    """Hash every listed photo in both ways."""
    for name, theirs in published(folder).items():
        with Image.open(folder / "data" / "bridge-mods" / name) as image:
            raw = image.convert("RGB")
        row: dict[str, object] = {"file": name, "published": theirs.tobytes().hex()}
        for way, seen in (("raw", raw), ("thumbnail", through_thumbnail(raw))):
            hashes, quality = perceptual_hashes(seen)
            row[way] = {
                "ours": hashes[0].tobytes().hex(),
                "bits": int(np.bitwise_count(hashes[0] ^ theirs).sum()),
                "quality": quality,
            }
        yield row


def copies(image: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """Yield copies of an image, each with its name."""
    for share in _SHARES:
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        shrunk = image.resize(size, Image.Resampling.BICUBIC)
        yield f"{share}", shrunk
        yield f"{share} mirrored", ImageOps.mirror(shrunk)
    yield "mirrored", ImageOps.mirror(image)
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=20)
    with Image.open(encoded) as read:
        yield "JPEG q20", read.convert("RGB")


def kept_near(photos: list[Path]) -> Iterator[dict[str, object]]:
    """Measure the bits between photos and their copies, and the milliseconds a hash takes."""
    for path in photos:
        with Image.open(path) as image:
            original = through_thumbnail(image.convert("RGB"))
        began = time.perf_counter()
        (base, *_), quality = perceptual_hashes(original)
        taken = (time.perf_counter() - began) * 1000
        bits = {
            name: int(
                np.bitwise_count(perceptual_hashes(through_thumbnail(copy))[0] ^ base)
                .sum(axis=1)
                .min()
            )
            for name, copy in copies(original)
        }
        yield {
            "file": path.name,
            "size": original.size,
            "quality": quality,
            "ms": round(taken, 2),
            "bits": bits,
        }


def _print_bridge(rows: list[dict[str, object]]) -> None:
    for row in rows:
        print(f"{row['file']}\n  published          {row['published']}")
        for way in ("raw", "thumbnail"):
            seen = row[way]
            assert isinstance(seen, dict)
            told = f"{seen['bits']:2} bits, quality {seen['quality']}"
            print(f"  ours, {way:<12} {seen['ours']}  {told}")
            if seen["bits"] > ALLOWED:
                print(f"  more than the {ALLOWED} bits allowed")


def _print_copies(rows: list[dict[str, object]]) -> None:
    told = [bits for row in rows if isinstance(bits := row["bits"], dict)]
    for name in told[0]:
        each = np.array([bits[name] for bits in told])
        print(
            f"{name:>14}: median {np.median(each):4.1f}, p99 {np.percentile(each, 99):4.1f}, "
            f"most {each.max()}"
        )
    every = np.array([list(bits.values()) for bits in told])
    print(
        f"{'all':>14}: median {np.median(every):4.1f}, p99 {np.percentile(every, 99):4.1f}, "
        f"most {every.max()}, of {every.size}"
    )
    print(f"{np.median([row['ms'] for row in rows]):.2f} ms an image")


@click.command()
@click.option("--count", default=40, show_default=True, help="Photos whose copies are hashed.")
def main(count: int) -> None:
    """Print published hashes, ours and the bits between them, then how near copies stay."""
    data = data_folder()
    hashed = list(bridge(data / _FOLDER))
    _print_bridge(hashed)
    found = sorted((data / "imagenet-sample").glob("*.JPEG"))
    photos = found[:: max(1, len(found) // count)][:count]
    near = [row for row in kept_near(photos) if int(str(row["quality"])) >= 50]
    _print_copies(near)
    keep("bridge", {"count": count}, [*hashed, *near])


if __name__ == "__main__":
    main()
