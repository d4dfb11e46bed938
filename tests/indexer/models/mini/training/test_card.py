from dataclasses import replace

from indexer.models.mini.training.card import Run, clip_card, family_card
from indexer.models.mini.training.report import Report
from indexer.models.mini.training.trainer import TrainingProgress

RUN = Run(
    seed=4,
    progress=TrainingProgress(steps=1000, seconds=61.4, finished=True),
    batch=128,
    pool=5000,
    device="CPU, 2 threads",
    parameters=2_000_000,
)
REPORT = Report(
    scenes=1000,
    drawn_at=64,
    text_to_image={1: 0.5, 5: 0.75},
    image_to_text={1: 0.4, 5: 0.65},
    by_kind={"one": 0.25},
    pairs={"colour": 0.875},
)


def test_the_card_holds_the_run_and_the_scores() -> None:
    card = clip_card(RUN, [REPORT])
    assert "| Steps x batch | 1,000 x 128 = 128,000 samples seen |" in card
    assert "| text to image | 0.500 | 0.750 |" in card
    assert "| image to text | 0.400 | 0.650 |" in card
    assert "| one | 0.250 |" in card
    assert "| colour | 0.875 |" in card
    assert "| Training time | 61 s |" in card


def test_a_card_begins_with_what_a_model_hub_reads() -> None:
    assert clip_card(RUN, []).startswith("---\nlicense: apache-2.0\n")


def test_a_familys_card_tells_what_was_measured_and_what_it_went_on_from() -> None:
    run = replace(RUN, start="an earlier run of 5 x 2 = 10 samples seen")
    card = family_card("vqa", "Answers.", run, {"answers": 0.875}, 1000)
    assert card.startswith("---\nlicense: apache-2.0\nlibrary_name: transformers\n")
    assert "# mini-vqa" in card
    assert "| answers | 0.875 |" in card
    assert "| Went on from | an earlier run of 5 x 2 = 10 samples seen |" in card


def test_an_interim_card_says_so() -> None:
    run = replace(RUN, progress=TrainingProgress(steps=1, seconds=1.0, finished=False))
    assert "interim" in family_card("vqa", "Answers.", run, {}, 0)
