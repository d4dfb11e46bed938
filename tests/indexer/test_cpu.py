"""How many cores there are to use, and how torch and FAISS come to know it."""

import os

import pytest

from indexer import cpu


def test_a_quota_below_the_affinity_is_written_where_openmp_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cpu, "usable_cores", lambda: 2)
    written: dict[str, str] = {}
    cpu.limit_threads(written)
    assert written == {"OMP_NUM_THREADS": "2"}
    chosen = {"OMP_NUM_THREADS": "5"}
    cpu.limit_threads(chosen)
    assert chosen == {"OMP_NUM_THREADS": "5"}


def test_without_a_quota_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cpu, "usable_cores", lambda: 8)
    written: dict[str, str] = {}
    cpu.limit_threads(written)
    assert not written
