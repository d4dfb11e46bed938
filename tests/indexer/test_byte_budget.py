import threading
import time

from indexer.byte_budget import ByteBudget


def test_bytes_beyond_the_budget_wait_until_others_are_released() -> None:
    budget = ByteBudget(100)
    assert budget.acquire(60, 0)
    assert budget.acquire(40, 0)
    assert not budget.acquire(1, 0.01)
    threading.Timer(0.05, budget.release, (40,)).start()
    began = time.monotonic()
    assert budget.acquire(40, 10)
    assert time.monotonic() - began < 5


def test_what_alone_is_larger_than_the_budget_goes_alone() -> None:
    budget = ByteBudget(100)
    assert budget.acquire(1, 0)
    assert not budget.acquire(1000, 0.01)
    budget.release(1)
    assert budget.acquire(1000, 0)
    assert not budget.acquire(1, 0.01)


def test_it_is_empty_when_all_was_released() -> None:
    budget = ByteBudget(100)
    assert budget.wait_until_empty(0)
    budget.acquire(70, 0)
    assert not budget.wait_until_empty(0.01)
    budget.release(70)
    assert budget.wait_until_empty(0)
