"""Which model answers where, and that none is loaded before it is needed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cli import wiring
from cli.settings import Settings
from indexer.models import RECOMMENDED, StandInEncoder, canonical
from storage import Library, Space
from storage.errors import ModelMismatch
from storage.tables import spaces


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(library=tmp_path / "library")


@pytest.fixture
def empty(settings: Settings) -> Iterator[Library]:
    with wiring.open_library(settings, create=True) as library:
        yield library


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which models were loaded, each a stand-in under another name."""
    names: list[str] = []

    def load(name: str, device: str = "auto", revision: str = "") -> StandInEncoder:
        names.append(name)
        encoder = StandInEncoder()
        if name != "stand-in":
            encoder.space = replace(encoder.space, name=name, revision=f"of {name}")
        return encoder

    monkeypatch.setattr(wiring, "load", load)
    return names


def _settle(library: Library, space: Space) -> None:
    with library.catalogue.writing() as connection:
        spaces.register(connection, space)


def test_a_new_library_takes_the_flag_then_the_setting_then_the_recommended(
    empty: Library, settings: Settings, loaded: list[str]
) -> None:
    encoders = [
        wiring.encoder(empty, settings),
        wiring.encoder(empty, replace(settings, model="mini")),
        wiring.encoder(empty, replace(settings, model="mini"), "stand-in"),
    ]
    assert loaded == []  # until they are asked for something, under the library's lock
    names = [canonical(RECOMMENDED), "mini", "stand-in"]
    assert [encoder.space.name for encoder in encoders] == names
    assert loaded == names


def test_a_library_keeps_its_model_whatever_is_set(
    empty: Library, settings: Settings, loaded: list[str]
) -> None:
    _settle(empty, StandInEncoder().space)
    kept = wiring.encoder(empty, replace(settings, model="mini"))
    assert kept.space.name == "stand-in"
    assert kept.pictures == StandInEncoder().pictures
    assert loaded == []
    kept.encode_texts(["a red kite"])
    kept.encode_texts(["a blue boat"])
    assert loaded == ["stand-in"]


def test_another_model_is_let_in_and_known_again(
    empty: Library, settings: Settings, loaded: list[str]
) -> None:
    _settle(empty, StandInEncoder().space)
    _settle(empty, wiring.encoder(empty, settings, "clip-b32").space)
    assert loaded == [canonical("clip-b32")]
    again = wiring.encoder(empty, settings, "clip-b32")
    assert (again.space.name, again.space.id) == (canonical("clip-b32"), 2)
    assert wiring.encoder(empty, settings).space.name == "stand-in"
    assert len(loaded) == 1


def test_a_model_whose_files_changed_is_another(
    empty: Library, settings: Settings, loaded: list[str]
) -> None:
    _settle(empty, replace(StandInEncoder().space, name="mini", revision="of last year"))
    assert wiring.encoder(empty, settings).space.revision == "of last year"
    assert wiring.encoder(empty, settings, "mini").space.revision != "of last year"


def test_searches_go_by_the_model_in_use(
    empty: Library, settings: Settings, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _settle(empty, StandInEncoder().space)
    _settle(empty, replace(StandInEncoder().space, name="clip-b32", revision="2"))
    current = wiring._current_encoder(empty, settings)
    assert current() is current()
    assert current().space.name == "stand-in"
    empty.use("clip-b32")
    assert current().space.name == "clip-b32"


def test_another_revision_of_the_model_never_answers(
    empty: Library, settings: Settings, loaded: list[str]
) -> None:
    _settle(empty, replace(StandInEncoder().space, revision="of last year"))
    with pytest.raises(ModelMismatch, match="of last year"):
        wiring.encoder(empty, settings).encode_texts(["a red kite"])


def test_mini_is_a_stand_in_except_in_the_demo(empty: Library, tmp_path: Path) -> None:
    assert wiring.caution(empty) is None
    _settle(empty, replace(StandInEncoder().space, name="mini"))
    assert "drawn shapes" in (wiring.caution(empty) or "")
    (tmp_path / wiring.DEMO_MARKER).touch()
    assert wiring.caution(empty) is None


def test_what_is_on_hand_is_known_by_its_revision_without_being_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = wiring.on_hand("mini", "dual-encoder")
    assert found is not None and (found.name, bool(found.revision)) == ("mini", True)
    monkeypatch.setattr(wiring, "cached", lambda name: None)
    assert wiring.on_hand("blip-caption-large", "captioner") is None  # and nothing is fetched
