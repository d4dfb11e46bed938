"""Mini CLIP as a teacher: its rows are what other towers learn to give."""

from pathlib import Path

import open_clip  # type: ignore[import-untyped]
import torch
from torch import Tensor

from indexer.models.mini.scenes.words import words
from indexer.models.mini.training.lessons import Ids
from indexer.models.mini.training.tokenizer import Spelling, load_tokenizer
from indexer.models.mini.weights import CLIP_DIRECTORY


class Teacher:
    """The shipped mini CLIP, frozen."""

    def __init__(self, device: torch.device, directory: Path = CLIP_DIRECTORY) -> None:
        network, _ = open_clip.create_model_from_pretrained(f"local-dir:{directory}")
        self.network = network.float().to(device).eval().requires_grad_(False)
        self._spelling = Spelling(load_tokenizer(directory), words())
        self._device = device

    def pictures(self, images: Tensor) -> Tensor:
        """Encode (n, 3, 64, 64) normalised pictures as (n, 128) unit rows."""
        with torch.no_grad(), torch.autocast(images.device.type, dtype=torch.bfloat16):
            rows: Tensor = self.network.encode_image(images, normalize=True)
        return rows.float()

    def texts(self, said: Ids) -> Tensor:
        """Encode (n, 30) word numbers as (n, 128) unit rows."""
        with torch.no_grad(), torch.autocast(self._device.type, dtype=torch.bfloat16):
            batch = torch.from_numpy(self._spelling.tokens(said)).to(self._device)
            rows: Tensor = self.network.encode_text(batch, normalize=True)
        return rows.float()
