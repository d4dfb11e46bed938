"""What does the codec's own down-scaling change in a vector?

    SIGHTLINE_DATA=… uv run python -m benchmarks.downscaling

Makes photos of 12 megapixels out of `imagenet-sample` (enlarged, with grain, JPEG), decodes each
in full and with the codec's down-scaling as ingest does, and compares the vectors under `mini`
and under a ViT-B/32 of random weights. The median cosine between different photos stands beside
it, so that the figure means something.
"""

import tempfile
import time
from io import BytesIO
from pathlib import Path

import click
import numpy as np
from PIL import Image

from benchmarks.random_towers import random_tower
from benchmarks.rows import data_folder, keep
from indexer.images.decode import open_image
from indexer.images.preprocess import prepare, sides_needed
from indexer.models import load
from indexer.models.protocols import DualEncoder
from storage.records import Matrix

LONG_SIDE = 4000  # 4000 × 3000 is 12 megapixels
GRAIN = 6.0  # standard deviation of the grain, in levels of 255


def enlarged(path: Path, seed: int) -> bytes:
    """Make a 12-megapixel JPEG of a photo: bicubic, cut to 4:3, with grain."""
    rng = np.random.default_rng(seed)
    with Image.open(path) as small:
        upright = small.convert("RGB")
    width, height = upright.size
    short, long = sorted((width, height))
    cut = min(long, short * 4 // 3), min(short, long * 3 // 4)
    box = (0, 0, *(cut if width >= height else cut[::-1]))
    size = (LONG_SIDE, LONG_SIDE * 3 // 4)
    large = upright.resize(size if width >= height else size[::-1], Image.Resampling.BICUBIC, box)
    grain = rng.normal(0, GRAIN, (large.height, large.width, 1)).astype(np.float32)
    pixels = np.clip(np.asarray(large, np.float32) + grain, 0, 255).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def vectors(photos: list[bytes], encoder: DualEncoder, full: bool) -> tuple[Matrix, float]:
    """Encode the photos; also gives the seconds of decoding for one."""
    smallest = None if full else sides_needed(encoder.image_spec)
    began = time.perf_counter()
    squares = [
        prepare(open_image(photo, smallest=smallest).image, encoder.image_spec) for photo in photos
    ]
    seconds = (time.perf_counter() - began) / len(photos)
    return np.vstack([encoder.encode_images(square[None]) for square in squares]), seconds


@click.command()
@click.option("--count", default=60, show_default=True, help="Photos.")
def main(count: int) -> None:
    """Print how near the vectors of the two ways of decoding are."""
    names = sorted((data_folder() / "imagenet-sample").glob("*.[jJ][pP]*"))[:count]
    photos = [enlarged(name, seed) for seed, name in enumerate(names)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        tower = str(random_tower(Path(folder) / "ViT-B-32 of random weights"))
        for model in ("mini", tower):
            encoder = load(model)
            whole, slow = vectors(photos, encoder, full=True)
            scaled, fast = vectors(photos, encoder, full=False)
            scores = scaled @ whole.T  # (count, count), down-scaled by full
            own = np.diagonal(scores)
            nearest = int((scores.argmax(1) == np.arange(len(scores))).sum())
            others = float(np.median(scores[~np.eye(len(scores), dtype=bool)]))
            rows.append(
                {
                    "model": Path(model).name,
                    "own": own.tolist(),
                    "nearest_to_own": nearest,
                    "median_between_photos": others,
                    "decode_full_seconds": slow,
                    "decode_scaled_seconds": fast,
                }
            )
            print(
                f"{Path(model).name}: cosine to full decode min {own.min():.5f}, "
                f"mean {own.mean():.5f}; nearest to its own {nearest}/{len(own)}; median between "
                f"different photos {others:.4f}; reading one {slow * 1e3:.0f} ms in full, "
                f"{fast * 1e3:.0f} ms scaled"
            )
    keep("downscaling", {"count": count, "long_side": LONG_SIDE, "grain": GRAIN}, rows)


if __name__ == "__main__":
    main()
