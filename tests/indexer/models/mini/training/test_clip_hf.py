"""The converted CLIP: its text tower is the teacher's, its picture tower begins near to it."""

import pytest
import torch
import torch.nn.functional as F
from transformers import CLIPTokenizer

from indexer.models.mini.scenes.words import words
from indexer.models.mini.training.clip import Teacher
from indexer.models.mini.training.clip_hf import _tokenizer, begin, settle_first_norm
from indexer.models.mini.training.dataset import Dataset
from indexer.models.mini.training.render_cache import RenderCache, build_cache
from indexer.models.mini.training.tokenizer import load_tokenizer
from indexer.models.mini.weights import CLIP_DIRECTORY

CPU = torch.device("cpu")
TEXTS = ("a big red star left of a small blue ring", "3 hearts", "two stars, an unknown zebra")


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return Teacher(CPU)


@pytest.fixture(scope="module")
def pool() -> RenderCache:
    return build_cache(0, 8, words(), 1)


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return _tokenizer()


def test_both_libraries_spell_alike(tokenizer: CLIPTokenizer) -> None:
    ours = load_tokenizer(CLIP_DIRECTORY)
    for text in TEXTS:
        expected = [ours.sot_token_id, *ours.encode(text), ours.eot_token_id]
        assert tokenizer(text)["input_ids"] == expected


def test_the_text_tower_gives_the_teachers_rows(teacher: Teacher, tokenizer: CLIPTokenizer) -> None:
    model = begin(teacher)
    model.train(False)
    ours = load_tokenizer(CLIP_DIRECTORY)
    tokens = tokenizer(list(TEXTS), padding=True, return_tensors="pt")
    with torch.no_grad():
        made = model.get_text_features(**tokens).pooler_output
        wanted = teacher.network.encode_text(ours(list(TEXTS)))
    assert torch.allclose(made, wanted, atol=1e-4)


def test_the_fitted_norm_brings_the_picture_tower_nearer(
    teacher: Teacher, pool: RenderCache
) -> None:
    pictures = Dataset(pool, 0, CPU).pictures(Dataset(pool, 0, CPU).rows(16))
    model = begin(teacher)
    model.train(False)
    wanted = teacher.pictures(pictures)

    def distance() -> float:
        with torch.no_grad():
            rows = F.normalize(
                model.get_image_features(pixel_values=pictures).pooler_output, dim=-1
            )
        return 1 - float((rows * wanted).sum(1).mean())

    before = distance()
    settle_first_norm(model.vision_model, pictures)
    assert distance() < 0.9 * before
