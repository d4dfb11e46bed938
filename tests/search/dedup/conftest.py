"""A keeper, a loser, and a way to apply a plan of them."""

from pathlib import Path
from typing import Any

import pytest

from search.dedup.apply.actions import Action, Delete
from search.dedup.apply.apply import Outcome, apply
from search.dedup.plan.plan import Entry
from tests.search.dedup.planted_duplicates import Run, drafts, put


@pytest.fixture
def keeper(tmp_path: Path) -> Path:
    return put(tmp_path / "photos" / "keeper.jpg")


@pytest.fixture
def duplicate(tmp_path: Path) -> Path:
    return put(tmp_path / "photos" / "sub" / "loser.jpg")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Applies a plan, by deleting unless told."""

    def applied(entries: list[Entry], action: Action | None = None, **how: Any) -> list[Outcome]:
        outcomes = list(apply(entries, action or Delete(), tmp_path / "journal", **how))
        assert drafts(tmp_path) == []
        return outcomes

    return applied
