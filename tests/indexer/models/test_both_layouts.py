"""A folder that holds open_clip's layout and that of transformers, as LAION's repositories do."""

import json
import shutil
from pathlib import Path

import pytest

from indexer.models import cache, fetch, find, load
from indexer.models.files.checkpoint import is_open_clip
from indexer.models.info.architecture import describe_architecture
from storage.errors import BrokenModel, UnsafeWeights
from tests.indexer.models import tiny_towers

OPEN_CLIP, TRANSFORMERS = "open_clip_model.safetensors", "model.safetensors"


@pytest.fixture(scope="module")
def origin(tiny_origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both layouts whole, of two tiny CLIPs."""
    folder = tiny_towers.write("clip", tmp_path_factory.mktemp("both") / "both")
    shutil.copytree(tiny_origin, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def both(origin: Path, tmp_path: Path) -> Path:
    """The same in a folder that a test may change."""
    return Path(shutil.copytree(origin, tmp_path / "both"))


def family(folder: Path) -> str:
    return type(load(str(folder), device="cpu")).__name__


def test_it_loads_by_whichever_has_its_weights(both: Path) -> None:
    assert family(both) == "OpenClipEncoder"  # where both are whole
    (both / OPEN_CLIP).rename(both / "aside")
    assert family(both) == "ClipEncoder"
    (both / "aside").rename(both / OPEN_CLIP)
    (both / TRANSFORMERS).unlink()
    assert family(both) == "OpenClipEncoder"


def test_what_one_layout_lacks_is_no_matter_where_the_other_counts(both: Path) -> None:
    (both / "processor_config.json").unlink()
    (both / "tokenizer.json").unlink()
    assert family(both) == "OpenClipEncoder"


def test_weights_in_several_files_are_weights(both: Path) -> None:
    (both / OPEN_CLIP).unlink()
    (both / TRANSFORMERS).rename(both / "model-1.safetensors")
    index = {"weight_map": {"logit_scale": "model-1.safetensors"}}
    (both / "model.safetensors.index.json").write_text(json.dumps(index))
    assert not is_open_clip(both)
    assert fetch(str(both)).weight_files() == [both / "model-1.safetensors"]


def test_without_its_configuration_weights_are_none(both: Path) -> None:
    (both / "open_clip_config.json").unlink()
    assert family(both) == "ClipEncoder"


def test_without_any_weights_it_is_refused_with_both_names(both: Path) -> None:
    for name in (OPEN_CLIP, TRANSFORMERS):
        (both / name).unlink()
    with pytest.raises(BrokenModel, match=f"{OPEN_CLIP}; .* config.json and {TRANSFORMERS}"):
        find(str(both))
    (both / "open_clip_pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UnsafeWeights, match="open_clip_pytorch_model.bin"):
        find(str(both))


@pytest.mark.parametrize("lacking", [OPEN_CLIP, TRANSFORMERS, None])
def test_it_is_described_and_measured_as_it_is_loaded(both: Path, lacking: str | None) -> None:
    if lacking:
        (both / lacking).unlink()
    counts = OPEN_CLIP if lacking != OPEN_CLIP else TRANSFORMERS
    family = describe_architecture(str(both)).family
    assert family == ("open_clip CLIP" if counts == OPEN_CLIP else "CLIPModel")
    assert cache._weights(find(str(both))) == [both / counts]
