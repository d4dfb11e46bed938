import json
from pathlib import Path

import pytest

from indexer.models.files import layout
from indexer.models.files.checkpoint import from_folder
from storage.errors import BrokenModel, UnsafeWeights

WHOLE = {
    "config.json": '{"architectures": ["BlipForQuestionAnswering"]}',
    "preprocessor_config.json": "{}",
    "tokenizer.json": "{}",
    "model.safetensors": "weights",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with every file that a model needs, though none of them is one."""
    for name, text in WHOLE.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_whole_folder_becomes_a_checkpoint(folder: Path) -> None:
    found = from_folder("tiny", folder)
    assert found.config == json.loads(WHOLE["config.json"])
    assert found.folder == folder
    assert len(found.revision) == 16


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_folder_that_lacks_a_file_is_told_which(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BrokenModel, match=rf"has no {'open_clip' if 'conf' in name[:4] else name}"):
        from_folder("tiny", folder)


def test_instructblip_needs_its_second_tokenizer(folder: Path) -> None:
    config = {"architectures": ["InstructBlipForConditionalGeneration"]}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BrokenModel, match=r"has no qformer_tokenizer.tokenizer\.json"):
        from_folder("tiny", folder)
    (folder / "qformer_tokenizer").mkdir()
    (folder / "qformer_tokenizer" / "vocab.txt").write_text("a")
    assert from_folder("tiny", folder).config == config


def test_a_folder_of_pickles_is_refused_by_name(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UnsafeWeights, match=r"pickled weights \(pytorch_model\.bin\)"):
        from_folder("tiny", folder)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer_config.json", "preprocessor_config.json"]
)
def test_code_asked_for_by_any_file_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    table = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(table | {"auto_map": {"AutoModel": "own.Own"}}))
    with pytest.raises(UnsafeWeights, match=name.replace(".", r"\.")):
        from_folder("tiny", folder)


@pytest.mark.parametrize("written", ["", "[]", "{", "5", '{"architectures": []}'])
def test_a_configuration_that_says_nothing_is_a_broken_model(folder: Path, written: str) -> None:
    (folder / "config.json").write_text(written)
    with pytest.raises(BrokenModel, match=r"config\.json") as caught:
        from_folder("tiny", folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_the_revision_changes_with_every_file_that_matters(folder: Path, name: str) -> None:
    before = layout.revision(folder)
    with (folder / name).open("a") as file:
        file.write(" ")
    assert layout.revision(folder) != before


def test_the_revision_ignores_the_card_and_other_forms_of_the_weights(folder: Path) -> None:
    before = layout.revision(folder)
    (folder / "README.md").write_text("a card")
    (folder / "pytorch_model.bin").write_text("a pickle")
    assert layout.revision(folder) == before
