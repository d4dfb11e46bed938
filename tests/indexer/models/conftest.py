"""Small models, written as folders: the fixtures that the tests of `indexer.models` share."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

MERGES = ["r e", "re d</w>", "k i", "t e</w>", "ki te</w>"]
VOCABULARY = 512 + len(MERGES) + 2  # bytes, bytes that end a word, merges, start and end

MINIS = Path(__file__).parents[3] / "indexer" / "models" / "mini"

Change = Callable[[dict[str, Any]], None]


def tiny_config() -> dict[str, Any]:
    return {
        "model_cfg": {
            "embed_dim": 24,
            "vision_cfg": {
                "image_size": 32,
                "patch_size": 16,
                "width": 32,
                "head_width": 16,
                "layers": 2,
            },
            "text_cfg": {
                "context_length": 12,
                "vocab_size": VOCABULARY,
                "width": 32,
                "heads": 2,
                "layers": 2,
                "tokenizer_kwargs": {"bpe_path": "bpe.txt.gz"},
            },
        },
        "preprocess_cfg": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]},
    }


def write_folder(folder: Path, dtype: str = "float32", seed: int = 7) -> Path:
    """Write a tiny CLIP of random weights as a model directory."""
    import open_clip  # type: ignore[import-untyped]
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = tiny_config()
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with gzip.open(folder / "bpe.txt.gz", "wt") as file:
        file.write("\n".join(["#version: 0.2", *MERGES]))
    torch.manual_seed(seed)
    state = open_clip.CLIP(**config["model_cfg"]).state_dict()
    kind = getattr(torch, dtype)
    save_file(
        {name: value.to(kind).contiguous() for name, value in state.items()},
        folder / "open_clip_model.safetensors",
    )
    return folder


@pytest.fixture
def write_model() -> Callable[[Path, str], Path]:
    """Write a tiny model into a directory, with weights of the named type."""
    return write_folder


@pytest.fixture(scope="session")
def tiny_origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's directory that no test changes."""
    return write_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def tiny(tiny_origin: Path, tmp_path: Path) -> Path:
    """A tiny model's directory of one's own."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for path in tiny_origin.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def change(tiny: Path) -> Callable[[Change], Path]:
    """Change the configuration of one's own tiny model."""

    def apply(edit: Change) -> Path:
        path = tiny / "open_clip_config.json"
        config = json.loads(path.read_text())
        edit(config)
        path.write_text(json.dumps(config))
        return tiny

    return apply


@pytest.fixture(scope="module")
def briefly(request: pytest.FixtureRequest) -> Iterator[None]:
    """One thread, and the `LIMITS` of tokens that a test file sets where models never end."""
    from tests.indexer.models.tiny_readers import quick

    with quick(getattr(request.module, "LIMITS", 8)):
        yield


@pytest.fixture(scope="module", params=["tiny", "mini"])
def both(request: pytest.FixtureRequest, folder: Path) -> Path:
    """The random model of a test file, then the shipped one that it names."""
    return folder if request.param == "tiny" else MINIS / request.module.SHIPPED
