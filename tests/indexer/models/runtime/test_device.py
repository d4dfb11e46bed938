import pytest
import torch

from indexer.models.runtime.device import CPU_BATCH, Placement, in_batches, place
from indexer.models.runtime.memory import LARGE
from storage.errors import InvalidArgument, ModelError


def test_auto_is_the_cpu_in_fp32_where_there_is_no_accelerator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert place("auto") == place("cpu")
    assert place().precision == "fp32"


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "CPU"])
def test_a_name_that_is_no_device_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="choose auto, cpu, cuda or mps"):
        place(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:3", "mps"])
def test_a_device_that_is_not_there_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ModelError, match=f"the device {name} is not there"):
        place(name)


def test_the_threads_of_the_program_around_stay_as_it_set_them() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        place("cpu")
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_large_reader_runs_in_bf16_and_a_large_encoder_keeps_fp32_weights() -> None:
    reader, encoder = place("cpu", count=LARGE, exact=False), place("cpu", count=LARGE)
    assert (reader.precision, reader.weights) == ("bf16", "bf16")
    assert (encoder.precision, encoder.weights) == ("fp32", "fp32")
    assert place("cpu", count=LARGE - 1, exact=False).weights == "fp32"


def test_a_family_bounds_its_batch() -> None:
    assert place("cpu", max_batch=16).batch == 16
    assert place("cpu").batch == CPU_BATCH


def test_autocast_runs_products_in_bf16() -> None:
    with Placement(torch.device("cpu"), "bf16").autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_memory_that_runs_out_halves_the_batch_and_loses_no_row() -> None:
    sizes: list[int] = []

    def forward(part: torch.Tensor) -> torch.Tensor:
        sizes.append(len(part))
        if len(part) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return part * 2

    rows = torch.arange(10.0)
    result, batch = in_batches(rows, 512, forward)
    assert torch.equal(result, rows * 2)
    assert sizes == [10, 5, 2, 2, 2, 2, 2]
    assert batch == 2


def test_one_row_that_does_not_fit_is_an_error() -> None:
    def forward(part: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("MPS backend out of memory")

    with pytest.raises(ModelError, match="no memory for a single input"):
        in_batches(torch.zeros(4, 1), 4, forward)


def test_another_error_is_not_taken_for_a_lack_of_memory() -> None:
    def forward(part: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        in_batches(torch.zeros(4, 1), 4, forward)
