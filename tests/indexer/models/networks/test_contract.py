"""What every model promises in every role that its family names, on tiny random weights."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.models.blip import modeling_blip as blip

from indexer.models import load, load_reader
from indexer.models.families import FAMILIES
from indexer.models.files.checkpoint import from_folder
from indexer.models.networks import cross_encoder, dual_encoder, transformers_model
from indexer.models.protocols import Pixels, Role
from indexer.models.runtime.device import in_batches
from storage.errors import BrokenModel, InvalidArgument
from tests.indexer.models import tiny_readers as tiny
from tests.indexer.models import tiny_towers
from tests.indexer.models.conftest import write_folder

pytestmark = pytest.mark.usefixtures("briefly")
LIMITS = 8
OPEN_CLIP = "CLIP of open_clip"
INSTRUCT_BLIP = "InstructBlipForConditionalGeneration"
COUNT = len(tiny.QUESTIONS)
WRITERS: dict[str, Callable[[Path], Path]] = {
    OPEN_CLIP: write_folder,
    "CLIPModel": lambda folder: tiny_towers.write("clip", folder),
    "AlignModel": lambda folder: tiny_towers.write("align", folder),
    "SiglipModel": lambda folder: tiny_towers.write("siglip", folder),
    "BlipForImageTextRetrieval": lambda to: tiny.write_blip(blip.BlipForImageTextRetrieval, to),
    "BlipForConditionalGeneration": lambda to: tiny.write_blip(
        blip.BlipForConditionalGeneration, to
    ),
    "BlipForQuestionAnswering": lambda to: tiny.write_blip(blip.BlipForQuestionAnswering, to),
    INSTRUCT_BLIP: lambda folder: tiny.write_instruct_blip(folder, "llama"),
    f"{INSTRUCT_BLIP} of opt": lambda folder: tiny.write_instruct_blip(folder, "opt"),
    f"{INSTRUCT_BLIP} of t5": lambda folder: tiny.write_instruct_blip(folder, "t5"),
    "LlavaForConditionalGeneration": tiny.write_llava,
}
# A dialogue is about all of its images at once, and has tests of its own.
ROLES: list[tuple[str, Role]] = [
    (OPEN_CLIP, "dual-encoder"),
    *((name, role) for name, one in FAMILIES.items() for role in one.loaders if role != "dialogue"),
    (f"{INSTRUCT_BLIP} of opt", "answerer"),
    (f"{INSTRUCT_BLIP} of t5", "answerer"),
]
ENCODERS = [family for family, role in ROLES if role == "dual-encoder"]
ANSWERERS = [each for each in ROLES if each[1] == "answerer"]
READERS = [
    (name, role)
    for name, one in FAMILIES.items()
    for role in one.loaders
    if role not in ("dialogue", "dual-encoder")
]
in_each_role = pytest.mark.parametrize("model", ROLES, ids="-".join, indirect=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model of a family, written once."""
    home, folders = tmp_path_factory.mktemp("contract"), dict[str, Path]()

    def folder(family: str) -> Path:
        if family not in folders:
            folders[family] = WRITERS[family](home / family.replace(" ", "-"))
        return folders[family]

    return folder


@pytest.fixture(scope="module")
def model(request: pytest.FixtureRequest, written: Callable[[str], Path]) -> Any:
    """One family after another, in each of its roles."""
    family, role = request.param
    return run_in(role, written(family))


def run_in(role: Role, folder: Path) -> Any:
    """Load the model of a folder in a role, as a program does."""
    if role == "dual-encoder":
        return load(str(folder), device="cpu")
    return load_reader(str(folder), role, device="cpu")


def loader(family: str, role: Role) -> Any:
    """Return the class that runs a family in a role."""
    module, _, name = FAMILIES[family].loaders[role].partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.fixture
def run(model: Any, request: pytest.FixtureRequest) -> Callable[[Pixels], Any]:
    """Run a model in its role: images, and the words for so many, lead to its answers."""
    role = request.node.callspec.params["model"][1]
    calls: dict[Role, Callable[[Pixels], Any]] = {
        "dual-encoder": lambda pixels: model.encode_images(pixels),
        "pair-scorer": lambda pixels: model.score(pixels, tiny.TEXTS),
        "captioner": lambda pixels: model.describe(pixels),
        "answerer": lambda pixels: model.answer(pixels, questions(len(pixels))),
    }
    return calls[role]


def questions(count: int) -> list[str]:
    return [tiny.QUESTIONS[number % COUNT] for number in range(count)]


def assert_same(made: Any, expected: Any) -> None:
    if isinstance(expected, list):
        assert made == expected
    else:
        np.testing.assert_allclose(made, expected, atol=1e-5)


@in_each_role
def test_each_image_has_its_row_or_its_words(model: Any, run: Callable[[Pixels], Any]) -> None:
    made = run(tiny.images(COUNT))
    if isinstance(made, list):
        assert len(made) == COUNT and all(text == text.strip() for text in made)
        assert len(set(made)) > 1
        return
    assert made.dtype == np.float32 and np.isfinite(made).all()
    if not hasattr(model, "space"):
        assert made.shape == (COUNT, len(tiny.TEXTS))
        return
    assert made.shape == (COUNT, model.space.dimension)
    for rows in (made, model.encode_texts(tiny.TEXTS)):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@in_each_role
def test_nothing_in_is_nothing_out(model: Any, run: Callable[[Pixels], Any]) -> None:
    made = run(tiny.images(0))
    assert len(made) == 0
    if hasattr(model, "space"):
        assert made.shape == model.encode_texts([]).shape == (0, model.space.dimension)
    elif hasattr(model, "score"):
        assert made.shape == (0, len(tiny.TEXTS))
        assert model.score(tiny.images(2), []).shape == (2, 0)


@in_each_role
def test_what_is_made_does_not_depend_on_its_batch(
    model: Any, run: Callable[[Pixels], Any], request: pytest.FixtureRequest
) -> None:
    pixels = tiny.images(7)
    together = run(pixels)
    if request.node.callspec.params["model"][1] == "answerer":
        each = enumerate(questions(len(pixels)))
        apart = [model.answer(pixels[n : n + 1], [asked])[0] for n, asked in each]
        assert not any(asked in text for asked, text in zip(questions(7), together, strict=True))
    else:
        apart = [run(one[None])[0] for one in pixels]
    assert_same(together, apart if isinstance(together, list) else np.stack(apart))
    if hasattr(model, "space"):
        apart = [model.encode_texts([text])[0] for text in tiny.TEXTS]
        assert_same(model.encode_texts(tiny.TEXTS), np.stack(apart))
    elif hasattr(model, "score"):
        apart = [model.score(pixels, [text]) for text in tiny.TEXTS]
        assert_same(together, np.hstack(apart))


@in_each_role
def test_batches_that_do_not_come_out_even_lose_nothing(
    model: Any, run: Callable[[Pixels], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tiny.images(7))
    monkeypatch.setattr(model, "_batch", 3)
    if hasattr(model, "score"):
        monkeypatch.setattr(model, "_pairs", 4)
    assert_same(run(tiny.images(7)), whole)


@in_each_role
def test_read_only_and_strided_pixels_are_taken(model: Any, run: Callable[[Pixels], Any]) -> None:
    pixels = tiny.images(4)
    expected = run(pixels[::2].copy())
    pixels.setflags(write=False)
    assert_same(run(pixels[::2]), expected)


@in_each_role
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


@in_each_role
def test_one_string_is_no_list_of_texts(model: Any) -> None:
    for method in ("encode_texts", "score", "answer"):
        if hasattr(model, method):
            given = () if method == "encode_texts" else (tiny.images(1),)
            with pytest.raises(InvalidArgument, match="list of (texts|questions)"):
                getattr(model, method)(*given, "kite")


@pytest.mark.parametrize("model", ANSWERERS, ids="-".join, indirect=True)
@pytest.mark.parametrize(
    ("count", "asked", "message"),
    [
        (1, "", "a question is empty"),
        (1, " \n", "a question is empty"),
        (0, "how many?", "1 questions about 0 images"),
        (2, "how many?", "1 questions about 2 images"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    model: Any, count: int, asked: str, message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        model.answer(tiny.images(count), [asked])


@in_each_role
def test_memory_that_runs_out_halves_the_batch(
    model: Any, run: Callable[[Pixels], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    same = tiny.images(1).repeat(COUNT, axis=0)
    whole = run(same)
    monkeypatch.setattr(model, "_batch", 4)
    if hasattr(model, "score"):
        monkeypatch.setattr(model, "_pairs", 4)

    def short(rows: torch.Tensor, batch: int, forward: Callable[[torch.Tensor], Any]) -> Any:
        def full(part: torch.Tensor) -> Any:
            if len(part) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return forward(part)

        return in_batches(rows, batch, full)

    for module in (cross_encoder, dual_encoder, transformers_model):
        monkeypatch.setattr(module, "in_batches", short)
    assert_same(run(same), whole)
    assert model._batch == 1
    assert not hasattr(model, "score") or model._pairs == 1


@pytest.mark.parametrize("family", ENCODERS)
def test_the_space_says_which_model_it_is(written: Callable[[str], Path], family: str) -> None:
    folder = written(family)
    encoder = load(str(folder), device="cpu")
    assert encoder.space.name == str(folder.resolve())
    assert encoder.space.revision == from_folder("a", folder).revision
    assert len(encoder.space.revision) == 16
    assert json.loads(encoder.space.preprocessing)["size"] == encoder.image_spec.size == 32
    assert encoder.space.preprocessing == encoder.image_spec.canonical()


@pytest.mark.parametrize(("family", "role"), READERS, ids="-".join)
def test_a_model_of_another_architecture_is_named(
    written: Callable[[str], Path], family: str, role: Role
) -> None:
    other = next(name for name in FAMILIES if name.startswith("Blip") and name != family)
    with pytest.raises(BrokenModel, match=f"is a {other}, and this needs a {family}"):
        loader(family, role).load(tiny.checkpoint(written(other)), "cpu")


def spoil(folder: Path, damage: Callable[[dict[str, torch.Tensor], str], object]) -> str:
    """Damage one vector of a model's weights, and return the end of its name."""
    (path,) = folder.glob("*.safetensors")
    state = {name: value.clone() for name, value in load_file(path).items()}
    name = min(name for name, value in state.items() if value.ndim == 1)
    damage(state, name)
    save_file(state, path, metadata={"format": "pt"})
    return ".".join(name.split(".")[-3:])  # the library puts other stacks in front of it


@pytest.mark.parametrize("family", WRITERS)
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda state, name: state.pop(name), "1 tensors are missing, .*{name} among"),
        (lambda state, _: state.update(extra=torch.ones(1)), "1 tensors are not part of it, extra"),
        (
            lambda state, name: state.update({name: torch.ones(2, 2)}),
            r".*{name} is \(2, 2\) and must be \(",
        ),
    ],
    ids=["one too few", "one too many", "another shape"],
)
def test_weights_that_do_not_fit_are_a_broken_model(
    written: Callable[[str], Path], tmp_path: Path, family: str, damage: Any, message: str
) -> None:
    folder = tiny.copied(written(family), tmp_path / "spoilt")
    name = spoil(folder, damage)
    with pytest.raises(BrokenModel, match=message.replace("{name}", name)) as caught:
        run_in(next(role for each, role in ROLES if each == family), folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", WRITERS)
@pytest.mark.parametrize("kept", [0, 4, 1000, -1])
def test_weights_cut_short_are_a_broken_model(
    written: Callable[[str], Path], tmp_path: Path, family: str, kept: int
) -> None:
    folder = tiny.copied(written(family), tmp_path / "spoilt")
    (path,) = folder.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BrokenModel, match=r"spoilt.* damaged or cut short") as caught:
        run_in(next(role for each, role in ROLES if each == family), folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", [name for name in WRITERS if name != OPEN_CLIP])
def test_a_processor_of_another_model_is_a_broken_model(
    written: Callable[[str], Path], tmp_path: Path, family: str
) -> None:
    folder = tiny.copied(written(family), tmp_path / "spoilt")
    (path,) = folder.glob("*processor_config.json")
    table = json.loads(path.read_bytes())
    settings = table.get("image_processor", table)
    settings["crop_size" if settings.get("crop_size") else "size"] = {"height": 16, "width": 16}
    path.write_text(json.dumps(table))
    with pytest.raises(BrokenModel, match="takes 32 pixels a side and its processor file says 16"):
        run_in(next(role for each, role in ROLES if each == family), folder)
