import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from indexer.models import cached, find, memory_need, pull
from indexer.models.files.checkpoint import Checkpoint, from_folder
from indexer.models.runtime import memory
from storage.errors import BrokenModel, NotEnoughMemory
from tests.indexer.models.files.test_layout import WHOLE


def write(path: Path, shapes: dict[str, list[int]], missing: int = 0) -> Path:
    """Write a safetensors file of zeros, short of its last bytes if wanted."""
    table: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start = end
        end += 2 * (shape[0] * shape[1])
        table[name] = {"dtype": "F16", "shape": shape, "data_offsets": [start, end]}
    header = json.dumps(table).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(end - missing))
    return path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """A checkpoint of 2,600 parameters in a folder of transformers."""
    for name, text in WHOLE.items():
        (tmp_path / name).write_text(text)
    write(tmp_path / "model.safetensors", {"a": [50, 50], "b": [10, 10]})
    return from_folder("tiny", tmp_path)


def test_the_need_is_read_off_the_headers(checkpoint: Checkpoint) -> None:
    assert memory.parameters(checkpoint) == 2600
    assert memory.checkpoint_bytes(checkpoint, "fp32") == 2600 * 4 + memory.ALLOWANCE
    assert memory.checkpoint_bytes(checkpoint, "bf16") == 2600 * 2 + memory.ALLOWANCE
    assert memory_need(find(str(checkpoint.folder)), "bf16") == 2600 * 2 + memory.ALLOWANCE


def test_a_large_reader_is_counted_in_half_precision_and_a_large_encoder_is_not() -> None:
    count = 7_000_000_000
    reader = replace(find("llava-7b"), source="hf:no/where", repository="no/where")
    encoder = replace(reader, loaders=find("clip-b32").loaders)
    need = memory_need(reader), memory_need(encoder)
    assert need == (
        2 * reader.parameters + memory.ALLOWANCE,
        4 * reader.parameters + memory.ALLOWANCE,
    )
    assert memory.weight_dtype(count, "fp32", exact=False) == "bf16"
    assert memory.weight_dtype(count, "bf16", exact=True) == "fp32"


@pytest.mark.parametrize("damage", ["cut", "empty", "header", "length"])
def test_a_damaged_file_is_a_broken_model(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path / "model.safetensors", {"a": [50, 50]}, missing=damage == "cut")
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "header":
        path.write_bytes(path.read_bytes()[:8] + b"not json" + path.read_bytes()[16:])
    elif damage == "length":
        path.write_bytes(b"\xff" * 100)
    with pytest.raises(BrokenModel, match=r"model\.safetensors is damaged or cut short") as caught:
        memory.count(path)
    assert "\n" not in str(caught.value)


def test_a_refusal_names_the_model_the_need_and_what_is_free() -> None:
    memory.require_free("llava-7b", 1000, 1000)
    with pytest.raises(
        NotEnoughMemory,
        match=r"llava-7b needs about 14\.1 GB of memory and 8\.2 GB are free: choose",
    ):
        memory.require_free("llava-7b", 14_100_000_000, 8_200_000_000)


def test_free_is_the_least_of_the_machine_and_its_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "groups" / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "own").write_text("0::/outer/inner\n")
    (inner / "memory.max").write_text("max\n")
    for name, text in (
        ("memory.max", "1000"),
        ("memory.current", "700"),
        ("memory.stat", "anon 500\ninactive_file 150\nactive_file 50"),
    ):
        (inner.parent / name).write_text(text)
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr("indexer.models.runtime.memory.sys.platform", "linux")
    for available, expected in ((10_000, 450), (200, 200)):
        machine = SimpleNamespace(available=available)
        monkeypatch.setattr(psutil, "virtual_memory", lambda machine=machine: machine)
        assert memory.free() == expected


def test_the_shelf_says_what_is_here_and_how_large(checkpoint: Checkpoint) -> None:
    name = str(checkpoint.folder)
    assert cached(name) == checkpoint.weight_files()[0].stat().st_size
    assert memory_need(find(name)) == memory.checkpoint_bytes(checkpoint)
    assert pull(name).revision == checkpoint.revision
    checkpoint.weight_files()[0].unlink()
    assert cached(name) is None


def test_what_is_not_here_is_known_by_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert cached("llava-7b") is None
    assert cached("clip-b32") is None
    need = memory_need(find("llava-7b"))
    assert need is not None and 14e9 < need < 15e9


def test_weights_cut_short_are_found_when_they_are_pulled(checkpoint: Checkpoint) -> None:
    path = checkpoint.weight_files()[0]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BrokenModel, match="ends before its last tensor"):
        pull(str(checkpoint.folder))
