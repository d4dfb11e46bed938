"""Reranking: the best images are scored with the words by a cross-encoder."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from indexer.images.limits import Limits
from indexer.models.protocols import PairScorer, Scores
from search.hits import Hit
from search.images import ImageReader
from search.query import Term
from storage.errors import ModelError
from storage.library import Library

Values = npt.NDArray[np.float64]

_SURE = 1e-6  # nearer to 0 or 1 than this, float32 probabilities differ only by rounding


def log_odds(match: npt.ArrayLike) -> Values:
    """Return ln(p / (1 − p)) of probabilities, first clipped to 1e-6 … 1 − 1e-6."""
    sure = np.clip(np.asarray(match, np.float64), _SURE, 1 - _SURE)
    odds: Values = np.log(sure) - np.log1p(-sure)
    return odds


def combine(match: npt.ArrayLike, score: npt.ArrayLike, weight: float) -> Values:
    """Return the ranking score: log-odds of the match plus `weight` × first-stage cosine.

    The two stages make different errors; BLIP ranks by ITM plus ITC for that reason (Li et al.,
    ICML 2022). The weight is the scorer's own, `PairScorer.score_weight`.
    """
    return log_odds(match) + weight * np.asarray(score, np.float64)


def combine_likelihood(likelihood: npt.ArrayLike, score: npt.ArrayLike, weight: float) -> Values:
    """Return the ranking score for a scorer without probabilities."""
    return np.asarray(likelihood, np.float64) + weight * np.asarray(score, np.float64)


def joined_match(scores: Scores, weights: Sequence[float]) -> Values:
    """Combine the terms' probabilities, (n, t) → (n,), by the weighted mean of their log-odds.

    A minus term counts with the log-odds of its absence, its own negated. A single plus term keeps
    its probability, even 0 or 1.
    """
    if len(weights) == 1 and weights[0] > 0:
        return np.asarray(scores, np.float64)[:, 0]
    return 1 / (1 + np.exp(-_mean(log_odds(scores), weights)))


def joined_likelihood(scores: Scores, weights: Sequence[float]) -> Values:
    """Combine the terms' log-likelihoods, (n, t) → (n,), by their weighted mean with signs."""
    return _mean(np.asarray(scores, np.float64), weights)


def _mean(values: Values, weights: Sequence[float]) -> Values:
    shares = np.asarray(weights, np.float64)
    mean: Values = values @ shares / np.abs(shares).sum()
    return mean


class Reranker:
    """Reranks hits with a pair scorer; `images` counts those that could not be read."""

    def __init__(self, library: Library, scorer: PairScorer, limits: Limits) -> None:
        self._scorer = scorer
        self.images = ImageReader(library, limits)

    def reread(self, hits: Sequence[Hit], terms: Sequence[Term], depth: int) -> list[Hit]:
        """Return the hits with the first `depth` images in the order of the scorer.

        Only they change places among each other: texts, unreadable images and images below
        the depth keep the places of the first stage. `terms` are words.
        """
        places = [place for place, hit in enumerate(hits) if hit.item.kind == "image"][:depth]
        read = self._read([hits[place] for place in places], terms)
        slots = [place for place in places if hits[place].item.id in read]
        best_first = sorted(
            (read[hits[place].item.id] for place in slots), key=lambda pair: -pair[0]
        )
        ordered = list(hits)
        for place, (_, hit) in zip(slots, best_first, strict=True):
            ordered[place] = hit
        return ordered

    def _read(self, hits: Sequence[Hit], terms: Sequence[Term]) -> dict[int, tuple[float, Hit]]:
        """Score the readable images: item → (ranking score, hit with its match)."""
        by_item = {hit.item.id: hit for hit in hits}
        read: dict[int, tuple[float, Hit]] = {}
        items = [hit.item for hit in hits]
        for batch in self.images.batches(items, self._scorer.image_spec):
            seen = [(by_item[one.item.id], one.pixels) for one in batch if one.pixels is not None]
            if seen:
                pixels = np.stack([pixels for _, pixels in seen])  # (n, size, size, 3) uint8
                scores = self._scorer.score(pixels, [term.value for term in terms])
                read.update(self._rank([hit for hit, _ in seen], scores, terms))
        return read

    def _rank(
        self, hits: Sequence[Hit], scores: Scores, terms: Sequence[Term]
    ) -> dict[int, tuple[float, Hit]]:
        if not np.isfinite(scores).all():
            raise ModelError(
                f"the model {self._scorer.name} gave a score that is no number: its weights are "
                "damaged, fetch them again or name another {rerank_model}",
                others=("rerank_model",),
            )
        cosines = [hit.score for hit in hits]
        weights = [term.weight for term in terms]
        share = self._scorer.score_weight
        if self._scorer.calibrated:
            said = joined_match(scores, weights)
            values = combine(said, cosines, share)
            new = [replace(hit, match=float(one)) for hit, one in zip(hits, said, strict=True)]
        else:
            said = joined_likelihood(scores, weights)
            values = combine_likelihood(said, cosines, share)
            new = [replace(hit, likelihood=float(one)) for hit, one in zip(hits, said, strict=True)]
        return {hit.item.id: (float(value), hit) for hit, value in zip(new, values, strict=True)}
