import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip  # type: ignore[import-untyped]
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from indexer.images.preprocess import prepare
from indexer.models import DualEncoder, fetch, load
from indexer.models.files import hub
from indexer.models.files.checkpoint import Checkpoint, from_folder
from indexer.models.networks.open_clip import OpenClipEncoder, _fetch_tokenizer
from indexer.models.protocols import Pixels
from storage.errors import (
    BrokenModel,
    EncodeFailure,
    InvalidArgument,
    ModelError,
    UnknownModel,
    UnsafeWeights,
)
from storage.records import Matrix

MINI = Path(__file__).parents[4] / "indexer" / "models" / "mini" / "clip"
TEXTS = ["red kite", "two red circles above a blue square", "", "ünïcode 🪁", "word " * 200]
Edit = Callable[[dict[str, Any]], object]


def images(count: int = 6) -> list[Image.Image]:
    """Draw noise of several sizes, coarse enough to survive resizing."""
    generator = np.random.RandomState(3)
    sizes = [(90, 60), (33, 80), (64, 64), (200, 50), (31, 31), (128, 96)]
    drawn = [generator.randint(0, 256, (6, 6, 3)).astype(np.uint8) for _ in range(count)]
    return [
        Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR)
        for coarse, size in zip(drawn, sizes, strict=False)
    ]


def seen(encoder: DualEncoder, images: list[Image.Image]) -> Pixels:
    return np.stack([prepare(image, encoder.image_spec) for image in images])


def unit(rows: torch.Tensor) -> Matrix:
    return torch.nn.functional.normalize(rows, dim=-1).numpy()


def reference(folder: Path) -> tuple[Matrix, Matrix]:
    """Encode with the library's own loader, preprocessing and tokenizer."""
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    words = open_clip.get_tokenizer(f"local-dir:{folder}", bpe_path=str(folder / "bpe.txt.gz"))
    model.eval()
    with torch.no_grad():
        batch = torch.stack([preprocess(image) for image in images()])
        return unit(model.encode_image(batch)), unit(model.encode_text(words(TEXTS)))


def assert_same_direction(ours: Matrix, theirs: Matrix) -> None:
    assert ours.dtype == np.float32 and ours.shape == theirs.shape
    assert (ours * theirs).sum(axis=1).min() >= 0.9999
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)


@pytest.fixture(scope="module")
def encoder(tiny_origin: Path) -> DualEncoder:
    """The tiny model, loaded once."""
    return load(str(tiny_origin), device="cpu")


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_our_vectors_are_those_of_open_clip(
    tmp_path: Path, write_model: Callable[[Path, str], Path], dtype: str
) -> None:
    folder = write_model(tmp_path / "model", dtype)
    ours = load(str(folder), device="cpu")
    theirs, texts = reference(folder)
    assert_same_direction(ours.encode_images(seen(ours, images())), theirs)
    assert_same_direction(ours.encode_texts(TEXTS), texts)


def test_the_vectors_of_mini_are_those_of_open_clip() -> None:
    ours = load("mini", device="cpu")
    theirs, texts = reference(MINI)
    assert_same_direction(ours.encode_images(seen(ours, images())), theirs)
    assert_same_direction(ours.encode_texts(TEXTS), texts)
    assert ours.space.name == "mini"


def test_bf16_products_keep_the_direction(tiny_origin: Path) -> None:
    from indexer.models.runtime.device import Placement

    half = OpenClipEncoder.load(from_folder("tiny", tiny_origin), "cpu")
    full = half.encode_texts(TEXTS)
    half._placement = Placement(torch.device("cpu"), "bf16")
    rows = half.encode_texts(TEXTS)
    assert rows.dtype == np.float32
    assert (rows * full).sum(axis=1).min() > 0.999


def rewrite(folder: Path, edit: Edit) -> Path:
    path = folder / "open_clip_model.safetensors"
    state = {name: value.clone() for name, value in load_file(path).items()}
    edit(state)
    save_file(state, path)
    return folder


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda s: s.update({"positional_embedding": torch.ones(20, 32)}), r"\(20, 32\)"),
        (lambda s: s.update({"ln_final.bias": torch.ones(32).to(torch.int8)}), "torch.int8"),
        (lambda s: s.update({"ln_final.bias": torch.ones(32).double()}), "torch.float64"),
    ],
)
def test_weights_that_do_not_fit_are_a_broken_model(tiny: Path, edit: Edit, message: str) -> None:
    with pytest.raises(BrokenModel, match=message) as caught:
        load(str(rewrite(tiny, edit)), device="cpu")
    assert "open_clip_model.safetensors" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tokens_are_counted_as_open_clip_makes_them(encoder: DualEncoder, tiny: Path) -> None:
    words = open_clip.SimpleTokenizer(str(tiny / "bpe.txt.gz"), context_length=200)
    for text in TEXTS[:4]:
        assert encoder.count_tokens(text) == int((words([text]) != 0).sum())
    assert encoder.context == 12
    assert encoder.count_tokens("word " * 200) > 200


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_a_vector_without_a_direction_is_never_returned(tiny: Path, value: float) -> None:
    folder = rewrite(tiny, lambda s: s["text_projection"].fill_(value))
    with pytest.raises(EncodeFailure, match="not a finite direction") as caught:
        OpenClipEncoder.load(fetch(str(folder)), "cpu").encode_texts(["red kite"])
    assert str(folder.resolve()) in str(caught.value)
    with pytest.raises(BrokenModel, match=f"{folder.resolve()} .*not a finite direction"):
        load(str(folder), device="cpu")


@pytest.mark.parametrize(
    "edit",
    [
        lambda c: c["model_cfg"]["vision_cfg"].update(colour=3),
        lambda c: c["model_cfg"]["vision_cfg"].update(width="wide"),
        lambda c: c["model_cfg"]["vision_cfg"].update(timm_model_name="no_such_network"),
        lambda c: c["model_cfg"]["text_cfg"].update(heads=5),
    ],
)
def test_a_network_that_cannot_be_built_is_a_broken_model(
    change: Callable[[Edit], Path], edit: Edit
) -> None:
    with pytest.raises(BrokenModel, match="describes no network") as caught:
        load(str(change(edit)), device="cpu")
    assert "\n" not in str(caught.value)


def test_a_tokenizer_with_more_tokens_than_the_tower_is_a_broken_model(tiny: Path) -> None:
    import gzip

    with gzip.open(tiny / "bpe.txt.gz", "at") as file:
        file.write("\no n\non e</w>")
    with pytest.raises(BrokenModel, match="has 521 tokens and its text tower only 519"):
        load(str(tiny), device="cpu")


def test_a_vocabulary_file_that_is_no_gzip_is_a_broken_model(tiny: Path) -> None:
    (tiny / "bpe.txt.gz").write_bytes(b"not gzip")
    with pytest.raises(BrokenModel, match=r"bpe\.txt\.gz cannot be read"):
        load(str(tiny), device="cpu")


def test_a_missing_transformers_tokenizer_is_not_looked_for_on_the_hub(
    change: Callable[[Edit], Path],
) -> None:
    folder = change(lambda c: c["model_cfg"]["text_cfg"].update(hf_tokenizer_name="some/words"))
    with pytest.raises(BrokenModel, match=r"has no tokenizer\.json"):
        load(str(folder), device="cpu")


def test_a_transformers_tokenizer_beside_the_weights_is_used(
    change: Callable[[Edit], Path],
) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "red": 2, "kite": 3}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    folder = change(lambda c: c["model_cfg"]["text_cfg"].update(hf_tokenizer_name="beside"))
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    change(lambda c: c["model_cfg"]["text_cfg"].update(tokenizer_kwargs={"clean": "canonicalize"}))
    encoder = load(str(folder), device="cpu")
    rows = encoder.encode_texts(["red kite", "Red, kite!", "kite red"])
    assert [encoder.count_tokens(text) for text in ("", "Red, kite!", "kite " * 50)] == [0, 2, 50]
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)
    assert rows[0] @ rows[2] < 0.9999


def test_the_model_stays_what_it_was_when_its_file_is_written_over(tiny: Path) -> None:
    encoder = load(str(tiny), device="cpu")
    before = encoder.encode_texts(TEXTS)
    path = tiny / "open_clip_model.safetensors"
    path.write_bytes(bytes(path.stat().st_size))
    np.testing.assert_array_equal(encoder.encode_texts(TEXTS), before)


def test_a_tag_that_was_never_published_is_answered_with_those_that_were() -> None:
    with pytest.raises(UnknownModel, match="it has: openai, laion400m_e31"):
        load("open_clip:ViT-B-32/opena")


@pytest.mark.parametrize(
    ("tag", "kind", "message"),
    [
        ("ViTamin-S/datacomp1b", UnsafeWeights, "S/datacomp1b offers only pickled weights"),
        ("roberta-ViT-B-32/laion2b_s12b_b32k", BrokenModel, "roberta-base.*not supported yet"),
    ],
    ids=["pickles", "an architecture of another family"],
)
def test_what_cannot_be_loaded_is_refused_without_asking_the_hub(
    monkeypatch: pytest.MonkeyPatch, tag: str, kind: type[ModelError], message: str
) -> None:
    monkeypatch.setattr(hub, "fetch", lambda *_: pytest.fail("the hub was asked"))
    with pytest.raises(kind, match=message):
        load(f"open_clip:{tag}")


def test_a_tag_with_an_address_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: {"url": "https://x/y.pt"})
    with pytest.raises(UnsafeWeights, match="offers only pickled weights"):
        load("open_clip:ViT-L-16/old")


def test_a_device_that_is_not_there_is_told_before_the_weights_are_read() -> None:
    with pytest.raises(InvalidArgument, match="no device 'tpu'"):
        OpenClipEncoder.load(Checkpoint("m", "", tag="ViT-B-32/openai"), "tpu")


def test_a_network_too_large_for_its_device_says_so(
    encoder: DualEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    assert isinstance(encoder, OpenClipEncoder)
    monkeypatch.setattr(encoder._network, "encode_text", full)
    with pytest.raises(ModelError, match="choose a smaller model"):
        encoder.encode_texts(["red kite"])


@pytest.mark.slow
def test_a_full_size_tower_loads_from_a_directory_and_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    config = open_clip.get_model_config("ViT-B-32-quickgelu")
    model = open_clip.CLIP(**config).eval()
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    weights = tmp_path / "open_clip_model.safetensors"
    save_file(state, weights)
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    monkeypatch.setattr(hub, "fetch", lambda *_: (weights, "c" * 40))

    local, published = load(str(tmp_path), device="cpu"), load("open_clip:ViT-B-32/openai")

    preprocess = open_clip.image_transform(224, is_train=False)
    with torch.no_grad():
        theirs = unit(model.encode_image(torch.stack([preprocess(i) for i in images()])))
        texts = unit(model.encode_text(open_clip.get_tokenizer("ViT-B-32")(TEXTS)))
    for ours in (local, published):
        assert_same_direction(ours.encode_images(seen(ours, images())), theirs)
        assert_same_direction(ours.encode_texts(TEXTS), texts)
    assert published.space.revision == "c" * 40


def test_a_tokenizer_is_fetched_once_with_its_main_file_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetch(model: str, repository: str, file: str, revision: str) -> tuple[Path, str]:
        asked.append(file)
        if file == "special_tokens_map.json":
            raise hub.NotOffered(file)
        (tmp_path / file).touch()
        return tmp_path / file, "abc"

    def cached(repository: str, file: str, revision: str = "") -> Path | None:
        return tmp_path / file if (tmp_path / file).exists() else None

    monkeypatch.setattr(hub, "fetch", fetch)
    monkeypatch.setattr(hub, "cached", cached)
    for _ in range(2):
        assert _fetch_tokenizer("org/model", "name") == tmp_path
    assert asked == ["tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"]
