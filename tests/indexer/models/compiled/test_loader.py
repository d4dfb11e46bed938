"""Models run compiled where that can be had, and on their own library with a line that says why."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.models import load
from indexer.models.compiled import loader as loading
from indexer.models.compiled.dual_encoder import CompiledEncoder
from indexer.models.compiled.export_process import ExportFailed, ExportRequest, make_export
from indexer.models.compiled.loader import ModelLoader
from indexer.models.compiled.network import Processor, RuntimeMissing
from indexer.models.networks.open_clip import OpenClipEncoder
from indexer.models.registry import fetch
from indexer.models.runtime import memory
from storage.errors import BrokenModel, ModelUnavailable
from tests.indexer.models.conftest import write_folder

TEXTS = ["a red circle", "two blue squares"]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def loader(tmp_path: Path, said: list[str]) -> ModelLoader:
    """A loader with a cache of its own."""
    return ModelLoader("cpu", tmp_path / "cache", notify=said.append)


def test_a_model_is_exported_once_and_told_step_by_step(
    tiny: Path, tmp_path: Path, said: list[str]
) -> None:
    steps: list[str] = []
    for _ in range(2):
        loader = ModelLoader(
            "cpu", tmp_path / "cache", notify=said.append, watch=lambda _, step: steps.append(step)
        )
        encoder = loader.load(str(tiny))
        assert isinstance(encoder, CompiledEncoder)
    assert not said
    assert [step.split()[0] for step in steps] == ["loading", "compiling", "compiling", "comparing"]
    own = load(str(tiny), device="cpu")
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), own.encode_texts(TEXTS), atol=1e-4)


def test_a_known_revision_needs_no_files_of_the_model(tiny: Path, loader: ModelLoader) -> None:
    first = loader.load(str(tiny))
    (tiny / "open_clip_model.safetensors").unlink()
    again = loader.load(first.space.name, first.space.revision)
    assert again.space == first.space
    np.testing.assert_array_equal(again.encode_texts(TEXTS), first.encode_texts(TEXTS))


def test_a_torn_export_is_made_again(tiny: Path, loader: ModelLoader, tmp_path: Path) -> None:
    before = loader.load(str(tiny)).encode_texts(TEXTS)
    for blob in (tmp_path / "cache").rglob("*.blob"):
        blob.write_bytes(blob.read_bytes()[:-1000])
    again = loader.load(str(tiny))
    assert isinstance(again, CompiledEncoder)
    np.testing.assert_allclose(again.encode_texts(TEXTS), before, atol=1e-6)


@pytest.mark.parametrize(
    "error", [RuntimeMissing("OpenVINO cannot be imported"), RuntimeMissing("no CPU to run on")]
)
def test_without_the_run_time_the_own_library_runs(
    tiny: Path,
    loader: ModelLoader,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    error: RuntimeMissing,
) -> None:
    def missing() -> Processor:
        raise error

    monkeypatch.setattr(loading, "processor", missing)
    assert isinstance(loader.load(str(tiny)), OpenClipEncoder)
    assert said == [f"the model {tiny} runs on its own library, which is slower: {error}"]
    assert str(error) in str(loader.choose(str(tiny)))


def test_what_cannot_be_exported_is_tried_once(
    tiny: Path, loader: ModelLoader, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[ExportRequest] = []

    def refuse(request: ExportRequest, *_: object) -> None:
        tried.append(request)
        raise ExportFailed("its tokenizer counts otherwise", lasting=True)

    monkeypatch.setattr(loading, "make_export", refuse)
    for _ in range(2):
        assert isinstance(loader.load(str(tiny)), OpenClipEncoder)
    assert len(tried) == 1
    assert len(said) == 2 and "its tokenizer counts otherwise" in said[1]
    assert "its tokenizer counts otherwise" in loader.choose(str(tiny)).reason


def test_what_failed_by_chance_is_tried_again(
    tiny: Path, loader: ModelLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise ExportFailed("killed", lasting=False)

    with monkeypatch.context() as patch:
        patch.setattr(loading, "make_export", killed)
        assert isinstance(loader.load(str(tiny)), OpenClipEncoder)
    assert isinstance(loader.load(str(tiny)), CompiledEncoder)


def test_a_full_cache_costs_speed_and_nothing_else(
    tiny: Path, loader: ModelLoader, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loading, "make_export", full)
    assert isinstance(loader.load(str(tiny)), OpenClipEncoder)
    assert "No space left on device" in said[0]


def test_an_export_that_is_removed_meanwhile_is_an_error_with_a_next_step(
    tiny: Path, loader: ModelLoader, tmp_path: Path
) -> None:
    encoder = loader.load(str(tiny))
    for blob in (tmp_path / "cache").rglob("*.blob"):
        blob.unlink()
    with pytest.raises(ModelUnavailable, match="try again"):
        encoder.encode_texts(TEXTS)
    assert len(loader.load(str(tiny)).encode_texts(TEXTS)) == 2


def test_too_little_memory_to_prepare_a_model_costs_speed_and_nothing_else(
    tiny: Path, loader: ModelLoader, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    need = memory.checkpoint_bytes(fetch(str(tiny)))
    assert need is not None
    monkeypatch.setattr(memory, "free", lambda: 2 * need)
    assert isinstance(loader.load(str(tiny)), OpenClipEncoder)
    assert "GB of memory" in said[0]


def test_files_that_change_while_a_model_is_prepared_are_not_taken_for_the_old(
    tiny: Path, loader: ModelLoader, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_export

    def retrained(request: ExportRequest, *rest: Any) -> None:
        write_folder(tiny, seed=9)
        made(request, *rest)

    monkeypatch.setattr(loading, "make_export", retrained)
    before = fetch(str(tiny)).revision
    loader.load(str(tiny))
    assert "changed meanwhile" in said[0]
    assert loader._cache.known(str(tiny), before, "dual-encoder") is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_encodes_as_its_parent(tiny: Path, loader: ModelLoader) -> None:
    encoder = loader.load(str(tiny))
    mine = encoder.encode_texts(TEXTS)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, encoder.encode_texts(TEXTS).tobytes())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        theirs = np.frombuffer(answer.read(), np.float32).reshape(mine.shape)
    os.waitpid(child, 0)
    np.testing.assert_allclose(theirs, mine, atol=1e-6)


def test_a_model_that_does_not_work_is_an_error_as_ever(tiny: Path, loader: ModelLoader) -> None:
    weights = tiny / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(BrokenModel, match="cut short"):
        loader.load(str(tiny))


def test_weights_that_are_not_what_the_hub_named_them_by_are_refused(
    tiny: Path, loader: ModelLoader
) -> None:
    weights = tiny / "open_clip_model.safetensors"
    named = tiny.parent / ("0" * 64)  # as the hub's cache names what it holds
    weights.rename(named)
    weights.symlink_to(named)
    with pytest.raises(BrokenModel, match="not what the hub named it by"):
        loader.load(str(tiny))


def test_two_processes_make_one_export(tiny: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from indexer.models.compiled.loader import ModelLoader;"
        "steps = [];"
        "loader = ModelLoader('cpu', Path(sys.argv[2]), watch=lambda _, step: steps.append(step));"
        "print(type(loader.load(sys.argv[1])).__name__, len(steps))"
    )
    command = [sys.executable, "-c", code, str(tiny), str(tmp_path / "cache")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = sorted(process.communicate(timeout=120)[0].split() for process in both)
    assert [name for name, _ in told] == ["CompiledEncoder"] * 2
    steps = [int(count) for _, count in told]  # one of them is at most told that it waits
    assert min(steps) <= 1 and max(steps) == 4


def test_the_choice_says_how_and_why(tiny: Path, loader: ModelLoader) -> None:
    before = loader.choose(str(tiny))
    assert (before.device, before.precision, before.prepared) == ("cpu", "fp32", False)
    assert before.runtime.startswith("openvino ")
    loader.load(str(tiny))
    assert loader.choose(str(tiny)).prepared
    assert loader.choose("stand-in").runtime == "its own library"


_EVERYDAY = """
import sys, sightline
from search.tag import LabelSet
library, photos = sys.argv[1:]
with sightline.open(library, device="cpu", model="mini") as app:
    app.index(photos)
    app.tag(LabelSet("colours", ("red", "blue")))
    query = sightline.Query((sightline.Term("text", "a red circle"),), rerank=sightline.Rerank(2))
    assert all(hit.match is not None for hit in app.search(query)[:2])
print(*sorted({"torch", "transformers", "open_clip"} & set(sys.modules)))
"""


def test_index_tag_search_and_rerank_import_no_network_library(tmp_path: Path) -> None:
    photos = Path(loading.__file__).with_name("photos")
    command = [sys.executable, "-c", _EVERYDAY, str(tmp_path / "library"), str(photos)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
