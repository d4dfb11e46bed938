"""What does it cost that mini's weights are stored as fp16?

    uv run python -m benchmarks.fp16_loss

The weights before rounding are not kept, but each lies within half a unit of the last place of
the stored one. So: draw several fp32 models from that neighbourhood, any of which would round to
the shipped file, and compare their Recall@1 on the held-out scenes with the shipped file's.
"""

import click
import torch

from benchmarks.metrics import recall_at
from benchmarks.retrieval import compared
from benchmarks.rows import keep
from indexer.models.mini.scenes.scenes import held_out
from indexer.models.mini.weights import CLIP_DIRECTORY
from indexer.models.networks.open_clip import OpenClipEncoder
from indexer.models.registry import load


def unrounded(network: torch.nn.Module, seed: int) -> None:
    """Move every weight by up to half a unit of fp16's last place, so that it rounds back."""
    generator = torch.Generator().manual_seed(seed)
    for weight in network.parameters():
        stored = weight.data.half()
        above = torch.nextafter(stored, torch.full_like(stored, torch.inf))
        unit = (above - stored).float()
        moved = (torch.rand(weight.shape, generator=generator) - 0.5) * 0.99 * unit
        weight.data += moved


@click.command()
@click.option("--models", default=5, show_default=True, help="fp32 models to draw.")
@click.option("--count", default=1000, show_default=True, help="Held-out scenes.")
def main(models: int, count: int) -> None:
    """Print Recall@1 and @5 of the shipped weights and of fp32 weights that round to them."""
    scenes = held_out(count)
    rows = []
    for seed in range(models + 1):
        encoder = load(str(CLIP_DIRECTORY), device="cpu")
        assert isinstance(encoder, OpenClipEncoder)
        if seed:
            unrounded(encoder._network, seed)
        places = compared(scenes, 64, encoder)
        row = {"seed": seed, "r1": recall_at(places, 1), "r5": recall_at(places, 5)}
        rows.append(row)
        what = f"fp32 weights, draw {seed}" if seed else "stored fp16 weights"
        print(f"{what}: R@1 {row['r1']:.4f}, R@5 {row['r5']:.4f}")
    keep("rounding", {"count": count}, rows)


if __name__ == "__main__":
    main()
