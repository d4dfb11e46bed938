import pytest
import torch

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.runtime import memory
from indexer.models.runtime.device import Placement
from indexer.models.runtime.memory_check import check_memory
from storage.errors import NotEnoughMemory

SEVEN = Checkpoint("llava-7b", "1")


@pytest.fixture(autouse=True)
def sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of seven thousand million parameters on a machine of 40 GB, its GPU of 8 free."""
    monkeypatch.setattr(memory, "parameters", lambda _: 7_000_000_000)
    monkeypatch.setattr(memory, "free", lambda: 40_000_000_000)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (8_000_000_000, 24_000_000_000))


def test_a_model_that_fits_is_let_through() -> None:
    check_memory(SEVEN, Placement(torch.device("cpu")))


def test_an_accelerator_has_a_memory_of_its_own() -> None:
    with pytest.raises(NotEnoughMemory, match=r"14\.3 GB of memory of cuda:0 and 8\.0 GB are"):
        check_memory(SEVEN, Placement(torch.device("cuda:0"), weights="bf16"))


def test_a_model_of_unknown_size_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "parameters", lambda _: None)
    monkeypatch.setattr(memory, "free", lambda: 0)
    check_memory(SEVEN, Placement(torch.device("cpu")))
