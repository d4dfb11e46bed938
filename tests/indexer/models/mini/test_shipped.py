"""What is shipped: every model of the family whole, with its card, and small enough."""

from pathlib import Path

import pytest

from indexer.models.calibration import MATCH
from indexer.models.mini import weights
from indexer.models.mini.training.checkpoint import CARD_NAME, CONFIG_NAME, WEIGHTS_NAME
from indexer.models.mini.training.layout import CONFIG_FILE, MODEL_FILE

FOLDERS = {name: each for name, each in vars(weights).items() if name.endswith("_DIRECTORY")}
MOST_BYTES = 40_000_000


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=lambda folder: folder.name)
def test_a_folder_holds_a_model_and_its_card(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    files = {CONFIG_NAME, WEIGHTS_NAME} if folder.name == "clip" else {CONFIG_FILE, MODEL_FILE}
    assert {*files, CARD_NAME} <= names
    assert "| Run | finished |" in (folder / CARD_NAME).read_text()


def test_the_family_is_small() -> None:
    sizes = [path.stat().st_size for each in FOLDERS.values() for path in each.rglob("*.*")]
    assert sum(sizes) <= MOST_BYTES


def test_the_captioner_is_calibrated() -> None:
    assert (weights.CAPTION_DIRECTORY / MATCH).is_file()
