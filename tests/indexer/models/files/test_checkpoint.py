import json
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.models.files import hub
from indexer.models.files.checkpoint import Checkpoint, fetched, from_folder, locate
from storage.errors import BrokenModel, UnsafeWeights


def test_the_revision_stays_while_the_files_do(tiny: Path, tiny_origin: Path) -> None:
    here, there = from_folder("a", tiny), from_folder("b", tiny_origin)
    assert here.revision == there.revision
    assert len(here.revision) == 16


@pytest.mark.parametrize(
    "file", ["open_clip_config.json", "open_clip_model.safetensors", "bpe.txt.gz"]
)
def test_the_revision_changes_with_each_file_that_changes_vectors(tiny: Path, file: str) -> None:
    before = from_folder("a", tiny).revision
    with (tiny / file).open("ab") as written:
        written.write(b"\n")
    assert from_folder("a", tiny).revision != before


def test_the_revision_ignores_the_card(tiny: Path) -> None:
    before = from_folder("a", tiny).revision
    (tiny / "README.md").write_text("a card")
    assert from_folder("a", tiny).revision == before


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_configuration_that_is_no_json_object_is_a_broken_model(
    tiny: Path, written: bytes
) -> None:
    (tiny / "open_clip_config.json").write_bytes(written)
    with pytest.raises(BrokenModel, match=r"open_clip_config\.json") as caught:
        from_folder("tiny", tiny)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["trust_remote_code", "auto_map"])
def test_code_asked_for_anywhere_in_the_configuration_is_refused(
    change: Callable[..., Path], key: str
) -> None:
    folder = change(lambda config: config["model_cfg"]["text_cfg"].update({key: {"a": "b.C"}}))
    with pytest.raises(UnsafeWeights, match=key):
        from_folder("tiny", folder)


def test_code_asked_for_by_the_tokenizer_beside_it_is_refused(tiny: Path) -> None:
    asked = {"auto_map": {"AutoTokenizer": ["evil.Tokenizer", None]}}
    (tiny / "tokenizer_config.json").write_text(json.dumps(asked))
    with pytest.raises(UnsafeWeights, match=r"tokenizer_config\.json"):
        from_folder("tiny", tiny)


def test_a_file_in_place_of_a_directory_is_a_broken_model(tiny: Path) -> None:
    with pytest.raises(BrokenModel, match="cannot be read"):
        from_folder("tiny", tiny / "bpe.txt.gz")


def test_a_repository_without_safetensors_is_refused_with_other_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: str) -> tuple[Path, str]:
        raise hub.NotOffered

    monkeypatch.setattr(hub, "fetch", refuse)
    with pytest.raises(UnsafeWeights, match="offers only pickled weights; choose|clip-b32"):
        locate("open_clip:A/b", "open_clip:A/b", "someone/a")


def test_a_fetched_tag_is_pinned_to_the_commit_it_came_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hub, "fetch", lambda *_: (tmp_path / "weights", "c" * 40))
    found = fetched(Checkpoint("open_clip:A/b", "", tag="A/b"), "someone/a")
    assert (found.revision, found.weights) == ("c" * 40, tmp_path / "weights")


def test_a_message_names_the_alias_beside_the_model() -> None:
    assert Checkpoint("open_clip:A/b", "", alias="a").label == "a (open_clip:A/b)"
    assert Checkpoint("mini", "", alias="mini").label == "mini"
