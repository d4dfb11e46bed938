from indexer.models.mini.card import Run, clip_card
from indexer.models.mini.report import Report

RUN = Run(
    seed=4,
    steps=1000,
    batch=128,
    pool=5000,
    seconds=61.4,
    device="CPU, 2 threads",
    parameters=2_000_000,
    finished=True,
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
