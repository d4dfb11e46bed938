import math

import numpy as np
import pytest

from indexer.models.mini.training.calibration import fit


def test_a_curve_is_found_that_pairs_were_drawn_from() -> None:
    rng = np.random.default_rng(0)
    likelihoods, priors = rng.normal(-1, 0.5, 4000), rng.normal(-2, 0.3, 4000)
    odds = 4 * likelihoods - 1 * priors + 2
    true = rng.random(4000) < 1 / (1 + np.exp(-odds))
    curve = fit(likelihoods.tolist(), priors.tolist(), true.tolist())
    # True and false pairs weigh alike, which shifts the offset by their odds and nothing else.
    shift = math.log((~true).sum() / true.sum())
    assert curve["likelihood"] == pytest.approx(4, abs=0.5)
    assert curve["prior"] == pytest.approx(-1, abs=0.5)
    assert curve["offset"] == pytest.approx(2 + shift, abs=0.8)
