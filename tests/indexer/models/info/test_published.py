"""Recommendations follow from the published table, and the table from its sources."""

import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from indexer.models import find
from indexer.models.info import published
from indexer.models.info.published import TASKS, Task, papers, recommend
from indexer.models.runtime.accelerator import guess_device
from storage.errors import InvalidArgument

TABLE = tomllib.loads(Path(published.__file__).with_suffix(".toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_an_answer_with_figures_and_their_sources(task: Task) -> None:
    recommended = recommend(task)
    assert recommended
    for found in recommended:
        assert found.why and found.memory > found.parameters
        assert found.figures and all(figure.source for figure in found.figures)


@pytest.mark.parametrize("row", TABLE["models"], ids=lambda row: row["name"])
def test_every_row_is_a_model_of_the_registry_in_its_roles(row: dict[str, object]) -> None:
    entry = find(str(row["name"]))
    assert row["role"] in entry.roles
    assert set(row.get("also", [])) <= set(entry.roles)  # type: ignore[call-overload]


def test_every_figure_names_a_measure_and_a_source_of_the_table() -> None:
    for row in TABLE["models"] + TABLE["papers"]:
        for measure, value, setting, source in row["figures"]:
            assert measure in TABLE["measures"] and source in TABLE["sources"]
            assert value > 0 and setting


def test_a_graphics_card_gets_the_best_and_a_cpu_the_best_that_it_bears() -> None:
    card, cpu = recommend("search", device="cuda"), recommend("search", device="cpu")
    assert card[0].model == "siglip2-b16"
    assert cpu[0].model == "siglip2-b32"
    assert "quick enough for a CPU" in cpu[0].why
    assert {each.model for each in card} == {each.model for each in cpu}


def test_auto_is_what_this_machine_seems_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("cuda", "mps", "cpu"):
        monkeypatch.setattr(published, "guess_device", lambda kind=kind: kind)
        assert recommend("search") == recommend("search", device=kind)


def test_an_apple_accelerator_bears_what_a_card_does_in_full_precision() -> None:
    apple, card = recommend("search", device="mps"), recommend("search", device="cuda")
    assert [each.model for each in apple] == [each.model for each in card]
    assert all("CPU" not in each.why for each in apple)
    captions = [recommend("caption", device=device)[-1] for device in ("mps", "cuda")]
    assert captions[0].memory > captions[1].memory


def test_a_machine_is_told_by_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert guess_device() == "cuda"
    monkeypatch.setattr("shutil.which", lambda _: None)
    for system, chip, kind in (
        ("darwin", "arm64", "mps"),
        ("darwin", "x86_64", "cpu"),
        ("linux", "arm64", "cpu"),
    ):
        monkeypatch.setattr("sys.platform", system)
        monkeypatch.setattr("platform.machine", lambda chip=chip: chip)
        assert guess_device() == kind


def test_second_readers_follow_those_that_index() -> None:
    roles = [each.role for each in recommend("search")]
    assert roles == sorted(roles)  # dual-encoder, then pair-scorer
    assert roles.count("pair-scorer") == 2


def test_on_a_card_the_order_is_that_of_the_figures() -> None:
    indexing = [each for each in recommend("search", device="cuda") if each.role == "dual-encoder"]
    values = [
        next(one.value for one in each.figures if one.measure.startswith("COCO text"))
        for each in indexing
    ]
    assert all(above >= below for above, below in pairwise(values))


def test_what_does_not_fit_into_memory_is_left_out() -> None:
    small = recommend("search", memory_gb=1)
    assert "clip-b32" in {each.model for each in small}
    assert "siglip2-b32" not in {each.model for each in small}
    assert all(each.memory <= 1e9 for each in small)
    assert recommend("dialogue", memory_gb=8) == []


def test_another_language_leaves_the_models_that_know_it() -> None:
    assert [each.model for each in recommend("search", device="cuda", language="de")] == [
        "siglip2-b16",
        "siglip2-b32",
    ]
    assert recommend("caption", language="de") == []
    assert recommend("search", language="en-GB") == recommend("search")


def test_a_cpu_writes_with_the_smaller_captioner_first() -> None:
    assert recommend("caption", device="cpu")[0].model == "blip-caption-base"
    assert recommend("caption", device="cuda")[0].model == "instructblip-vicuna-7b"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"task": "cooking"}, "search, caption, vqa"),
        ({"task": "search", "device": "abacus"}, "abacus"),
        ({"task": "search", "memory_gb": 0}, "0 GB"),
        ({"task": "search", "memory_gb": float("nan")}, "nan GB"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        recommend(**arguments)  # type: ignore[arg-type]


def test_the_papers_stand_beside() -> None:
    assert {"CLIP ViT-L/14@336", "BLIP ViT-L", "LLaVA-1.5 (Vicuna-7B)"} <= set(papers())
    (figure, *_) = papers()["CLIP ViT-L/14@336"]
    assert (figure.value, figure.setting) == (37.8, "zero-shot")
    assert "2103.00020" in figure.source
