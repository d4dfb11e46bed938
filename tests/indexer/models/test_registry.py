import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from indexer.models import (
    RECOMMENDED,
    canonical,
    default_for,
    fetch,
    find,
    is_mini,
    load,
    load_reader,
    names,
)
from indexer.models.files import hub, layout
from indexer.models.registry import resolve
from indexer.models.zoo import PUBLISHED, TABLE
from storage.errors import (
    BrokenModel,
    Hint,
    ModelUnavailable,
    UnknownModel,
    UnsafeWeights,
    WrongRole,
)
from storage.records import Space

HEAVY = "('torch', 'transformers', 'open_clip', 'faiss', 'huggingface_hub')"


def test_importing_the_door_loads_no_network_library() -> None:
    code = (
        "import sys, indexer.models as m; m.canonical('clip-b32'); m.names('*');"
        "[m.memory_need(m.find(name)) for name in ('mini', 'mini-blip', 'stand-in')];"
        "m.canonical('open_clip:ViT-B-32/openai'); m.load('stand-in');"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_row_names_a_loader_and_says_what_it_is_good_for() -> None:
    for entry in names():
        assert entry.note
        assert entry.roles
        assert all(loader.startswith("indexer.models.") for loader in entry.loaders.values())
        assert canonical(entry.name)


def test_the_recommended_model_is_a_pinned_row_and_never_mini() -> None:
    entry = find(RECOMMENDED)
    assert len(entry.revision) == 40
    assert not is_mini(RECOMMENDED)


def test_wildcards_list_the_rows_that_fit() -> None:
    listed = [entry.name for entry in names("clip-b32*")]
    assert listed == ["clip-b32", "clip-b32-laion", "clip-b32-openai", "clip-b32-hf"]
    assert names("nothing-*") == []


def test_a_role_lists_the_rows_that_fit() -> None:
    listed = [entry.name for entry in names(role="answerer")]
    assert {"blip-vqa-base", "llava-7b", "mini-vqa", "mini-instructblip"} <= set(listed)
    assert "mini" not in listed
    assert [entry.name for entry in names("mini*", "pair-scorer")] == ["mini-blip", "mini-caption"]


def test_every_loader_names_a_class_with_a_loader() -> None:
    for entry in names():
        for loader in entry.loaders.values():
            module, _, kind = loader.partition(":")
            source = find_spec(module)
            assert source is not None and source.origin is not None
            assert f"class {kind}" in Path(source.origin).read_text()


def test_every_role_has_a_recommended_model_and_a_small_one() -> None:
    for role in PUBLISHED:
        assert role in find(default_for(role)).loaders
        assert role in find(default_for(role, "mini")).loaders
        assert is_mini(default_for(role, "mini-align"))
        assert not is_mini(default_for(role, Space("clip-b32", "1", 512, "{}")))


def test_a_model_of_the_wrong_role_is_told_what_it_is_and_who_could() -> None:
    with pytest.raises(
        WrongRole, match=r"mini is no pair-scorer: it can be dual-encoder.*blip-itm"
    ):
        load_reader("mini", "pair-scorer")
    with pytest.raises(WrongRole, match="blip-vqa-base is no dual-encoder"):
        load("blip-vqa-base")


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
    with pytest.raises(UnknownModel, match="near names: mini") as unknown:
        canonical("minni")
    assert unknown.value.hint == Hint("list models")


def test_a_bare_name_of_a_directory_is_told_how_to_be_written(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    with pytest.raises(UnknownModel, match=r"write \./tiny"):
        canonical("tiny")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf:openai", "hf:ORG/NAME"),
        ("hf:../secrets", "hf:ORG/NAME"),
        ("hf:openai/clip/extra", "hf:ORG/NAME"),
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


def test_a_hub_alias_is_recorded_as_the_repository_it_stands_for() -> None:
    assert canonical("align-base") == "hf:kakaobrain/align-base"
    assert find("hf:kakaobrain/align-base") is find("align-base")


@pytest.mark.parametrize("name", ["hf:someone/else", "hf:someone/else@refs/pr/5"])
def test_a_repository_outside_the_table_is_known_by_its_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    asked: list[str] = []

    def fetch(model: str, repository: str, file: str, revision: str) -> tuple[Path, str]:
        asked.extend((repository, file, revision))
        return tmp_path / file, "c" * 40

    (tmp_path / "config.json").write_text('{"architectures": ["BlipForQuestionAnswering"]}')
    monkeypatch.setattr(hub, "fetch", fetch)
    entry = find(name)
    assert entry.roles == ("answerer",)
    assert canonical(name) == name
    assert asked[:3] == ["someone/else", "config.json", "refs/pr/5" if "@" in name else ""]


def test_a_directory_of_transformers_is_known_by_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["LlavaForConditionalGeneration"]}')
    assert find(str(tmp_path)).roles == ("dialogue", "captioner", "answerer")


def test_an_architecture_without_a_loader_is_a_broken_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["GPT2LMHeadModel"]}')
    with pytest.raises(BrokenModel, match=r"GPT2LMHeadModel is not supported; CLIPModel, .* are"):
        find(str(tmp_path))


def test_a_shipped_model_that_is_not_there_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = replace(TABLE["mini-vqa"], source="package:/no/such/folder")
    monkeypatch.setattr("indexer.models.registry.TABLE", {"mini-vqa": gone})
    with pytest.raises(ModelUnavailable, match="mini-vqa is not part of this installation"):
        load_reader("mini-vqa", "answerer")


def test_damaged_files_of_the_hub_are_told_how_to_be_mended(
    monkeypatch: pytest.MonkeyPatch, tiny: Path
) -> None:
    def damaged(*_: str) -> None:
        raise BrokenModel("the weights are damaged")

    monkeypatch.setattr("indexer.models.registry.locate", damaged)
    with pytest.raises(BrokenModel, match="damaged; fetch again") as caught:
        load_reader("blip-vqa-base", "answerer")
    assert caught.value.hint == Hint("pull", "blip-vqa-base")
    with pytest.raises(BrokenModel, match="damaged$"):
        load(str(tiny))


def test_mini_is_known_by_name_and_by_space() -> None:
    assert is_mini("mini")
    assert is_mini("mini-llava")
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


def test_a_name_is_looked_up_once_a_load_and_its_directory_screened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.indexer.models import tiny_towers

    folder = tiny_towers.write("clip", tmp_path / "clip")
    screened: list[object] = []
    monkeypatch.setattr(layout, "refuse_code", screened.append)
    load(str(folder), device="cpu")
    assert len(screened) == 1
    found = resolve(str(folder))
    assert resolve(found) is found
    assert canonical(found) == str(folder.resolve()) and find(found) is found.entry
    fetch(found, role="dual-encoder")
    assert len(screened) == 2
