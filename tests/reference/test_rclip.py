"""The queries of rclip's end-to-end tests, asked of a library of the same pictures.

rclip adds up the terms' cosines and does not bring the sum back to unit length; ours does, so its
scores are ours times the length of the sum.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer import IndexConfig
from indexer.images.decode import open_image
from indexer.images.preprocess import prepare
from indexer.ingest import Indexer
from indexer.models import load
from indexer.models.protocols import DualEncoder
from search import Engine, Query, Term
from storage import Library

pytestmark = pytest.mark.slow
MODEL = "clip-b32"  # open_clip's ViT-B-32-256 of DataComp, which rclip runs as ONNX
NETPBM = (".pbm", ".pgm", ".pnm", ".ppm")  # which sightline does not index: made PNG, without loss
NEAR = 0.01  # rclip prints three digits, of another run-time and another decoder
_ROW = re.compile(r'^(-?[\d.]+)\t"<test_images_dir>(.*)"$', re.MULTILINE)
_WRITTEN = re.compile(
    r"^(?P<sign>[+-]?)(?:(?P<weight>[\d.]+):)?(?P<words>.*?)(?P<image> \(image\))?$"
)


@dataclass(frozen=True)
class Indexed:
    """The images' library, and what answers questions of it."""

    engine: Engine
    encoder: DualEncoder
    images: Path


def asked(reference: Path) -> list[dict[str, Any]]:
    table = json.loads((reference / "rclip-e2e" / "queries.json").read_text(encoding="utf-8"))
    queries: list[dict[str, Any]] = table["queries"]
    return queries


@pytest.fixture(scope="module")
def indexed(
    reference: Path, here: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Indexed]:
    encoder = load(here(MODEL), device="cpu")
    images = tmp_path_factory.mktemp("images")
    for path in (reference / "rclip-e2e" / "tests" / "e2e" / "images").iterdir():
        if path.suffix in NETPBM:
            with Image.open(path) as image:
                image.convert("RGB").save(images / f"{path.name}.png")
        else:
            shutil.copy(path, images)
    with Library.create(tmp_path_factory.mktemp("rclip") / "library") as library:
        config = IndexConfig(paths=(str(images),), workers=1)
        Indexer(library, encoder, config).run()
        yield Indexed(Engine(library, lambda: encoder), encoder, images)


def term(written: str, images: Path) -> Term:
    """Read one term as rclip writes it: `-0.5:fence`, `+puppy`, `cat.jpg (image)`."""
    match = _WRITTEN.match(written)
    assert match, written
    weight = float(match["weight"] or 1) * (-1 if match["sign"] == "-" else 1)
    if match["image"]:
        return Term("image", str(images / match["words"]), weight)
    return Term("text", match["words"], weight)


def length(terms: list[Term], encoder: DualEncoder) -> float:
    """Return the length of the weighted sum of the terms' vectors."""
    total = np.zeros(encoder.space.dimension, np.float32)
    for each in terms:
        if each.kind == "image":
            content = Path(each.value).read_bytes()
            square = prepare(open_image(content).image, encoder.image_spec)
            row = encoder.encode_images(square[None])[0]
        else:
            row = encoder.encode_texts([each.value])[0]
        total += np.float32(each.weight) * row
    return float(np.linalg.norm(total))


@pytest.mark.parametrize("number", range(19))
def test_a_query_finds_what_rclip_finds_with_its_scores(
    number: int, indexed: Indexed, reference: Path
) -> None:
    query = asked(reference)[number]
    snapshots = reference / "rclip-e2e" / "tests" / "e2e" / "output_snapshots"
    text = (snapshots / query["snapshot"]).read_text(encoding="utf-8")
    told = {name: float(score) for score, name in _ROW.findall(text)}
    assert told, query["snapshot"]
    terms = [term(written, indexed.images) for written in query["query"]]
    scale = length(terms, indexed.encoder)
    hits = indexed.engine.search(Query(tuple(terms), k=40, kind="image", words=False))
    found = {_name(hit.item.paths[0]): hit.score * scale for hit in hits}
    # A query image that is in the library is no hit of its own here.
    own = {Path(each.value).name for each in terms if each.kind == "image"}
    told = {name: score for name, score in told.items() if name not in own}
    weight = sum(abs(each.weight) for each in terms)
    for name, score in told.items():
        assert found[name] == pytest.approx(score, abs=NEAR * weight), name
    ours = list(found)[: len(told)]
    assert len(set(ours) & set(told)) >= len(told) - 1  # the last may change places with the next


def _name(path: str) -> str:
    name = Path(path).name
    return name.removesuffix(".png") if Path(name).stem.endswith(NETPBM) else name
