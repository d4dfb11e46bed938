"""A warning where a model answers about what it does not understand."""

from dataclasses import replace
from pathlib import Path

from cli.caution import DEMO_MARKER, caution
from indexer.models import FakeEncoder
from storage import Library
from storage.tables import spaces


def test_mini_is_a_stand_in_except_in_the_demo(tmp_path: Path) -> None:
    with Library.create(tmp_path / "library") as library:
        assert caution(library) is None
        with library.catalogue.writing() as connection:
            spaces.register(connection, replace(FakeEncoder().space, name="mini"))
        assert "drawn shapes" in (caution(library) or "")
        told = caution(library, "captioner") or ""
        assert told.startswith("mini-caption knows") and "--model blip-caption-base" in told
        (tmp_path / DEMO_MARKER).touch()
        assert caution(library) is None
