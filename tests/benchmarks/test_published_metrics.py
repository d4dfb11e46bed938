"""The field's measures run on a folder in a published format, whatever the models are."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import published_metrics
from benchmarks.datasets import asked, captioned
from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import ImageSpec, Pixels
from tests.conftest import Draw

SAID = ("a red kite over the sea", "two dogs run in the snow")


class Echo:
    """Says what it was given to say, of whatever image."""

    name, revision = "echo", "1"
    image_spec = ImageSpec(8, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    context: int | None = None

    def count_tokens(self, text: str) -> int:
        return len(text)

    def __init__(self, said: Sequence[str]) -> None:
        self._said = list(said)

    def describe(self, pixels: Pixels) -> list[str]:
        return self._said[: len(pixels)]

    def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
        return [self._said[0] for _ in questions]


@pytest.fixture
def folder(tmp_path: Path, draw: Draw) -> Path:
    """Two photos with two captions each, and how many kites are on them."""
    rows, counts = [], []
    for number, said in enumerate(SAID):
        draw(tmp_path / f"{number}.png", number)
        rows.append({"file": f"{number}.png", "captions": [said, f"perhaps {said}"]})
        counts.append({"file": f"{number}.png", "counts": {"kite": number + 1}, "crowd": []})
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "object_counts_x.jsonl").write_text("\n".join(map(json.dumps, counts)))
    return tmp_path


def test_captions_that_are_peoples_own_score_as_high_as_can_be(folder: Path) -> None:
    scores = published_metrics.captions(Echo(SAID), captioned(folder))
    # Every gram is right and no caption shorter than the nearer of its two: BLEU is 100.
    assert [scores[f"bleu{size}"] for size in range(1, 5)] == pytest.approx([100.0] * 4)
    assert scores["cider"] > 500


def test_answers_are_scored_by_kind_of_question(folder: Path) -> None:
    scores = published_metrics.answers(Echo(["2"]), asked(folder))
    # How many: 1 and 2, so half is right; is there one: "2" is neither yes nor no.
    assert scores["counting"] == 50 and scores["presence"] == 0
    assert scores["accuracy"] == pytest.approx(25)


def test_retrieval_is_measured_both_ways(folder: Path) -> None:
    scores = published_metrics.retrieval(FakeEncoder(), captioned(folder))
    assert set(scores) == {f"{way}_r{k}" for way in ("t2i", "i2t") for k in (1, 5, 10)}
    assert scores["t2i_r5"] == scores["i2t_r5"] == 1.0


def test_without_what_a_measure_needs_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {"retrieval": "stand-in", "captions": published_metrics.NONE, "answers": "mini-vqa"}
    assert published_metrics.measured(tmp_path, models, 10) == []
    assert "answers: " in capsys.readouterr().out


def test_mini_on_photos_is_labelled_and_the_papers_stand_beside(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published_metrics._told("retrieval", "mini", folder, {"t2i_r1": 0.5}, 2)
    published_metrics._references()
    said = capsys.readouterr().out
    assert f"[{published_metrics.PIPELINE_CHECK}]" in said and "t2i_r1 50.0" in said
    for family in ("CLIP", "ALIGN", "BLIP", "InstructBLIP", "LLaVA"):
        assert family in said
    assert "arXiv:2103.00020" in said
