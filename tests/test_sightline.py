"""The front door for Python does what the README shows."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

import sightline
from indexer.models.compiled.loader import ModelLoader
from indexer.models.networks.fake import FakeEncoder
from search.dedup.apply.trash import Trash
from search.dedup.find import DedupPlan
from storage import Filters
from storage.errors import InvalidArgument, ItemNotFound, ModelMismatch, PathNotFound
from tests.conftest import Draw
from tests.search.readers import EchoChatModel, RuleAnswerer, RuleCaptioner, RuleScorer

HOME = Path(__file__).parent.parent


def test_a_library_is_opened_filled_and_searched(tmp_path: Path, photos: Path) -> None:
    with sightline.open(tmp_path / "new.library") as library:
        report = library.index(photos, model="stand-in")
        assert report.new == 6
        assert library.status().items == 6
        assert len(library.search("red kite", k=3)) == 3
        inside = library.search("red kite", filters=Filters(folder=str(photos / "summer")))
        assert len(inside) == 2


def test_an_empty_path_is_no_folder(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(InvalidArgument, match="path is ''"):
        sightline.open("")
    with sightline.open(tmp_path / "new.library") as library:
        library.index(photos, model="stand-in")
        for ask in (
            lambda: library.index(""),
            lambda: library.index(photos, ""),
            lambda: library.index(photos, exclude=("",)),
            lambda: library.index(photos, model=""),
            lambda: library.search(""),
            lambda: library.use(""),
            lambda: library.tag(""),
            lambda: library.library.find(""),
        ):
            with pytest.raises(InvalidArgument):
                ask()
        assert len(library.library.roots()) == 1


def test_an_empty_name_is_no_column_and_no_model(tmp_path: Path) -> None:
    with sightline.open(tmp_path / "made.library") as library:
        for call in (
            lambda: library.index(text_columns=("",)),
            lambda: library.index(text_columns=("words", "")),
            lambda: library.use(""),
        ):
            with pytest.raises(sightline.SightlineError, match="a text that is not empty"):
                call()


def test_what_a_model_does_not_read_of_a_query_is_in_the_notices(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeEncoder, "context", 2)
    with sightline.open(tmp_path / "new.library") as library:
        library.index(photos, model="stand-in")
        assert library.search("red kite").notices == ()
        hits = library.search("red kite over a lake")
        assert "reads the first 2 of 5 words" in hits.notices[0]
        assert library.notices == []


def test_a_table_can_be_read_from_python(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "rows.csv").write_text("caption\na dog\na cat\n")
    with sightline.open(tmp_path / "new.library") as library:
        library.index(tmp_path / "texts", model="stand-in", text_columns=("caption",))
        assert [hit.item.text for hit in library.search("a dog", k=1)] == ["a dog"]


def test_models_are_asked_about_what_was_found(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = {
        "captioner": RuleCaptioner(),
        "answerer": RuleAnswerer(),
        "pair-scorer": RuleScorer(),
        "dialogue": EchoChatModel(),
    }
    loaded: list[str] = []

    def load(name: str, role: str) -> object:
        loaded.append(role)
        return readers[role]

    monkeypatch.setattr(ModelLoader, "load_reader", staticmethod(load))
    with sightline.open(tmp_path / "new.library") as library:
        library.index(photos, model="stand-in")
        described = library.describe(filters=Filters(folder=str(photos / "summer")))
        assert len(described) == 2
        query = sightline.Query((sightline.Term("text", "kite"),), rerank=sightline.Rerank(3))
        hits = library.search(query)
        assert sum(hit.match is not None for hit in hits) == 3
        answers = library.ask("how bright?", *hits[:2], photos / "0.png")
        assert [item.id for item, _ in answers[:2]] == [hit.item.id for hit in hits[:2]]
        assert len(library.ask("how bright?", hits[0])) == 1
        assert library.chat(hits[0], hits[1]).say("hello") == "2 | hello"
        tagged = library.tag("scenes")
        assert len(tagged) == 6
        assert len(library.search("kite", filters=Filters(tags=(tagged[0].label,)))) >= 1
    assert loaded == ["captioner", "pair-scorer", "answerer", "dialogue"]  # each once


def test_the_library_goes_over_to_another_model(tmp_path: Path, photos: Path) -> None:
    with sightline.open(tmp_path / "new.library") as library:
        library.index(photos, model="stand-in")
        with pytest.raises(ModelMismatch):
            library.use("mini")
        library.use("stand-in")
        assert len(library.search("kite")) == 6


def test_the_readme_snippet_runs_as_a_plain_script(tmp_path: Path, photos: Path) -> None:
    snippet = re.search(r"```python\n(.*?)```", (HOME / "README.md").read_text(), re.DOTALL)
    assert snippet is not None
    with sightline.open(tmp_path / "new.library") as library:
        library.index(photos, model="stand-in")
    script = tmp_path / "snippet.py"
    written = snippet[1].replace("~/Pictures.library", str(tmp_path / "new.library"))
    script.write_text(written.replace("~/Pictures", str(photos)))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 6


def test_what_the_door_names_is_there() -> None:
    assert all(hasattr(sightline, name) for name in sightline.__all__)


@pytest.mark.slow
def test_the_wheel_holds_the_program_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(["uv", "build", "--wheel", "-q", "-o", tmp_path], cwd=HOME, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "sightline.py",
        "storage/py.typed",
        "storage/migrations/env.py",
        "storage/migrations/versions/m0001_first_schema.py",
        "indexer/models/mini/clip/open_clip_model.safetensors",
        "indexer/models/mini/clip/bpe.txt.gz",
        "search/data/banks/everyday.txt",
        "search/data/labelsets/scenes.txt",
    ):
        assert needed in names
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"sightline.py", "storage", "indexer", "search", "cli"}


def test_duplicates_go_from_a_plan_to_the_trash_and_back(
    tmp_path: Path, photos: Path, draw: Draw
) -> None:
    copy = draw(photos / "summer" / "copy.png", 0)
    with sightline.open(tmp_path / "new.library", workers=1) as library:
        library.index(photos, model="stand-in")
        found = library.duplicates.find(sightline.DedupRequest(kinds=("identical",)))
        assert len(found.dropped) == 1 and found.notices == ()
        plan = found.write(tmp_path / "out")
        gone = Path(plan.drops[0].path)
        seen: list[bool] = []
        outcomes = library.duplicates.apply(
            plan, Trash(tmp_path / "trash"), each=lambda outcome: seen.append(outcome.done)
        )
        assert [outcome.done for outcome in outcomes] == seen == [True] and not gone.exists()
        assert [undone.done for undone in library.duplicates.undo(plan.journal)] == [True]
        assert gone.read_bytes() == copy.read_bytes()
        library.duplicates.decide(plan, (1,), "keep-all")
        assert library.duplicates.find(sightline.DedupRequest(kinds=("identical",))).entries == ()
        [decided] = library.duplicates.decided()
        assert library.duplicates.take_back((decided.decision.id,)) == 1
        assert found.write(tmp_path / "out").former is None  # the same plan
        other = DedupPlan(found.entries[:1]).write(tmp_path / "out")
        assert other.former is not None and len(other.former.read_text().splitlines()) == 2


def test_a_test_folder_is_meant_from_here_and_is_no_leak_of_its_own(
    tmp_path: Path, photos: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(photos / "test" / "copy.png", 0)
    draw(photos / "test" / "own.png", 77)
    with sightline.open(tmp_path / "new.library", workers=1) as library:
        library.index(photos, model="stand-in")
        monkeypatch.chdir(photos)
        for folder in ("test", photos / "test", "../photos/test"):
            report = library.duplicates.leaks(folder, sightline.LeakRequest(crops=False))
            assert [(Path(leak.test).name, leak.kind) for leak in report.leaks] == [
                ("copy.png", "identical")
            ]
            assert (report.compared, report.leaked) == (2, 1)
        with pytest.raises(PathNotFound, match="test_folder nowhere is no folder"):
            library.duplicates.leaks("nowhere")


def test_images_are_asked_about_and_texts_among_them_are_passed_over(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelLoader, "load_reader", lambda *_: RuleAnswerer())
    (photos / "note.txt").write_text("a red kite")
    outside = tmp_path / "outside.png"
    Image.new("RGB", (30, 20), "red").save(outside)
    with sightline.open(tmp_path / "new.library") as library:
        library.index(photos, model="stand-in")
        hits = library.search(sightline.Query((sightline.Term("text", "kite"),), k=9, kind="all"))
        assert {hit.item.kind for hit in hits} == {"image", "text"}
        assert len(library.ask("how bright?", *hits)) == 6
        with pytest.raises(ItemNotFound, match="ask about the file itself"):
            library.ask("how bright?", library.select(str(outside)))
        with pytest.raises(ItemNotFound, match="ask about the file itself"):
            library.describe(library.select(str(outside)))
        [answer] = library.ask_file("how bright?", outside)
        assert answer.startswith("how bright?")
