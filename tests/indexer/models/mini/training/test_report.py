from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.models.mini.scenes.scenes import KINDS, held_out
from indexer.models.mini.training.checkpoint import build_clip, save_clip
from indexer.models.mini.training.report import _ranks, measure
from indexer.models.mini.weights import CLIP_DIRECTORY


def test_a_rank_counts_those_that_score_as_high() -> None:
    scores = np.array([[0.9, 0.1, 0.2], [0.8, 0.5, 0.6], [0.3, 0.3, 0.3]], np.float32)
    assert _ranks(scores).tolist() == [0, 2, 2]


def test_fresh_weights_find_nothing(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_clip(build_clip().state_dict(), tmp_path)
    report = measure(tmp_path, held_out(60))
    assert report.text_to_image[1] < 0.2
    assert set(report.by_kind) == set(KINDS)
    assert all(0.2 < share < 0.8 for share in report.pairs.values())


@pytest.mark.parametrize("size", [64, 200])
def test_the_shipped_weights_find_held_out_scenes(size: int) -> None:
    report = measure(CLIP_DIRECTORY, held_out()[:200], size)
    assert report.text_to_image[1] >= 0.75
    assert report.text_to_image[5] >= 0.97
