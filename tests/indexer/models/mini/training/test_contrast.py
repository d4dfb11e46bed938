import math

import pytest
import torch
import torch.nn.functional as F

from indexer.models.mini.training.contrast import Probe, contrastive_loss
from indexer.models.mini.training.render_cache import QUESTIONS, UNSAID

NONE_ELSE = torch.zeros(4, 4, dtype=torch.bool)
TEN = torch.tensor(10.0)


def test_matched_pairs_cost_less_than_mismatched_ones() -> None:
    rows = torch.eye(4)
    matched = contrastive_loss(rows, rows, TEN, NONE_ELSE)
    mismatched = contrastive_loss(rows, rows.roll(1, 0), TEN, NONE_ELSE)
    assert float(matched) < 0.01 < float(mismatched)


def test_equal_rows_cost_the_logarithm_of_their_number() -> None:
    rows = F.normalize(torch.ones(4, 8), dim=-1)
    assert float(contrastive_loss(rows, rows, TEN, NONE_ELSE)) == pytest.approx(math.log(4))


def test_a_pair_that_is_true_as_well_costs_nothing() -> None:
    rows = torch.eye(4)
    rows[1] = rows[0]
    also_true = NONE_ELSE.clone()
    also_true[0, 1] = also_true[1, 0] = True
    assert float(contrastive_loss(rows, rows, TEN, also_true)) < 0.01
    assert float(contrastive_loss(rows, rows, TEN, NONE_ELSE)) > 0.3


def test_the_probe_ignores_what_is_unsaid() -> None:
    torch.manual_seed(0)
    probe = Probe(8)
    rows = F.normalize(torch.randn(2, 8), dim=-1)
    said = torch.zeros(2, len(QUESTIONS), dtype=torch.long)
    said[1] = UNSAID
    assert torch.equal(probe(rows, said), probe(rows[:1], said[:1]))


def test_the_probe_of_nothing_said_is_zero() -> None:
    unsaid = torch.full((3, len(QUESTIONS)), UNSAID)
    assert Probe(8)(torch.zeros(3, 8), unsaid).item() == 0.0
