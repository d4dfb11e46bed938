import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.models.auto.tokenization_auto import AutoTokenizer

from indexer.images.preprocess import prepare
from indexer.models import DualEncoder, fetch, load
from indexer.models.networks.blip import BlipEncoder
from indexer.models.protocols import Pixels
from indexer.models.runtime import memory
from storage.errors import BrokenModel, EncodeFailure, NotEnoughMemory
from storage.records import Matrix
from tests.indexer.models import tiny_towers as tiny
from tests.indexer.models.tiny_readers import copied

MINIS = Path(__file__).parents[4] / "indexer" / "models" / "mini"
SHIPPED = {"clip": "clip-hf", "align": "align", "blip": "blip"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each family, of random weights, and where the shipped ones would be."""
    home = tmp_path_factory.mktemp("towers")
    found = {family: tiny.write(family, home / family) for family in tiny.FAMILIES}
    return found | {f"mini-{family}": MINIS / name for family, name in SHIPPED.items()}


@pytest.fixture(params=[*tiny.FAMILIES, *(f"mini-{family}" for family in SHIPPED)])
def folder(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    """A model of one family after another."""
    return folders[request.param]


def library(folder: Path) -> tuple[Any, Any, str]:
    """Load the same weights with the library's own class and its own processor.

    Its processor on PIL images, as ours: the one on tensors rounds another way.
    """
    import transformers

    processors: Any = transformers.AutoProcessor
    name = json.loads((folder / "config.json").read_bytes())["architectures"][0]
    network = getattr(transformers, name).from_pretrained(folder, dtype=torch.float32).eval()
    return network, processors.from_pretrained(folder, backend="pil"), name


def reference(folder: Path, words: list[str]) -> tuple[Matrix, Matrix]:
    """Encode the drawings and texts by direct calls of the library."""
    network, processor, name = library(folder)
    planes = processor.image_processor(tiny.drawings(), return_tensors="pt").pixel_values
    longest = min(processor.tokenizer.model_max_length, 64 if name == "AlignModel" else 512)
    longest = min(longest, network.config.text_config.max_position_embeddings)
    tokens = processor.tokenizer(
        words, padding="max_length", truncation=True, max_length=longest, return_tensors="pt"
    )
    seen_by_all = ("input_ids",) if name == "SiglipModel" else ("input_ids", "attention_mask")
    tokens = {key: tokens[key] for key in seen_by_all}
    with torch.no_grad():
        if name == "BlipForImageTextRetrieval":
            return retrieval(network, planes, tokens)
        seen = network.get_image_features(pixel_values=planes).pooler_output
        read = network.get_text_features(**tokens).pooler_output
    return unit(seen), unit(read)


def retrieval(network: Any, planes: torch.Tensor, tokens: Any) -> tuple[Matrix, Matrix]:
    """Read BLIP's two rows off its parts; its forward gives their cosines only."""
    seen = network.vision_proj(network.vision_model(pixel_values=planes)[0][:, 0])
    read = network.text_proj(network.text_encoder(**tokens)[0][:, 0])
    cosines = network(pixel_values=planes[:1], **tokens, use_itm_head=False).itm_score
    np.testing.assert_allclose(unit(seen)[:1] @ unit(read).T, cosines.numpy(), atol=1e-5)
    return unit(seen), unit(read)


def unit(rows: torch.Tensor) -> Matrix:
    return torch.nn.functional.normalize(rows, dim=-1).numpy()


def prepared(encoder: DualEncoder) -> Pixels:
    return np.stack([prepare(image, encoder.image_spec) for image in tiny.drawings()])


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_vectors_are_those_of_the_library(folder: Path) -> None:
    ours = load(str(folder), device="cpu")
    images, texts = reference(folder, tiny.TEXTS)
    np.testing.assert_allclose(ours.encode_images(prepared(ours)), images, atol=1e-4)
    np.testing.assert_allclose(ours.encode_texts(tiny.TEXTS), texts, atol=1e-4)
    assert ours.space.dimension == images.shape[1] == texts.shape[1]


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_images_are_prepared_as_by_the_processor_on_tensors(
    folders: dict[str, Path], family: str
) -> None:
    from transformers.models.auto.image_processing_auto import AutoImageProcessor

    from indexer.models.networks.pretrained import normalise

    ours: Any = load(str(folders[family]), device="cpu")
    processors: Any = AutoImageProcessor
    theirs = processors.from_pretrained(folders[family])
    planes = theirs(tiny.drawings(), return_tensors="pt").pixel_values
    made = normalise(torch.from_numpy(prepared(ours)), ours.image_spec, torch.device("cpu"))
    steps = (made - planes).abs() * torch.tensor(ours.image_spec.std).view(1, 3, 1, 1) * 255
    assert steps.max() <= 2.01  # of 255: torchvision rounds its two passes differently
    assert steps.mean() < 0.1


@pytest.fixture(scope="module")
def encoder(folders: dict[str, Path]) -> DualEncoder:
    """One of them, loaded once."""
    return load(str(folders["blip"]), device="cpu")


def test_weights_that_are_not_numbers_are_an_encode_failure(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = copied(folders["blip"], tmp_path / "blip")
    state = load_file(folder / "model.safetensors")
    state["vision_proj.bias"].fill_(torch.nan)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    broken = BlipEncoder.load(fetch(str(folder), role="dual-encoder"), "cpu")
    with pytest.raises(EncodeFailure, match="not a finite direction"):
        broken.encode_images(prepared(broken))
    with pytest.raises(BrokenModel, match=f"the model {folder} does not work: .*not a finite"):
        load(str(folder), device="cpu")


def test_tokens_are_counted_as_the_tokenizer_makes_them(folder: Path) -> None:
    encoder = load(str(folder), device="cpu")
    words = AutoTokenizer.from_pretrained(folder)
    for text in tiny.TEXTS:
        assert encoder.count_tokens(text) == len(words(text, verbose=False).input_ids)
    assert encoder.context == words.model_max_length or encoder.context == 64  # of ALIGN
    assert encoder.count_tokens(tiny.TEXTS[-1]) > (encoder.context or 0) or "mini" in str(folder)


def test_what_is_beyond_the_context_changes_no_vector(encoder: DualEncoder) -> None:
    assert encoder.context == tiny.CONTEXT
    read = " ".join(["red"] * (tiny.CONTEXT - 2))
    assert encoder.count_tokens(read) == tiny.CONTEXT
    same, other = encoder.encode_texts([read, read + " kite"])
    np.testing.assert_allclose(same, other, atol=1e-5)


def test_half_precision_files_run_in_full(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["clip"], tmp_path / "clip")
    state = {name: one.half() for name, one in load_file(folder / "model.safetensors").items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    half, full = (load(str(one), device="cpu") for one in (folder, folders["clip"]))
    rows, expected = half.encode_texts(tiny.TEXTS), full.encode_texts(tiny.TEXTS)
    assert rows.dtype == np.float32
    assert (rows * expected).sum(axis=1).min() > 0.999


def test_loading_says_nothing(folders: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    load(str(folders["align"]), device="cpu").encode_texts(tiny.TEXTS)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b'{"model": {"type": "own"}}'])
def test_a_damaged_tokenizer_is_a_broken_model(
    folders: dict[str, Path], tmp_path: Path, written: bytes
) -> None:
    folder = copied(folders["blip"], tmp_path / "blip")
    (folder / "tokenizer.json").write_bytes(written)
    with pytest.raises(BrokenModel, match="tokenizer") as caught:
        load(str(folder), device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"vision_config": {"image_size": "large"}},
        {"vision_config": {"hidden_size": -1}},
        {"text_config": {"num_hidden_layers": 2, "hidden_size": 33}},
    ],
)
def test_a_configuration_that_describes_no_network_is_a_broken_model(
    folders: dict[str, Path], tmp_path: Path, change: dict[str, Any]
) -> None:
    folder = copied(folders["blip"], tmp_path / "blip")
    config = json.loads((folder / "config.json").read_bytes())
    for key, value in change.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BrokenModel) as caught:
        load(str(folder), device="cpu")
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_vocabulary_of_another_model_is_a_broken_model(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = copied(folders["blip"], tmp_path / "blip")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((folders["clip"] / name).read_bytes())
    with pytest.raises(BrokenModel, match="519 tokens and its text tower only 13"):
        load(str(folder), device="cpu")


def test_too_little_memory_is_said_before_weights_are_read(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free", lambda: 100_000_000)
    with pytest.raises(NotEnoughMemory, match=r"needs about 0\.3 GB of memory and 0\.1 GB are"):
        load(str(folders["clip"]), device="cpu")


def full_size(family: str) -> Any:
    """Build the network of a published configuration, of random weights."""
    from transformers.models.align.modeling_align import AlignModel
    from transformers.models.blip.modeling_blip import BlipForImageTextRetrieval
    from transformers.models.clip.modeling_clip import CLIPModel

    kind: Any = {"clip": CLIPModel, "align": AlignModel, "blip": BlipForImageTextRetrieval}[family]
    # The defaults of these classes are ViT-B/32, align-base but for its images, and blip-base.
    # BLIP's would begin with weights of nearly nothing, by which all images are one.
    vision = {"clip": {}, "align": {"image_size": 289}, "blip": {"initializer_range": 0.02}}
    words = {"eos_token_id": 518} if family == "clip" else {}  # of the tiny tokenizer
    return kind(kind.config_class(text_config=words, vision_config=vision[family]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "size", "width"), [("clip", 224, 512), ("align", 289, 640), ("blip", 384, 256)]
)
def test_a_network_of_published_size_loads_and_runs(
    folders: dict[str, Path], tmp_path: Path, family: str, size: int, width: int
) -> None:
    folder = copied(folders[family], tmp_path / family)
    full_size(family).save_pretrained(folder)
    path = folder / "processor_config.json"
    table = json.loads(path.read_bytes())
    images = table["image_processor"]
    if family == "clip":
        images |= {"size": {"shortest_edge": size}, "crop_size": {"height": size, "width": size}}
    elif family == "align":
        images |= {"size": {"height": 346, "width": 346}}
        images |= {"crop_size": {"height": size, "width": size}}
    else:
        images |= {"size": {"height": size, "width": size}}
    path.write_text(json.dumps(table))
    encoder = load(str(folder), device="cpu")
    assert encoder.image_spec.size == size
    assert encoder.encode_images(prepared(encoder)[:2]).shape == (2, width)
    assert encoder.encode_texts(tiny.TEXTS).shape == (4, width)
