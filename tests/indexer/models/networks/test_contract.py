"""What every model promises in every role that its family names, on tiny random weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers.models.blip import modeling_blip as blip

from indexer.models import load, load_reader
from indexer.models.families import FAMILIES
from indexer.models.networks import dual_encoder, transformers_model
from indexer.models.protocols import Pixels, Role
from indexer.models.runtime.device import in_batches
from storage.errors import InvalidArgument
from tests.indexer.models import tiny_towers
from tests.indexer.models.conftest import write_folder
from tests.indexer.models.tiny_readers import (
    QUESTIONS,
    TEXTS,
    pictures,
    write_blip,
    write_instruct_blip,
    write_llava,
)

pytestmark = pytest.mark.usefixtures("briefly")
LIMITS = {"llava": 4, "blip_vqa": 4, "blip_caption": 4, "instruct_blip": 4}
OPEN_CLIP = "CLIP of open_clip"
COUNT = len(QUESTIONS)
WRITERS: dict[str, Callable[[Path], Path]] = {
    OPEN_CLIP: write_folder,
    "CLIPModel": lambda folder: tiny_towers.write("clip", folder),
    "AlignModel": lambda folder: tiny_towers.write("align", folder),
    "SiglipModel": lambda folder: tiny_towers.write("siglip", folder),
    "BlipForImageTextRetrieval": lambda to: write_blip(blip.BlipForImageTextRetrieval, to),
    "BlipForConditionalGeneration": lambda to: write_blip(blip.BlipForConditionalGeneration, to),
    "BlipForQuestionAnswering": lambda folder: write_blip(blip.BlipForQuestionAnswering, folder),
    "InstructBlipForConditionalGeneration": lambda folder: write_instruct_blip(folder, "llama"),
    "LlavaForConditionalGeneration": write_llava,
}
# A dialogue is about all of its pictures at once, and has tests of its own.
ROLES: list[tuple[str, Role]] = [
    (OPEN_CLIP, "dual-encoder"),
    *((name, role) for name, one in FAMILIES.items() for role in one.loaders if role != "dialogue"),
]


@pytest.fixture(scope="module", params=ROLES, ids=lambda each: f"{each[0]}-{each[1]}")
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One family after another, in each of its roles."""
    family, role = request.param
    folder = WRITERS[family](tmp_path_factory.mktemp("contract") / "tiny")
    if role == "dual-encoder":
        return load(str(folder), device="cpu")
    return load_reader(str(folder), role, device="cpu")


@pytest.fixture
def run(model: Any, request: pytest.FixtureRequest) -> Callable[[Pixels], Any]:
    """Run a model in its role: pictures, and the words for so many, lead to its answers."""
    role = request.node.callspec.params["model"][1]
    calls: dict[Role, Callable[[Pixels], Any]] = {
        "dual-encoder": lambda pixels: model.encode_pictures(pixels),
        "pair-scorer": lambda pixels: model.score(pixels, TEXTS),
        "captioner": lambda pixels: model.describe(pixels),
        "answerer": lambda pixels: model.answer(pixels, QUESTIONS[: len(pixels)]),
    }
    return calls[role]


def assert_same(made: Any, expected: Any) -> None:
    if isinstance(expected, list):
        assert made == expected
    else:
        np.testing.assert_allclose(made, expected, atol=1e-5)


def test_each_picture_has_its_row_or_its_words(model: Any, run: Callable[[Pixels], Any]) -> None:
    made = run(pictures(COUNT))
    if isinstance(made, list):
        assert len(made) == COUNT and all(isinstance(text, str) for text in made)
        return
    assert made.dtype == np.float32 and np.isfinite(made).all()
    if not hasattr(model, "space"):
        assert made.shape == (COUNT, len(TEXTS))
        return
    assert made.shape == (COUNT, model.space.dimension)
    for rows in (made, model.encode_texts(TEXTS)):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_nothing_in_is_nothing_out(model: Any, run: Callable[[Pixels], Any]) -> None:
    made = run(pictures(0))
    assert len(made) == 0
    if hasattr(model, "space"):
        assert made.shape == model.encode_texts([]).shape == (0, model.space.dimension)
    elif hasattr(model, "score"):
        assert made.shape == (0, len(TEXTS))
        assert model.score(pictures(2), []).shape == (2, 0)


def test_what_is_made_does_not_depend_on_its_batch(
    model: Any, run: Callable[[Pixels], Any], request: pytest.FixtureRequest
) -> None:
    same = pictures(2)[[0, 0, 0, 1]]
    if request.node.callspec.params["model"][1] == "answerer":
        each = enumerate(QUESTIONS)
        assert run(same) == [model.answer(same[n : n + 1], [asked])[0] for n, asked in each]
    else:
        apart = [run(one[None])[0] for one in same]
        assert_same(run(same), apart if isinstance(apart[0], str) else np.stack(apart))
    if hasattr(model, "space"):
        apart = [model.encode_texts([text])[0] for text in TEXTS]
        assert_same(model.encode_texts(TEXTS), np.stack(apart))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 32, 32, 3), np.float32),
        np.zeros((1, 16, 16, 3), np.uint8),
        np.zeros((32, 32, 3), np.uint8),
    ],
    ids=["floats", "another size", "no batch"],
)
def test_what_is_no_batch_of_squares_is_refused(
    model: Any, run: Callable[[Any], Any], wrong: Any
) -> None:
    with pytest.raises(InvalidArgument, match=r"are uint8 \(n, 32, 32, 3\), not"):
        run(wrong)


def test_one_string_is_no_list_of_texts(model: Any) -> None:
    for method in ("encode_texts", "score", "answer"):
        if hasattr(model, method):
            given = () if method == "encode_texts" else (pictures(1),)
            with pytest.raises(InvalidArgument, match="list of (texts|questions)"):
                getattr(model, method)(*given, "kite")


def test_memory_that_runs_out_halves_the_batch(
    model: Any, run: Callable[[Pixels], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    same = pictures(1).repeat(COUNT, axis=0)
    whole = run(same)
    monkeypatch.setattr(model, "_batch", 4)

    def short(rows: torch.Tensor, batch: int, forward: Callable[[torch.Tensor], Any]) -> Any:
        def full(part: torch.Tensor) -> Any:
            if len(part) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return forward(part)

        return in_batches(rows, batch, full)

    for module in (dual_encoder, transformers_model):
        monkeypatch.setattr(module, "in_batches", short)
    assert_same(run(same), whole)
    assert model._batch == 1
