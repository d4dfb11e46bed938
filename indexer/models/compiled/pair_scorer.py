"""A pair scorer that runs from its export: features once an image, then a score each pair."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from indexer.models.calibration import Calibration, neutral_images
from indexer.models.compiled.export import Export
from indexer.models.compiled.network import Array, CompiledNetwork
from indexer.models.protocols import ImageSpec, Pixels, Scores
from indexer.models.runtime.inference import inference
from storage.errors import BrokenModel, InvalidArgument

_IMAGES, _PAIRS = 8, 16  # at once: features of an image of 384 pixels are 1.8 MB


class CompiledScorer:
    """Scores how well texts fit images, by a matching head or by a captioner's likelihoods."""

    def __init__(self, name: str, revision: str, export: Export, threads: int) -> None:
        """Take an export of the role pair-scorer, of the model of this name and revision."""
        details = export.details
        self.name, self.revision = name, revision
        self.image_spec = ImageSpec.parse(details["preprocessing"])
        self.context: int | None = details["context"]
        self.calibrated = bool(details["calibrated"])
        self.score_weight = float(details["score_weight"])
        self.has_prior = bool(details["has_prior"])
        curve = details["calibration"]
        self._calibration = None if curve is None else Calibration(**curve)
        self._export, self._threads = export, threads
        self._tokenizer = export.text_tokenizer()

    @inference
    def score(self, pixels: Pixels, texts: Sequence[str]) -> Scores:
        """Score every pair: (n, size, size, 3) uint8 and t texts → (n, t) float32.

        A text longer than the model's context is cut there. Raises InvalidArgument for pixels
        of another shape or type, BrokenModel where a score is not a number.
        """
        if isinstance(texts, str):
            raise InvalidArgument("a scorer takes a list of texts, not one string")
        self.image_spec.check(pixels, self.name)
        if not len(pixels) or not len(texts):
            return np.zeros((len(pixels), len(texts)), np.float32)
        if self.has_prior:
            likelihood, prior = self.measure(pixels, texts)
            scores = likelihood - prior
            if self._calibration is not None:
                scores = self._calibration.match(likelihood, prior)
        else:
            scores = self._scores(pixels, texts)
        if not np.isfinite(scores).all():
            raise BrokenModel(
                f"the model {self.name} returned a score that is not a number; its weights are "
                "damaged: fetch them again"
            )
        return scores

    @inference
    def measure(self, pixels: Pixels, texts: Sequence[str]) -> tuple[Scores, Scores]:
        """Return likelihoods (n, t) and priors (t,) float32, in nats a token.

        Of a captioner alone; n and t are at least 1.
        """
        return self._scores(pixels, texts), self._scores_of(self._neutral, texts).mean(0)

    @inference
    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        return self._tokenizer.count(text)

    def _scores(self, pixels: Pixels, texts: Sequence[str]) -> Scores:
        parts = [
            self._scores_of(self._image.run(pixels[start : start + _IMAGES]), texts)
            for start in range(0, len(pixels), _IMAGES)
        ]
        return np.concatenate(parts)

    def _scores_of(self, features: Array, texts: Sequence[str]) -> Scores:
        """Score features (n, places, width) of images with each text: (n, t) float32."""
        scored = np.empty((len(features), len(texts)), np.float32)
        for number, text in enumerate(texts):
            tokens, mask = self._tokenizer.rows([text])
            for start in range(0, len(features), _PAIRS):
                part = features[start : start + _PAIRS]
                shape = (len(part), tokens.shape[1])
                rows = [np.ascontiguousarray(np.broadcast_to(one, shape)) for one in (tokens, mask)]
                scored[start : start + _PAIRS, number] = self._pair.run(part, *rows)
        return scored

    @cached_property
    def _neutral(self) -> Array:
        return self._image.run(neutral_images(self.image_spec.size))

    @cached_property
    def _image(self) -> CompiledNetwork:
        return self._export.needed("image", self._threads)

    @cached_property
    def _pair(self) -> CompiledNetwork:
        return self._export.needed("pair", self._threads)
