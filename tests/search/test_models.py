"""Which model answers where, and that none is loaded before it is needed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import sleep

import pytest

from indexer.models import RECOMMENDED, FakeEncoder, canonical
from indexer.models.compiled.loader import ModelLoader
from search import models
from search.models import Models
from storage import Library, Space
from storage.errors import ModelMismatch
from storage.tables import spaces


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library") as library:
        yield library


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which models were loaded, each a stand-in under another name."""
    names: list[str] = []

    def load(name: str, revision: str = "") -> FakeEncoder:
        names.append(name)
        encoder = FakeEncoder()
        if name != "stand-in":
            encoder.space = replace(encoder.space, name=name, revision=f"of {name}")
        return encoder

    monkeypatch.setattr(ModelLoader, "load", staticmethod(load))
    return names


def _settle(library: Library, space: Space) -> None:
    with library.catalogue.writing() as connection:
        spaces.register(connection, space)


def test_a_new_library_takes_the_flag_then_the_setting_then_the_recommended(
    empty: Library, loaded: list[str]
) -> None:
    encoders = [
        Models(empty).encoder(),
        Models(empty, default="mini").encoder(),
        Models(empty, default="mini").encoder("stand-in"),
    ]
    assert loaded == []  # until they are asked for something, under the library's lock
    names = [canonical(RECOMMENDED), "mini", "stand-in"]
    assert [encoder.space.name for encoder in encoders] == names
    assert loaded == names


def test_a_library_keeps_its_model_whatever_is_set(empty: Library, loaded: list[str]) -> None:
    _settle(empty, FakeEncoder().space)
    kept = Models(empty, default="mini").encoder()
    assert kept.space.name == "stand-in"
    assert kept.image_spec == FakeEncoder().image_spec
    assert loaded == []
    kept.encode_texts(["a red kite"])
    kept.encode_texts(["a blue boat"])
    assert loaded == ["stand-in"]


def test_another_model_is_let_in_and_known_again(empty: Library, loaded: list[str]) -> None:
    known = Models(empty)
    _settle(empty, FakeEncoder().space)
    _settle(empty, known.encoder("clip-b32").space)
    assert loaded == [canonical("clip-b32")]
    again = known.encoder("clip-b32")
    assert (again.space.name, again.space.id) == (canonical("clip-b32"), 2)
    assert known.encoder().space.name == "stand-in"
    assert len(loaded) == 1


def test_a_model_whose_files_changed_is_another(empty: Library, loaded: list[str]) -> None:
    _settle(empty, replace(FakeEncoder().space, name="mini", revision="of last year"))
    known = Models(empty)
    assert known.encoder().space.revision == "of last year"
    assert known.encoder("mini").space.revision != "of last year"


@pytest.mark.parametrize("begun_in", ["int8", "auto"])
def test_a_library_goes_on_in_its_precision_until_another_is_asked_for(
    empty: Library, loaded: list[str], begun_in: str
) -> None:
    exact = FakeEncoder().space
    quantized = replace(exact, revision=f"{exact.revision}+int8.01234567", precision="int8")
    for space in (quantized, exact) if begun_in == "int8" else (exact, quantized):
        _settle(empty, space)
    known, own = Models(empty), quantized if begun_in == "int8" else exact
    for name in (None, "stand-in"):
        assert known.encoder(name).space.revision == own.revision
        assert known.encoder(name, "auto").space.revision == exact.revision
    assert loaded == []
    assert empty.use("stand-in", quantized=False).revision == exact.revision
    assert known.encoder("stand-in").space.revision == exact.revision
    assert empty.use("stand-in", quantized=True).precision == "int8"


def test_searches_go_by_the_model_in_use(
    empty: Library, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _settle(empty, FakeEncoder().space)
    _settle(empty, replace(FakeEncoder().space, name="clip-b32", revision="2"))
    current = Models(empty).encoder
    assert current() is current()
    assert current().space.name == "stand-in"
    empty.use("clip-b32")
    assert current().space.name == "clip-b32"


def test_another_revision_of_the_model_never_answers(empty: Library, loaded: list[str]) -> None:
    _settle(empty, replace(FakeEncoder().space, revision="of last year"))
    with pytest.raises(ModelMismatch, match="of last year"):
        Models(empty).encoder().encode_texts(["a red kite"])


def test_the_encoder_of_a_new_space_is_kept_for_that_space(
    empty: Library, loaded: list[str]
) -> None:
    known = Models(empty, default="clip-b32")
    _settle(empty, known.encoder().space)
    known.encoder().encode_texts(["a red kite"])
    assert loaded == [canonical("clip-b32")]


def test_a_space_that_takes_the_number_of_one_that_is_gone_has_its_own_encoder(
    empty: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, space = Models(empty), replace(FakeEncoder().space, id=1)
    for name in ("mini", "stand-in"):
        monkeypatch.setattr(empty, "space", lambda name=name: replace(space, name=name))
        assert known.encoder().space.name == name


def test_eight_threads_load_a_model_once(empty: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load_reader(name: str, role: str) -> object:
        sleep(0.05)
        loaded.append(f"{role} {name}")
        return object()

    monkeypatch.setattr(ModelLoader, "load_reader", staticmethod(load_reader))
    known = Models(empty, ModelLoader("cpu"))
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: id(known.captioner("mini-caption")), range(8)))
    assert len(found) == 1
    assert loaded == ["captioner mini-caption"]
    assert known.name("answerer", "mini-vqa") == "mini-vqa"


def test_what_is_on_hand_is_known_by_its_revision_without_being_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = models.local_checkpoint("mini", "dual-encoder")
    assert found is not None and (found.name, bool(found.revision)) == ("mini", True)
    monkeypatch.setattr(models, "cached", lambda name: None)
    assert (
        models.local_checkpoint("blip-caption-large", "captioner") is None
    )  # and nothing is fetched


def test_a_model_that_is_long_in_loading_keeps_no_other_waiting(
    empty: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, done = [Event(), Event()], Event()

    def slow(event: Event) -> FakeEncoder:
        event.set()
        assert done.wait(60)
        return FakeEncoder()

    def load(name: str, revision: str = "") -> FakeEncoder:
        return FakeEncoder() if name == "stand-in" else slow(begun[0])

    monkeypatch.setattr(ModelLoader, "load", staticmethod(load))
    monkeypatch.setattr(ModelLoader, "load_reader", lambda *_: slow(begun[1]))
    _settle(empty, FakeEncoder().space)
    known = Models(empty)
    with ThreadPoolExecutor(3) as threads:
        try:
            threads.submit(lambda: known.encoder("clip-b32").space)
            threads.submit(known.captioner)
            assert all(event.wait(20) for event in begun)
            quick = threads.submit(lambda: known.encoder().encode_texts(["a red kite"]))
            assert len(quick.result(20)) == 1
        finally:
            done.set()


def test_two_threads_that_begin_with_a_new_model_load_it_once(
    empty: Library, loaded: list[str]
) -> None:
    known = Models(empty, default="clip-b32")
    encoders = [known.encoder(), known.encoder()]
    with ThreadPoolExecutor(2) as threads:
        names = list(threads.map(lambda encoder: encoder.space.name, encoders))
    assert names == [canonical("clip-b32")] * 2
    assert loaded == [canonical("clip-b32")]


def test_a_new_model_whose_files_changed_is_loaded_again(empty: Library, loaded: list[str]) -> None:
    known = Models(empty, default="mini")
    spaces_of = [known.encoder().space for _ in range(2)]  # of a revision that is not on the disk
    assert [space.name for space in spaces_of] == loaded == ["mini", "mini"]


_FORKED = """
import os, sys, threading
from indexer.models import FakeEncoder
from search import models
from storage import Library
from storage.errors import ForkedProcess

begun, done = threading.Event(), threading.Event()

def load(*_, **__):
    begun.set(), done.wait()
    return FakeEncoder()

models.ModelLoader.load = models.ModelLoader.load_reader = load
known = models.Models(Library.create(sys.argv[1]), default="stand-in")
other = threading.Thread(target=lambda: {use})
other.start(), begun.wait()
child = os.fork()
if not child:
    done.set()
    try:
        print({use}.name, flush=True)
    except ForkedProcess as error:
        print("refused:", error, flush=True)
    os._exit(0)
print("ended", os.waitpid(child, 0)[1])
done.set(), other.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("use", ["known.encoder().space", "known.captioner('any')"])
def test_a_child_that_is_forked_while_a_model_is_loaded_is_refused(
    tmp_path: Path, use: str
) -> None:
    command = [sys.executable, "-c", _FORKED.format(use=use), str(tmp_path / "library")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    refused, ended = done.stdout.splitlines()
    assert refused.startswith("refused: ")
    assert (ended, done.returncode) == ("ended 0", 0)
