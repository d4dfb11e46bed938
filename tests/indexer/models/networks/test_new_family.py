"""A family is one record and one class: here both are made by the test, for SigLIP's network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers.models.siglip.modeling_siglip import SiglipModel

from indexer.models import find, load
from indexer.models.compiled.text_cleaning import canonical
from indexer.models.families import FAMILIES, Family, ImageProcessor, ImageTower
from indexer.models.info.architecture import describe_architecture
from indexer.models.networks.transformers_encoder import TransformersEncoder
from storage.errors import BrokenModel
from tests.indexer.models import tiny_towers as tiny


class NewEncoder(TransformersEncoder):
    """All that its file would hold."""

    kind = SiglipModel

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        tokens: torch.Tensor = self._tokenized(texts, padding="max_length")["input_ids"]
        return tokens

    def _dimension(self, config: Any) -> int:
        return int(config.text_config.projection_size)


NEW = Family(
    "SiglipModel",
    "transformers.models.siglip.configuration_siglip:SiglipConfig",
    {"dual-encoder": f"{__name__}:NewEncoder"},
    (ImageTower("siglip_vision_model", class_tokens=0),),
    {"text_config": ("siglip_text_model",)},
    (ImageProcessor("Siglip", {"size": {"height": 224, "width": 224}}),),
    (("common space", "{config.text_config.projection_size} wide"),),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write("siglip", tmp_path_factory.mktemp("new") / "siglip")


def test_without_its_record_a_family_is_not_supported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(FAMILIES, "SiglipModel")
    with pytest.raises(BrokenModel, match="architecture SiglipModel is not supported"):
        find(str(folder))


def test_with_its_record_it_is_found_described_loaded_and_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAMILIES, "SiglipModel", NEW)
    assert find(str(folder)).roles == ("dual-encoder",)
    titles = {one.title: dict(one.rows) for one in describe_architecture(str(folder)).sections}
    assert titles["joined by"] == {"common space": "32 wide"}
    assert titles["vision"]["tokens"] == "16 patches"
    encoder = load(str(folder), device="cpu")
    assert type(encoder).__name__ == "NewEncoder"
    rows = encoder.encode_texts(tiny.TEXTS)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    apart = np.vstack([encoder.encode_texts([text]) for text in tiny.TEXTS])
    np.testing.assert_allclose(rows, apart, atol=1e-5)
    assert encoder.encode_images(np.zeros((2, 32, 32, 3), np.uint8)).shape == (2, 32)


def test_siglip_reads_words_as_it_was_trained(folder: Path) -> None:
    encoder = load(str(folder), device="cpu")
    shouted, plain = encoder.encode_texts(["A  red, KITE!", "a red kite"])
    np.testing.assert_array_equal(shouted, plain)
    assert canonical("two_Red kites; (the_blue)") == "two red kites the blue"
    assert encoder.count_tokens("a red, kite!") == 4


def test_siglip_with_a_tokenizer_that_marks_the_beginning_is_a_broken_model(
    folder: Path, tmp_path: Path
) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    words: Any = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    marks = [(mark, tiny.TABLE[mark]) for mark in ("[CLS]", "[SEP]")]
    words.post_processor = TemplateProcessing(single="[CLS] $A", special_tokens=marks)
    words.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(BrokenModel, match="no mark before them"):
        load(str(tmp_path), device="cpu")
