"""Published values, and the models that must give them: both where they are at hand.

`SIGHTLINE_DATA` names the folder of files made by others; the weights are looked for in the cache
of the hub, never fetched. What is not there is skipped with the reason.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.images.decode import open_image
from indexer.images.preprocess import prepare
from indexer.models import cache
from indexer.models.files import hub
from indexer.models.protocols import ImageSpec, Pixels

Prepared = Callable[[str, ImageSpec], Pixels]


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of published values."""
    folder = Path(os.environ.get("SIGHTLINE_DATA", "")) / "reference"
    if not os.environ.get("SIGHTLINE_DATA") or not folder.is_dir():
        pytest.skip("SIGHTLINE_DATA does not name the folder of real files")
    return folder


@pytest.fixture(scope="session")
def expected(reference: Path) -> dict[str, Any]:
    """What the library's own tests expect of published models on named images."""
    table: dict[str, Any] = json.loads(
        (reference / "hf-expected" / "expected.json").read_text(encoding="utf-8")
    )
    return table


@pytest.fixture(scope="session")
def image(reference: Path) -> Prepared:
    """Reads an image below the folder and prepares it: (1, size, size, 3) uint8."""

    def prepared(name: str, spec: ImageSpec) -> Pixels:
        path = reference / name
        if not path.is_file():
            pytest.skip(f"{path.name} is not among the real files")
        # Decoded in full, as the published values were made.
        return prepare(open_image(path.read_bytes()).image, spec)[None]

    return prepared


@pytest.fixture(scope="session")
def here() -> Callable[[str], str]:
    """Passes a model's name on where its weights are on this machine."""

    def name_of(name: str, repository: str = "", file: str = "") -> str:
        there = hub.cached(repository, file) if repository else cache.cached(name)
        if there is None:
            pytest.skip(f"no weights of {name} on this machine")
        return name

    return name_of


def chances(logits: Any) -> Any:
    """Turn logits into probabilities along the last axis."""
    powers = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
