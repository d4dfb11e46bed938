import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers.models.blip.modeling_blip import (
    BlipForConditionalGeneration,
    BlipForImageTextRetrieval,
)

from indexer.models.networks.blip_itm import BlipScorer
from storage.errors import BrokenModel
from tests.indexer.models.tiny_readers import (
    TEXTS,
    checkpoint,
    copied,
    library,
    pictures,
    planes,
    tokenizer,
    words,
    write_blip,
    write_full_blip,
)

pytestmark = pytest.mark.usefixtures("briefly")
SHIPPED = "blip"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_blip(BlipForImageTextRetrieval, tmp_path_factory.mktemp("itm"))


@pytest.fixture(scope="module")
def scorer(folder: Path) -> BlipScorer:
    return BlipScorer.load(checkpoint(folder), "cpu")


def theirs(folder: Path, pixels: Any, texts: list[str]) -> torch.Tensor:
    """Ask the library's own class, one text at a time: (n, t, 2) logits."""
    network = library(BlipForImageTextRetrieval, folder)
    words = tokenizer(folder)
    seen = planes(folder, pixels)
    columns = []
    with torch.no_grad():
        for text in texts:
            said = words([text] * len(pixels), return_tensors="pt")
            columns.append(
                network(
                    input_ids=said.input_ids,
                    attention_mask=said.attention_mask,
                    pixel_values=seen,
                    use_itm_head=True,
                ).itm_score
            )
    return torch.stack(columns, dim=1)


def test_logits_and_probabilities_are_those_of_the_library(both: Path) -> None:
    scorer = BlipScorer.load(checkpoint(both), "cpu")
    pixels = pictures(5, scorer.pictures.size)
    expected = theirs(both, pixels, TEXTS)
    scores = scorer.score(pixels, TEXTS)
    assert scores.dtype == np.float32 and scores.shape == (5, len(TEXTS))
    np.testing.assert_allclose(scores, expected.softmax(2)[:, :, 1].numpy(), atol=1e-5)

    with torch.inference_mode():
        sentences = scorer._sentences(TEXTS[:1])
        features = scorer._features(scorer._planes(pixels, torch.arange(5)))
        tokens, mask = sentences.take(torch.zeros(5, dtype=torch.long))
        logits = scorer._logits(features, tokens, mask)
    np.testing.assert_allclose(logits.numpy(), expected[:, 0].numpy(), atol=1e-4)


def test_the_random_scorer_tells_pairs_apart(scorer: BlipScorer) -> None:
    scores = scorer.score(pictures(), TEXTS)
    assert scorer.calibrated
    assert len(np.unique(scores.round(6))) == scores.size


def test_a_score_does_not_depend_on_its_batch(scorer: BlipScorer) -> None:
    pixels = pictures(7)
    together = scorer.score(pixels, TEXTS)
    scorer._batch, scorer._pairs = 3, 4
    np.testing.assert_allclose(scorer.score(pixels, TEXTS), together, atol=1e-6)
    one = scorer.score(pixels[2:3], TEXTS[1:2])
    np.testing.assert_allclose(one, together[2:3, 1:2], atol=1e-6)


def test_features_are_computed_once_a_picture(
    scorer: BlipScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    features = scorer._features

    def watched(planes: torch.Tensor) -> torch.Tensor:
        seen.append(len(planes))
        return features(planes)

    monkeypatch.setattr(scorer, "_features", watched)
    scorer.score(pictures(6), TEXTS * 3)
    assert sum(seen) == 6


@pytest.mark.parametrize("texts", [["a red kite"], ["a red kite", "two blue circle"]])
def test_fifty_hits_multiply_no_more_than_the_network_itself(
    folder: Path, scorer: BlipScorer, texts: list[str]
) -> None:
    with FlopCounterMode(display=False) as ours:
        scorer.score(pictures(50), texts)
    with FlopCounterMode(display=False) as own:
        theirs(folder, pictures(50), texts)
    # The network's own forward sees every picture again for each text.
    assert 0 < ours.get_total_flops() <= own.get_total_flops()
    assert (ours.get_total_flops() == own.get_total_flops()) == (len(texts) == 1)


def test_memory_that_runs_out_halves_the_batch(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = BlipScorer.load(checkpoint(folder), "cpu")
    whole = scorer.score(pictures(), TEXTS)
    logits, sizes = scorer._logits, []

    def short(features: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        sizes.append(len(tokens))
        if len(tokens) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return logits(features, tokens, mask)

    monkeypatch.setattr(scorer, "_logits", short)
    np.testing.assert_allclose(scorer.score(pictures(), TEXTS), whole, atol=1e-6)
    assert sizes[:3] == [20, 10, 5]
    assert scorer._pairs == 5


def test_a_text_longer_than_the_context_is_cut(scorer: BlipScorer) -> None:
    scores = scorer.score(pictures(1), ["red " * 28, "red " * 200])
    np.testing.assert_allclose(scores[0, 0], scores[0, 1], atol=1e-6)


def test_a_model_of_another_architecture_is_named(tmp_path: Path) -> None:
    folder = write_blip(BlipForConditionalGeneration, tmp_path)
    with pytest.raises(BrokenModel, match="is a BlipForConditionalGeneration, and this needs a"):
        BlipScorer.load(checkpoint(folder), "cpu")


@pytest.mark.parametrize("kept", [0, 1000, -1])
def test_weights_cut_short_are_a_broken_model(folder: Path, tmp_path: Path, kept: int) -> None:
    spoilt = copied(folder, tmp_path / "spoilt")
    weights = spoilt / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(BrokenModel, match="spoilt") as caught:
        BlipScorer.load(checkpoint(spoilt), "cpu")
    assert "\n" not in str(caught.value)


def test_a_tower_of_another_size_than_its_pictures_is_a_broken_model(
    folder: Path, tmp_path: Path
) -> None:
    spoilt = copied(folder, tmp_path / "spoilt")
    path = spoilt / "preprocessor_config.json"
    path.write_text(
        path.read_text().replace('"height": 32, "width": 32', '"height": 48, "width": 48')
    )
    with pytest.raises(BrokenModel, match="takes 32 pixels a side and its processor file says 48"):
        BlipScorer.load(checkpoint(spoilt), "cpu")


def test_scores_that_are_not_numbers_are_never_returned(folder: Path) -> None:
    scorer = BlipScorer.load(checkpoint(folder), "cpu")
    scorer._network.itm_head.bias.fill_(float("nan"))
    with pytest.raises(BrokenModel, match="score that is not a number"):
        scorer.score(pictures(1), TEXTS)


@pytest.mark.slow
def test_fifty_hits_at_full_size_cost_little_more_than_the_network_itself(tmp_path: Path) -> None:
    folder = write_full_blip(BlipForImageTextRetrieval, tmp_path, 224)
    network = library(BlipForImageTextRetrieval, folder)
    scorer = BlipScorer.load(checkpoint(folder), "cpu")
    pixels = pictures(50, 224)
    said = words(512)(["a red kite"] * 50, return_tensors="pt")
    seen = planes(folder, pixels)

    def direct() -> torch.Tensor:
        parts = []
        with torch.inference_mode():
            for start in range(0, 50, scorer._placement.batch):
                part = slice(start, start + scorer._placement.batch)
                parts.append(
                    network(
                        input_ids=said.input_ids[part],
                        attention_mask=said.attention_mask[part],
                        pixel_values=seen[part],
                    ).itm_score.softmax(1)[:, 1]
                )
        return torch.cat(parts)

    scorer.score(pixels[:1], ["a red kite"])
    # Of this process alone: others on the machine are no part of the comparison.
    began = time.process_time()
    expected = direct()
    own = time.process_time() - began
    began = time.process_time()
    scores = scorer.score(pixels, ["a red kite"])
    ours = time.process_time() - began
    np.testing.assert_allclose(scores[:, 0], expected.numpy(), atol=1e-4)
    assert ours <= 1.15 * own
    print(f"ours {ours:.1f} s, the network's own {own:.1f} s")
