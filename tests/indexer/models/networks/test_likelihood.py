from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers.models.blip.modeling_blip import BlipForConditionalGeneration

from indexer.models.calibration import neutral_images
from indexer.models.networks.likelihood import LikelihoodScorer
from storage.errors import BrokenModel
from tests.indexer.models import tiny_readers as tiny

pytestmark = pytest.mark.usefixtures("briefly")
SHIPPED = "caption"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_blip(BlipForConditionalGeneration, tmp_path_factory.mktemp("caption"))


@pytest.fixture(scope="module")
def scorer(folder: Path) -> LikelihoodScorer:
    return LikelihoodScorer.load(tiny.checkpoint(folder), "cpu")


def theirs(folder: Path, pixels: Any, texts: list[str]) -> Any:
    """Ask the library's own class for the loss of each pair: (n, t) mean log-likelihoods."""
    network = tiny.library(BlipForConditionalGeneration, folder)
    tokenizer = tiny.tokenizer(folder)
    pixel_values = tiny.planes(folder, pixels)
    rows = []
    with torch.no_grad():
        for image in pixel_values:
            row = []
            for text in texts:
                tokens = tokenizer(text, return_tensors="pt").input_ids
                tokens[:, 0] = network.config.text_config.bos_token_id
                output = network(pixel_values=image[None], input_ids=tokens, labels=tokens)
                row.append(-float(output.loss))
            rows.append(row)
    return np.array(rows, np.float32)


def test_likelihood_and_prior_are_the_losses_of_the_library(both: Path) -> None:
    scorer = LikelihoodScorer.load(tiny.checkpoint(both), "cpu")
    side = scorer.image_spec.size
    likelihood, prior = scorer.measure(tiny.images(4, side), tiny.TEXTS)
    np.testing.assert_allclose(
        likelihood, theirs(both, tiny.images(4, side), tiny.TEXTS), atol=1e-4
    )
    expected = theirs(both, neutral_images(side), tiny.TEXTS).mean(axis=0)
    np.testing.assert_allclose(prior, expected, atol=1e-4)


def test_without_a_calibration_a_score_is_the_likelihood_above_the_prior(
    scorer: LikelihoodScorer,
) -> None:
    assert not scorer.calibrated
    likelihood, prior = scorer.measure(tiny.images(), tiny.TEXTS)
    scores = scorer.score(tiny.images(), tiny.TEXTS)
    assert scores.dtype == np.float32 and scores.shape == (5, len(tiny.TEXTS))
    np.testing.assert_allclose(scores, likelihood - prior, atol=1e-6)


def test_a_calibration_beside_the_weights_makes_probabilities(folder: Path, tmp_path: Path) -> None:
    fitted = tiny.copied(folder, tmp_path / "fitted")
    (fitted / "match.json").write_text('{"likelihood": 3.0, "prior": -2.0, "offset": 0.5}')
    scorer = LikelihoodScorer.load(tiny.checkpoint(fitted), "cpu")
    likelihood, prior = scorer.measure(tiny.images(), tiny.TEXTS)
    expected = 1 / (1 + np.exp(-(3 * likelihood - 2 * prior + 0.5)))
    assert scorer.calibrated
    np.testing.assert_allclose(scorer.score(tiny.images(), tiny.TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"likelihood": 1, "prior": "x", "offset": 0}', "[" * 100_000]
    + ['{"likelihood": NaN, "prior": 1, "offset": 0}', '{"likelihood": 1, "prior": 1}'],
)
def test_a_calibration_that_is_none_is_a_broken_model(
    folder: Path, tmp_path: Path, text: str
) -> None:
    spoilt = tiny.copied(folder, tmp_path / "spoilt")
    (spoilt / "match.json").write_text(text)
    with pytest.raises(BrokenModel, match=r"match\.json (must hold the numbers|cannot be)"):
        LikelihoodScorer.load(tiny.checkpoint(spoilt), "cpu")


def test_neutral_images_are_the_same_for_ever_and_read_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = LikelihoodScorer.load(tiny.checkpoint(folder), "cpu")
    counts = tiny.count_features(scorer, monkeypatch)
    for _ in range(2):
        scorer.score(tiny.images(2), tiny.TEXTS)
    assert counts == [3, 2, 2]
    drawn = neutral_images(8)
    assert drawn.shape == (3, 8, 8, 3) and drawn.dtype == np.uint8
    assert (drawn[0] == 128).all()
    assert drawn[1, 0, 0].tolist() == [172, 10, 127]
