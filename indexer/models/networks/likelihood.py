"""A captioner as a pair scorer: how likely is it to say this text of this image.

Mean log-likelihood of a text's tokens, corrected for how likely the words are without looking:
VisualGPTScore of Lin et al., "Revisiting the Role of Language Priors in Vision-Language
Models", ICML 2024, which estimates the prior with images that show nothing. There the
probabilities of those images are averaged; here their logarithms are, so that one image of
noise that happens to suit the words does not outweigh the others.
"""

from collections.abc import Sequence

import numpy as np
import torch
from transformers.models.blip.modeling_blip import BlipForConditionalGeneration

from indexer.models.calibration import NOISY, Calibration, neutral_images
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.cross_encoder import CrossEncoder, Sentences
from indexer.models.protocols import Pixels, Scores
from indexer.models.runtime.inference import inference

SCORE_WEIGHT = 1.0  # of a cosine beside nats a token, whose differences are a few tenths


class LikelihoodScorer(CrossEncoder):
    """BLIP's captioner asked how well it could have said the text."""

    kind = BlipForConditionalGeneration
    has_prior = True

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self.calibration = Calibration.read(checkpoint.folder) if checkpoint.folder else None
        self.calibrated = self.calibration is not None
        # A flat curve makes small log-odds of the same nats: the cosine must not gain by it.
        slope = self.calibration.likelihood if self.calibration else 1.0
        self.score_weight = SCORE_WEIGHT * slope
        self._neutral: torch.Tensor | None = None  # features, once they were needed

    @inference
    def score(self, pixels: Pixels, texts: Sequence[str]) -> Scores:
        """Score every pair: (n, size, size, 3) uint8 and t texts → (n, t) float32.

        A probability where the checkpoint is calibrated, else nats a token above the prior.
        A text longer than the model's context is cut there. Raises InvalidArgument for pixels
        of another shape or type, BrokenModel where a score is not a number.
        """
        pixels = self._checked(pixels)
        if not len(pixels) or not len(texts):
            return np.zeros((len(pixels), len(texts)), np.float32)
        likelihood, prior = self._measured(pixels, texts)
        if self.calibration is None:
            return self._finite(likelihood - prior)
        matched = self.calibration.match(likelihood.numpy(), prior.numpy())
        return self._finite(torch.from_numpy(matched))

    @inference
    def measure(self, pixels: Pixels, texts: Sequence[str]) -> tuple[Scores, Scores]:
        """Return what a calibration is fitted on: likelihoods (n, t) and priors (t,) float32.

        Both in nats a token, end token included; n and t are at least 1.
        """
        likelihood, prior = self._measured(self._checked(pixels), texts)
        return self._finite(likelihood), self._finite(prior)

    def _measured(self, pixels: Pixels, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        sentences = self._sentences(texts)
        if self._neutral is None:
            with torch.inference_mode():
                neutral, rows = neutral_images(self.image_spec.size), torch.arange(1 + NOISY)
                self._neutral = self._image_features(self._pixel_values(neutral, rows))
        return self._score_matrix(pixels, sentences), self._score_features(
            self._neutral, sentences
        ).mean(0)

    def _first(self) -> int:
        return int(self._network.config.text_config.bos_token_id)

    def _sentences(self, texts: Sequence[str]) -> Sentences:
        sentences = super()._sentences(texts)
        # The tokenizer opens as for reading; the captioner was taught to speak after this one.
        sentences.tokens[:, 0] = self._first()
        return sentences

    def _score_pairs(
        self, features: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        output = self._network.text_decoder(
            input_ids=tokens,
            attention_mask=mask,
            encoder_hidden_states=features,
            encoder_attention_mask=features.new_ones(features.shape[:2], dtype=torch.long),
            use_cache=False,
        )
        log_probs = output.logits[:, :-1].float().log_softmax(2)  # (m, length - 1, vocabulary)
        chosen = log_probs.gather(2, tokens[:, 1:, None])[:, :, 0]
        kept = mask[:, 1:]
        mean: torch.Tensor = (chosen * kept).sum(1) / kept.sum(1)
        return mean
