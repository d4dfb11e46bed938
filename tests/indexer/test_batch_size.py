from collections.abc import Callable

import pytest

from indexer.batch_size import BatchSize


def run(size: BatchSize, seconds: Callable[[int], float], batches: int = 60) -> list[int]:
    """Encode full batches that take so long, and return the sizes that were tried."""
    sizes = []
    for _ in range(batches):
        sizes.append(size.current)
        size.record(size.current, seconds(size.current))
    return sizes


def test_a_batch_grows_while_images_per_second_do() -> None:
    assert run(BatchSize(64), lambda count: 0.02 + 0.01 * count)[-1] == 64
    assert run(BatchSize(48), lambda count: 0.02 + 0.01 * count)[-1] == 48


@pytest.mark.parametrize("best", [8, 16, 32])
def test_a_batch_stays_where_more_gain_nothing(best: int) -> None:
    sizes = run(BatchSize(256), lambda count: 0.1 * -(-count // best))
    assert sizes[-1] == best
    assert max(sizes) == 2 * best


def test_the_first_call_prepares_the_model_and_says_nothing() -> None:
    size = BatchSize(32)
    size.record(8, 30.0)
    assert size.current == 8


def test_a_slow_batch_is_halved_and_grows_again_when_the_machine_is_free() -> None:
    size = BatchSize(32)
    assert run(size, lambda count: 0.005 * count + 0.01)[-1] == 32
    assert run(size, lambda count: 0.3 * count)[-1] == 4  # another program took the cores
    assert run(size, lambda count: 0.005 * count + 0.01)[-1] == 32


def test_a_slow_machine_gets_small_batches() -> None:
    sizes = run(BatchSize(32), lambda count: 1.5 * count)
    assert sizes[-1] == 1
    assert run(BatchSize(32), lambda count: 9.0 * count)[-1] == 1


def test_a_batch_that_was_not_full_says_nothing_of_its_size() -> None:
    size = BatchSize(32)
    for _ in range(50):
        size.record(3, 0.01)
        size.record(3, 5.0)
    assert size.current == 8


def test_a_slow_moment_while_it_grows_does_not_end_the_growth() -> None:
    size = BatchSize(32)
    run(size, lambda count: 0.02 + 0.01 * count, batches=5)
    assert size.current == 16
    size.record(16, 3.0)
    assert size.current == 8
    assert run(size, lambda count: 0.02 + 0.01 * count)[-1] == 32


def test_no_batch_is_larger_than_asked_for() -> None:
    assert set(run(BatchSize(2), lambda count: 0.1 + 0.1 * count)) == {2}
