"""An export computes what the library's own class does, for every family and role."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from indexer.models import load, load_reader
from indexer.models.compiled.dual_encoder import CompiledEncoder
from indexer.models.compiled.export import Export
from indexer.models.compiled.export_process import ExportRequest
from indexer.models.compiled.exporter import export
from indexer.models.compiled.network import processor
from indexer.models.compiled.pair_scorer import CompiledScorer
from indexer.models.compiled.parity import TEXTS, check_encoder, photos
from indexer.models.compiled.precision import LEAST_COSINE, MOST_SCORE_ERROR, Precision
from indexer.models.protocols import Role
from indexer.models.registry import fetch, resolve
from tests.indexer.models import tiny_towers as tiny
from tests.indexer.models.conftest import write_folder

THREADS = 2


def exported(
    name: str, role: Role, folder: Path, precision: Precision = "fp32"
) -> tuple[Export, ExportRequest]:
    """Export a model in this process."""
    found = resolve(name)
    checkpoint = fetch(found, role=role)
    part = role if role in ("dual-encoder", "pair-scorer") else "tower"
    request = ExportRequest(found.entry.loaders[role], checkpoint, part, precision, THREADS)
    folder.mkdir()
    return export(request, folder, lambda step: None), request


@pytest.fixture(scope="module", params=[*tiny.FAMILIES, "open_clip"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny dual encoder of random weights of each family."""
    folder = tmp_path_factory.mktemp("tower") / request.param
    if request.param == "open_clip":
        folder.mkdir()
        return write_folder(folder)
    return tiny.write(request.param, folder)


def test_an_encoder_gives_the_vectors_of_its_class(written: Path, tmp_path: Path) -> None:
    made, request = exported(str(written), "dual-encoder", tmp_path / "export")
    own = load(str(written), device="cpu")
    ours = CompiledEncoder(own.space.name, own.space.revision, made, THREADS)
    assert (ours.space, ours.image_spec, ours.context) == (own.space, own.image_spec, own.context)
    assert made.cosine > 0.99999
    pixels, texts = photos(own.image_spec), [*TEXTS, *tiny.TEXTS]
    np.testing.assert_allclose(ours.encode_images(pixels), own.encode_images(pixels), atol=1e-4)
    np.testing.assert_allclose(ours.encode_texts(texts), own.encode_texts(texts), atol=1e-4)
    assert [ours.count_tokens(text) for text in texts] == [own.count_tokens(text) for text in texts]
    assert ours.encode_texts([]).shape == (0, own.space.dimension)
    assert ours.encode_images(pixels[:0]).shape == (0, own.space.dimension)
    # What is there can be opened again, by what is written alone.
    again = CompiledEncoder("again", "1", Export.read(tmp_path / "export"), 1)
    np.testing.assert_allclose(again.encode_texts(texts), ours.encode_texts(texts), atol=1e-5)


@pytest.mark.parametrize("name", ["mini-blip", "mini-caption"])
def test_a_scorer_gives_the_scores_of_its_class(name: str, tmp_path: Path) -> None:
    made, _ = exported(name, "pair-scorer", tmp_path / "export")
    own = load_reader(name, "pair-scorer", device="cpu")
    ours = CompiledScorer(own.name, own.revision, made, THREADS)
    assert (ours.calibrated, ours.score_weight) == (own.calibrated, own.score_weight)
    assert (ours.image_spec, ours.context) == (own.image_spec, own.context)
    pixels = photos(own.image_spec)
    texts = ["a red circle", "two blue squares above a green star", "four big rings"]
    np.testing.assert_allclose(ours.score(pixels, texts), own.score(pixels, texts), atol=1e-4)
    assert ours.score(pixels, []).shape == (len(pixels), 0)
    assert ours.count_tokens("a red circle") == own.count_tokens("a red circle")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("mini-caption", "captioner"),
        ("mini-vqa", "answerer"),
        ("mini-instructblip", "captioner"),
        ("mini-llava", "captioner"),
    ],
)
def test_a_reader_says_the_same_with_its_image_tower_compiled(
    name: str, role: Role, tmp_path: Path
) -> None:
    made, _ = exported(name, role, tmp_path / "export")
    own, ours = (cast(Any, load_reader)(name, role, device="cpu") for _ in range(2))
    ours.replace_tower(made.network("tower", THREADS).run)
    pixels = photos(own.image_spec)[:3]
    if role == "captioner":
        assert ours.describe(pixels) == own.describe(pixels)
    else:
        questions = ["what colour is it?"] * len(pixels)
        assert ours.answer(pixels, questions) == own.answer(pixels, questions)


@pytest.mark.skipif(not processor().has_bf16, reason="this processor does not multiply bf16")
def test_bf16_stays_within_its_tolerance(tmp_path: Path) -> None:
    made, _ = exported("mini", "dual-encoder", tmp_path / "export", "bf16")
    own = load("mini", device="cpu")
    ours = CompiledEncoder("mini", "1", made, THREADS)
    assert made.precision == ours.space.precision == "bf16"
    assert LEAST_COSINE["bf16"] <= check_encoder(own, ours, own.image_spec, "bf16") < 1


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_clip_of_full_size_is_exported_within_its_tolerance(
    precision: Precision, tmp_path: Path
) -> None:
    if precision == "bf16" and not processor().has_bf16:
        pytest.skip("this processor does not multiply bf16")
    from benchmarks.random_towers import random_tower

    tower = str(random_tower(tmp_path / "tower"))
    made, request = exported(tower, "dual-encoder", tmp_path / "export", precision)
    assert made.precision == precision and made.cosine >= LEAST_COSINE[precision]
    own = load(tower, device="cpu")
    ours = CompiledEncoder(own.space.name, own.space.revision, made, THREADS)
    check_encoder(own, ours, own.image_spec, request.precision)


@pytest.mark.slow
def test_a_blip_of_full_size_is_exported_within_its_tolerance(tmp_path: Path) -> None:
    from benchmarks.reading_cost import random_blip

    blip = str(random_blip(tmp_path / "blip"))
    precision: Precision = "bf16" if processor().has_bf16 else "fp32"
    made, _ = exported(blip, "pair-scorer", tmp_path / "export", precision)
    assert made.precision == precision and made.score_error <= MOST_SCORE_ERROR
