"""Every image against every text: features once an image, then pairs in full batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import torch

from indexer.models.calibration import Calibration
from indexer.models.compiled.text_tokenizer import TokenizerSpec
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.pretrained import tokenizer_file
from indexer.models.networks.traceable import ANY, Forward, Traceable, of_pixels
from indexer.models.networks.transformers_model import TransformersModel
from indexer.models.protocols import Pixels, Scores
from indexer.models.runtime.device import in_batches
from storage.errors import BrokenModel, InvalidArgument


@dataclass(frozen=True, slots=True)
class Sentences:
    """Texts as tokens: tokens and mask (t, length) int64 on the device, shortest first."""

    tokens: torch.Tensor
    mask: torch.Tensor
    order: torch.Tensor  # (t,) where each row stood among the texts

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return tokens and mask of some rows, as short as the longest of them."""
        mask = self.mask[rows]
        length = int(mask.sum(1).max())
        return self.tokens[rows, :length], mask[:, :length]


class CrossEncoder(TransformersModel):
    """A model with an image tower and a text stack that looks across at its features."""

    calibrated: bool
    score_weight: float
    has_prior: ClassVar[bool] = False  # scores are set against those of images of nothing
    calibration: Calibration | None = None  # what makes a probability of likelihood and prior

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self.context = self._longest(self._network.config.text_config)
        self._pairs = self._batch  # pairs at a time; images at a time is another matter

    def traceables(self) -> dict[str, Traceable]:
        """Return the image tower, "image", and what scores a pair, "pair", for a compiler.

        "pair" takes features (m, places, width) of images, tokens and mask (m, l) → (m,).
        """
        side = self.image_spec.size
        image = of_pixels(self._network, self._square_features, side)
        texts = self._sentences(["a photo", "two photos of three birds"])
        with torch.inference_mode():
            features = self._square_features(image.examples[0])
        shape = (ANY, *features.shape[1:])
        inputs = (torch.rand(features.shape), texts.tokens, texts.mask)
        pair = Traceable(
            Forward(self._network, self._score_pairs), inputs, (shape, (ANY, ANY), (ANY, ANY))
        )
        return {"image": image, "pair": pair}

    def tokenizer_file(self, folder: Path) -> TokenizerSpec:
        """Write the tokenizer for a run without this library; raises NotTraceable."""
        return tokenizer_file(
            self._tokenizer, folder, self.context or 0, masked=True, first=self._first()
        )

    def token_rows(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], ...]:
        """Return what `traceables` takes of texts: tokens and mask (n, l)."""
        sentences = self._sentences(texts)
        back = sentences.order.argsort()
        return sentences.tokens[back].numpy(), sentences.mask[back].numpy()

    def _first(self) -> int | None:
        """Return the token that stands before every text, where it is not the tokenizer's."""
        return None

    def _square_features(self, squares: torch.Tensor) -> torch.Tensor:
        return self._image_features(self._normalised(squares))

    def _score_pairs(
        self, features: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """Score m pairs: (m, places, width) features, (m, length) tokens and mask → (m,)."""
        raise NotImplementedError

    def _sentences(self, texts: Sequence[str]) -> Sentences:
        """Tokenise texts, each cut at the length that the text stack takes."""
        if isinstance(texts, str):
            raise InvalidArgument("a scorer takes a list of texts, not one string")
        encoded = self._tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self.context,
            return_tensors="pt",
        )
        order = encoded["attention_mask"].sum(1).argsort(stable=True)
        tokens, mask = encoded["input_ids"][order], encoded["attention_mask"][order]
        return Sentences(tokens.to(self._device), mask.to(self._device), order)

    def _score_matrix(self, pixels: Pixels, texts: Sentences) -> torch.Tensor:
        """Score each image with each text: (n, t) float32 on the CPU, in the texts' order."""

        def score(rows: torch.Tensor) -> torch.Tensor:
            features = self._image_features(self._pixel_values(pixels, rows))
            return self._score_features(features, texts)

        return self._in_batches(torch.arange(len(pixels)), score)

    def _image_features(self, pixel_values: torch.Tensor) -> torch.Tensor:
        output = self._network.vision_model(pixel_values=pixel_values)
        return cast(torch.Tensor, output.last_hidden_state)

    def _score_features(self, features: torch.Tensor, texts: Sentences) -> torch.Tensor:
        """Score features (n, places, width) with each text: (n, t) float32 on the CPU."""
        count = len(features)

        def score(pairs: torch.Tensor) -> torch.Tensor:
            # Text after text, so that a batch is of one length or nearly so.
            pairs = pairs.to(self._device)
            tokens, mask = texts.take(pairs // count)
            return self._score_pairs(features[pairs % count], tokens, mask).float()

        with torch.inference_mode():
            every = torch.arange(count * len(texts))
            scored, self._pairs = in_batches(every, self._pairs, score)
        result = torch.empty(count, len(texts))
        result[:, texts.order] = scored.view(len(texts), count).T
        return result

    def _finite(self, scores: torch.Tensor) -> Scores:
        rows: Scores = scores.numpy().astype(np.float32)
        if not np.isfinite(rows).all():
            raise BrokenModel(
                f"the model {self.name} returned a score that is not a number; its weights are "
                f"damaged: fetch them again"
            )
        return rows
