"""Flag, environment, settings file, default: the first that speaks is heard."""

from pathlib import Path

import pytest

from cli.settings import Settings, default_library, settings_file
from storage.errors import InvalidArgument


def _write(text: str) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text(text)


def test_without_anything_set_the_defaults_hold() -> None:
    assert Settings.read() == Settings(library=default_library())


def test_a_flag_beats_the_environment_which_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    _write('library = "/from/file"\nmodel = "mini"\nworkers = 3')
    assert Settings.read().library == Path("/from/file")
    monkeypatch.setenv("SIGHTLINE_LIBRARY", "/from/environment")
    assert Settings.read(library=None).library == Path("/from/environment")
    read = Settings.read(library="/from/flag")
    assert (read.library, read.model, read.workers) == (Path("/from/flag"), "mini", 3)


def test_lists_and_numbers_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_EXCLUDE", "*.gif:old")
    monkeypatch.setenv("SIGHTLINE_WORKERS", "2")
    read = Settings.read()
    assert (read.exclude, read.workers) == (("*.gif", "old"), 2)
    assert Settings.read(exclude=("*.png",)).exclude == ("*.png",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[[:alpha:]]", ("[[:alpha:]]",)),
        ("*.gif:[![:digit:][:space:]]*:old:", ("*.gif", "[![:digit:][:space:]]*", "old")),
        ("[ab]:[cd]:x", ("[ab]", "[cd]", "x")),
        ("a b:/c d/", ("a b", "/c d/")),
    ],
)
def test_patterns_in_the_environment_may_hold_classes(
    written: str, read: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_EXCLUDE", written)
    assert Settings.read().exclude == read


def test_a_relative_library_in_the_file_is_beside_the_file() -> None:
    _write('library = "photos.library"')
    assert Settings.read().library == settings_file().parent / "photos.library"


def test_what_one_file_may_cost_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    _write("[limits]\npixels = 200_000_000\nseconds = 2.5")
    limits = Settings.read().file_limits()
    assert (limits.pixels, limits.seconds) == (200_000_000, 2.5)
    monkeypatch.setenv("SIGHTLINE_LIMITS", "pixels=50")
    limits = Settings.read().file_limits()
    assert (limits.pixels, limits.seconds) == (50, 2.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limits = { seconds = inf }", "between 0.1 and 3,600 for seconds"),
        ("limits = { pixels = 0.5 }", "between 1 and"),
        ("limits = { pixel = 1 }", "numbers by name, of pixels"),
        ("limits = { pixels = 0 }", "limits is {'pixels': 0}: it must be between 1"),
        ("workers = 0", "workers is 0: it must be a whole number from 1 on"),
        ("workers = true", "workers is True"),
        ("model = 3", "model is 3: it must be a text"),
        ("model = ''", "model is '': it must be a text that is not empty"),
        ("library = ' '", "library is ' ': it must be a text that is not empty"),
        ("device = ''", "device is '': it must be a text that is not empty"),
        ("workers = ''", "workers is '': it must be a whole number"),
        ("limits = ''", "limits is '': it must be pairs"),
        ("exclude = ''", "exclude is '': it must be a list of texts"),
        ("exclude = ['*.gif', '']", "it must be a list of texts that are not empty"),
        ("exclude = [1]", "exclude is [1]: it must be a list of texts"),
        ("precision = 'int9'", "precision is 'int9': it must be auto or int8"),
        ("libary = 'x'", "libary: there is no such setting; did you mean library?"),
        ("model =", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(text: str, said: str) -> None:
    _write(text)
    with pytest.raises(InvalidArgument) as error:
        Settings.read()
    assert said in str(error.value)
    assert str(settings_file()) in str(error.value)


def test_an_empty_variable_is_not_set_and_an_empty_flag_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LIBRARY", "MODEL", "DEVICE", "EXCLUDE", "WORKERS", "LIMITS"):
        monkeypatch.setenv(f"SIGHTLINE_{name}", "")
    assert Settings.read() == Settings(library=default_library())
    with pytest.raises(InvalidArgument, match="the library is empty"):
        Settings.read(library="")


def test_no_pattern_is_an_answer_to_what_is_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    _write("exclude = []")
    assert Settings.read().exclude == ()
    monkeypatch.setenv("SIGHTLINE_EXCLUDE", "*.gif::old:")
    assert Settings.read().exclude == ("*.gif", "old")


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_WORKERS", "many")
    with pytest.raises(InvalidArgument, match="SIGHTLINE_WORKERS is 'many'"):
        Settings.read()
