"""The words of a search are encoded by a second process, and by the search where that fails."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sightline
from cli import words_ahead
from cli.commands.search import command as search
from cli.words_ahead import FLAGS, WordsAhead, begin, begun, parsed
from storage import Space
from storage.peek import current_model

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_spawn"), reason="processes start otherwise")


@pytest.fixture(autouse=True)
def nothing_begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run on the CPU, as if there were two, and end what a test has begun."""
    monkeypatch.setenv("SIGHTLINE_DEVICE", "cpu")
    monkeypatch.setattr(words_ahead, "_cores", lambda: 2)
    yield
    left = begun()
    if left is not None:
        left.close()


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of two images in the space of `mini`."""
    folder = tmp_path_factory.mktemp("words ahead")
    photos = folder / "photos"
    photos.mkdir()
    for number, colour in enumerate(((200, 0, 0), (0, 0, 200))):
        square = np.full((64, 64, 3), colour, np.uint8)
        Image.fromarray(square).save(photos / f"{number}.png")
    with sightline.open(folder / "library", device="cpu", model="mini") as app:
        app.index(photos)
    return folder / "library"


@pytest.mark.parametrize(
    ("words", "texts", "library"),
    [
        (["search", "red kite"], ["red kite"], None),
        (["search", "red kite", "-k", "3", "--library", "x"], ["red kite"], "x"),
        (["search", "--library=x", "--json", "red", "blue"], ["red", "blue"], "x"),
        (["search", "--camera", "canon", "red", "-k5", "blue"], ["red", "blue"], None),
        (["search", "red", "--minus", "blue"], [], None),
        (["search", "red", "--help"], [], None),
        (["search", "--", "red"], [], None),
        (["search", "--rerank", "red"], ["red"], None),
        (["search", "2:red kite"], [], None),
        (["search", "--image", "a.jpg"], [], None),
        (["search", ""], [], None),
        (["search", *"abcde"], [], None),
        (["index", "red"], [], None),
        ([], [], None),
    ],
)
def test_the_texts_of_a_plain_search_are_told(
    words: list[str], texts: list[str], library: str | None
) -> None:
    assert parsed(words) == (texts, library)


def test_every_option_without_a_value_is_known() -> None:
    options = [one for one in search.params if one.param_type_name == "option"]
    flags = {name for one in options if getattr(one, "is_flag", False) for name in one.opts}
    assert flags <= FLAGS


def test_texts_are_encoded_by_another_process(indexed: Path) -> None:
    begin(["search", "a red circle", "--library", str(indexed)])
    ahead = begun()
    assert ahead is not None and begun() is None
    with sightline.open(indexed, device="cpu") as app:
        encoder = app.models.encoder()
        found = ahead.take(encoder.space, ["a red circle"])
        np.testing.assert_allclose(found, encoder.encode_texts(["a red circle"]), atol=1e-6)
        assert ahead.count("a red circle") == encoder.count_tokens("a red circle")
        assert ahead.context() == (encoder.context,)
        assert ahead.take(encoder.space, ["another"]) is None
        assert ahead.count("another") is None


@pytest.mark.skipif(words_ahead._cores() < 2, reason="one core does it alone")
def test_a_search_takes_them_and_loads_no_run_time(indexed: Path) -> None:
    def run(words: str) -> list[Any]:
        code = (
            "import sys; sys.argv[0] = 'sightline'\nfrom cli.main import main\n"
            "try: main()\nexcept SystemExit: pass\n"
            "print('openvino' in sys.modules or 'torch' in sys.modules)"
        )
        command = [sys.executable, "-c", code, "search", words, "--library", str(indexed), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return [json.loads(line.lower()) for line in done.stdout.splitlines()]

    *hits, loaded = run("a blue square")
    assert len(hits) == 2 and not loaded
    assert run("a blue square")[:2] == hits  # of the vector that was kept


def test_what_is_known_costs_no_second_model(indexed: Path) -> None:
    with sightline.open(indexed, device="cpu") as app:
        app.search("a green ring")
    begin(["search", "a green ring", "--library", str(indexed)])
    ahead = begun()
    assert ahead is not None and ahead.context() is None
    model = current_model(indexed / "catalogue.sqlite3", ["a green ring"])
    assert model is not None and model.knows


def test_without_an_answer_the_search_encodes_by_itself(
    indexed: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]
) -> None:
    monkeypatch.setattr(words_ahead, "_BOOTSTRAP", "raise SystemExit(3)")
    begin(["search", "an orange star", "--library", str(indexed)])
    assert run("search", "an orange star", "--library", indexed).exit_code == 0


def test_a_process_that_is_not_needed_is_ended() -> None:
    code = "import time; time.sleep(600)"
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
    answers, said = os.pipe()
    os.close(said)
    began = time.monotonic()
    WordsAhead(process, answers, ["a"]).close()
    assert time.monotonic() - began < 60
    with pytest.raises(ChildProcessError):
        os.waitpid(process, 0)


@pytest.mark.parametrize("said", [b"", b"[1", b'{"model": ["x", "1"], "vectors": {}}'])
def test_a_broken_answer_is_none(said: bytes) -> None:
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ)
    answers, end = os.pipe()
    os.write(end, said)
    os.close(end)
    ahead = WordsAhead(process, answers, ["a"])
    space = Space("x", "1", 4, "{}")
    assert ahead.take(space, ["a"]) is None


def test_a_system_that_reaps_children_itself_is_no_error() -> None:
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ)
    os.waitpid(process, 0)
    answers, said = os.pipe()
    os.close(said)
    ahead = WordsAhead(process, answers, ["a"])
    assert ahead.context() is None
    ahead.close()
