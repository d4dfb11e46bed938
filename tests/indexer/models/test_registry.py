import subprocess
import sys
from pathlib import Path

import pytest

from indexer.models import RECOMMENDED, canonical, find, is_mini, load, names
from storage.errors import BrokenModel, UnknownModel, UnsafeWeights
from storage.records import Space

HEAVY = "('torch', 'transformers', 'open_clip', 'faiss', 'huggingface_hub')"


def test_importing_the_door_loads_no_network_library() -> None:
    code = (
        "import sys, indexer.models as m; m.canonical('clip-b32'); m.names('*');"
        "m.canonical('open_clip:ViT-B-32/openai'); m.load('stand-in');"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_row_names_a_loader_and_says_what_it_is_good_for() -> None:
    for entry in names():
        assert entry.note
        assert entry.role == "dual-encoder"
        assert entry.loader.startswith("indexer.models.")
        assert canonical(entry.name)


def test_the_recommended_model_is_a_pinned_row_and_never_mini() -> None:
    entry = find(RECOMMENDED)
    assert len(entry.revision) == 40
    assert not is_mini(RECOMMENDED)


def test_wildcards_list_the_rows_that_fit() -> None:
    listed = [entry.name for entry in names("clip-b32*")]
    assert listed == ["clip-b32", "clip-b32-laion", "clip-b32-openai"]
    assert names("nothing-*") == []


def test_an_alias_is_recorded_as_the_tag_it_stands_for() -> None:
    assert canonical("clip-b32") == "open_clip:ViT-B-32-256/datacomp_s34b_b86k"


def test_a_tag_that_an_alias_stands_for_keeps_the_pinned_revision() -> None:
    assert find(canonical("clip-b32")) is find("clip-b32")


def test_every_alias_names_an_architecture_of_the_installed_library() -> None:
    for entry in names():
        if entry.source.startswith("open_clip:"):
            assert canonical(entry.source) == entry.source


def test_a_directory_becomes_absolute(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    assert canonical("./tiny") == str(tiny.resolve())


def test_a_directory_may_be_written_from_home(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tiny.parent))
    assert canonical("~/tiny") == str(tiny.resolve())


def test_an_unknown_name_is_answered_with_near_names_and_the_next_step() -> None:
    with pytest.raises(UnknownModel, match=r"near names: mini.*`sightline models`"):
        canonical("minni")


def test_a_bare_name_of_a_directory_is_told_how_to_be_written(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    with pytest.raises(UnknownModel, match=r"write \./tiny"):
        canonical("tiny")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf:openai/clip", "later release"),
        ("open_clip:ViT-B-32", "ARCH/TAG"),
        ("open_clip:ViT-B-33/openai", "near names: ViT-B-32"),
        ("/no/such/model", "no model directory /no/such/model"),
        ("", "no model ''"),
    ],
)
def test_a_name_that_means_nothing_is_an_unknown_model(name: str, message: str) -> None:
    with pytest.raises(UnknownModel, match=message):
        canonical(name)


def test_a_directory_without_the_two_files_is_a_broken_model(tiny: Path) -> None:
    (tiny / "open_clip_config.json").unlink()
    with pytest.raises(BrokenModel, match=r"has no open_clip_config\.json"):
        canonical(str(tiny))


def test_a_directory_of_pickles_is_refused(tiny: Path) -> None:
    (tiny / "open_clip_model.safetensors").rename(tiny / "open_clip_pytorch_model.bin")
    with pytest.raises(UnsafeWeights, match=r"open_clip_pytorch_model\.bin"):
        canonical(str(tiny))


def test_mini_is_known_by_name_and_by_space() -> None:
    assert is_mini("mini")
    assert is_mini(Space("mini", "1", 128, "{}"))
    assert not is_mini("clip-b32")


def test_the_stand_in_loads_by_name() -> None:
    assert load("stand-in").space.name == "stand-in"


def test_a_pattern_for_open_clip_lists_the_tags_that_can_be_loaded() -> None:
    listed = [entry.name for entry in names("open_clip:ViT-B-32/*")]
    assert "open_clip:ViT-B-32/laion2b_s34b_b79k" in listed
    assert names("open_clip:ViTamin-S/*") == []


def test_every_alias_names_a_tag_of_the_installed_library() -> None:
    tags = {entry.name: entry for entry in names("open_clip:*")}
    import open_clip  # type: ignore[import-untyped]

    for entry in names():
        if entry.source.startswith("open_clip:"):
            assert tags[entry.source].repository == entry.repository
            architecture, _, tag = entry.source.removeprefix("open_clip:").partition("/")
            known = open_clip.get_pretrained_cfg(architecture, tag)["hf_hub"]
            assert known == entry.repository + "/"
