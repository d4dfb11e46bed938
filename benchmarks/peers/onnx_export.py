"""The towers of an open_clip checkpoint as ONNX files, in the form that rclip publishes its own.

    uv run --with onnx python -m benchmarks.peers.onnx_export CHECKPOINT FOLDER

fp32, opset 18, one input called `input` (pixels (n, 3, size, size) float32, or tokens (n, context)
int64), one output called `output`, any number of rows: what rclip's `scripts/convert_model.py`
says of its published models.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import torch

from indexer.models import fetch
from indexer.models.networks.open_clip import build, fill

OPSET = 18


class TextTower(torch.nn.Module):
    """The text half of a network, as a network."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: torch.Tensor) -> Any:
        """Encode tokens: (n, context) int64 → (n, dim)."""
        return self.network.encode_text(tokens)


def export(checkpoint: Path, folder: Path) -> None:
    """Write `visual.onnx` and `textual.onnx` of a checkpoint into a folder."""
    found = fetch(str(checkpoint))
    config = found.open_clip
    assert config is not None and found.weights is not None
    network = build(config, found.name)
    fill(network, found.weights, private=True)
    network.float().eval()
    size = config.image_spec.size
    pixels = torch.zeros(1, 3, size, size)
    tokens = torch.zeros(1, config.context, dtype=torch.long)
    _write(network.visual, pixels, folder / "visual.onnx")
    _write(TextTower(network), tokens, folder / "textual.onnx")


def _write(tower: torch.nn.Module, example: torch.Tensor, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter rclip used is deprecated, and says so
        torch.onnx.export(
            tower,
            (example,),
            str(path),
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "rows"}, "output": {0: "rows"}},
            opset_version=OPSET,
            dynamo=False,
        )


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
