"""Errors of usage in Python are told as the command line tells them, for every public name."""

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import sightline
from indexer import IndexConfig, Limits, Report
from indexer.models.compiled.loader import ModelLoader
from search import Chat, Hit, LabelSet, Query, Rerank, Term
from search.ask import ask
from search.dedup.detect.kinds import Thresholds
from search.dedup.duplicates import Duplicates
from search.targets import Targets
from sightline import DedupRequest, LeakRequest, PlanFile
from storage import Filters, Near, Removal
from storage.errors import InvalidArgument, LibraryClosed, PathNotFound
from tests.search.readers import EchoChatModel, RuleAnswerer

KITE = Term("text", "kite")
# Every record a caller makes, with what makes a right one.
RECORDS: dict[type[Any], dict[str, Any]] = {
    Filters: {},
    Near: {"latitude": 46.9, "longitude": 7.4, "kilometres": 20},
    Query: {"terms": (KITE,)},
    Term: {"kind": "text", "value": "kite"},
    Rerank: {},
    IndexConfig: {},
    Limits: {},
    Thresholds: {},
    LabelSet: {"name": "mine", "labels": ("red", "blue")},
    DedupRequest: {},
    LeakRequest: {},
}
_FIELDS = [(kind, field.name) for kind in RECORDS for field in fields(kind)]
_METHODS = [
    (kind, name, parameter)
    for kind in (sightline.Sightline, Duplicates)
    for name, method in inspect.getmembers(kind, inspect.isfunction)
    if not name.startswith("_")
    for parameter in list(inspect.signature(method).parameters.values())[1:]
]
# What a call needs beside the argument that is looked at.
_REQUIRED: dict[str, dict[str, Any]] = {
    "search": {"query": "x"},
    "ask": {"question": "x"},
    "ask_file": {"question": "x", "path": "x"},
    "describe_file": {"path": "x"},
    "tag": {"labels": "scenes"},
    "use": {"model": "stand-in"},
    "items": {"targets": Targets([])},
    "show": {"image": "x"},
    "thumbnail": {},
    "remove": {"removal": Removal(0, 0, 0)},
    "plan_remove": {"path": "x"},
    "decide": {"plan": "x", "groups": (1,), "kind": "keep-all"},
    "take_back": {"numbers": (1,)},
    "apply": {"plan": "x"},
    "undo": {"journal": "x"},
    "leaks": {"test_folder": "x"},
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two photos."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(2):
        Image.new("RGB", (40, 30), (200 * number, 90, 60)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """A library of the photos, in the space of the stand-in."""
    place = tmp_path_factory.mktemp("made") / "library"
    with sightline.open(place) as made:
        made.index(photos, model="stand-in")
    return place


@pytest.fixture
def library(shared: Path) -> Iterator[sightline.Sightline]:
    """That library, opened."""
    with sightline.open(shared) as opened:
        yield opened


def test_every_record_that_is_exported_is_among_them() -> None:
    exported = [getattr(sightline, name) for name in sightline.__all__]
    made_by_callers = {one for one in exported if hasattr(one, "__dataclass_fields__")}
    assert made_by_callers - set(RECORDS) == {Hit, Report, PlanFile}  # answers


@pytest.mark.parametrize(("kind", "name"), _FIELDS)
def test_no_field_of_a_record_takes_just_anything(kind: type[Any], name: str) -> None:
    kind(**RECORDS[kind])
    with pytest.raises(InvalidArgument, match=name):
        kind(**{**RECORDS[kind], name: object()})


@pytest.mark.parametrize("kind", RECORDS)
def test_defaults_are_of_their_own_kind(kind: type[Any]) -> None:
    made = kind(**RECORDS[kind])
    for field in fields(kind):
        if field.default is not MISSING:
            assert getattr(made, field.name) == field.default


@pytest.mark.parametrize(
    ("kind", "name", "parameter"),
    _METHODS,
    ids=lambda one: getattr(one, "name", getattr(one, "__name__", one)),
)
def test_no_argument_of_a_method_is_taken_just_as_it_is(
    library: sightline.Sightline, kind: type, name: str, parameter: inspect.Parameter
) -> None:
    owner = library if kind is sightline.Sightline else library.duplicates
    given = {**_REQUIRED.get(name, {}), parameter.name: object()}
    with pytest.raises(InvalidArgument, match=parameter.name):
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            wrong = given.pop(parameter.name)
            getattr(owner, name)(*given.values(), wrong)
        else:
            getattr(owner, name)(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"after": "June"}, "after is 'June': it must be a date, written like 2020"),
        ({"before": ""}, "before is '': it must be a date"),
        ({"after": "2021", "before": "2021-01"}, "leaves no moment"),
        ({"folder": ""}, "the path of a file or folder"),
        ({"folder": "a\0b"}, "the path of a file or folder"),
        ({"folder": "~nobody-of-that-name/a"}, "no such user"),
        ({"tags": "beach"}, "a tuple of texts"),
        ({"near": (46.9, 7.4, 20)}, "give a Near or None"),
        ({"missing": "no"}, "True or False"),
    ],
)
def test_filters_are_read_as_the_command_line_reads_them(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        Filters(**given)


def test_a_folder_is_meant_from_here_and_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    here = str(tmp_path.resolve() / "2019")
    assert Filters(folder="2019").folder == Filters(folder="~/2019").folder == here
    assert Filters(folder=tmp_path / "2019").folder == here  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((91, 0, 1), "off the map"),
        ((0, 181, 1), "off the map"),
        ((0, 0, 0), "off the map"),
        ((float("nan"), 0, 1), "off the map"),
    ],
)
def test_a_place_off_the_map_is_refused(given: tuple[float, ...], said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        Near(*given)


@pytest.mark.parametrize(
    ("kind", "value", "weight", "said"),
    [
        ("text", "", 1, "has no words"),
        ("text", "?!", 1, "has no words"),
        ("image", "", 1, "has no words"),
        ("item", " ", 1, "has no words"),
        ("text", "kite", 0, "a weight of 0"),
        ("text", "kite", -1001, "a weight of -1001"),
        ("text", "kite", float("nan"), "a weight of nan"),
    ],
)
def test_a_term_that_says_nothing_is_refused(
    kind: Any, value: str, weight: float, said: str
) -> None:
    with pytest.raises(InvalidArgument, match=said):
        Term(kind, value, weight)


def test_a_pictogram_is_a_word_and_bytes_become_question_marks() -> None:
    assert Term("text", "☃").value == "☃"
    assert Term("text", "caf\udce9").value == "caf?"
    assert Term("image", "/caf\udce9.jpg").value == "/caf\udce9.jpg"


@pytest.mark.parametrize("k", ["3", 0, -1, 2.5, True])
def test_a_number_of_hits_is_a_whole_number_from_1_on(library: sightline.Sightline, k: Any) -> None:
    with pytest.raises(InvalidArgument, match="k is "):
        library.search("kite", k=k)
    with pytest.raises(InvalidArgument, match="k is "):
        Query((KITE,), k=k)


def test_a_folder_that_was_never_indexed_is_named(
    library: sightline.Sightline, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    for folder, said in (("other", "never indexed"), ("nowhere", "is not there")):
        filters = Filters(folder=str(tmp_path / folder))
        with pytest.raises(PathNotFound, match=said):
            library.search("kite", filters=filters)
        with pytest.raises(PathNotFound, match=said):
            library.tag("scenes", filters=filters)


def test_what_cannot_be_asked_is_told_before_a_model_is_loaded(
    library: sightline.Sightline,
) -> None:
    with pytest.raises(InvalidArgument, match="no image to ask"):
        library.ask("how many?")
    with pytest.raises(InvalidArgument, match="question is empty"):
        library.ask(" ", library.search("kite")[0])
    with pytest.raises(InvalidArgument, match="no image to talk about"):
        library.chat()


@pytest.mark.parametrize("path", ["", "a\0b", None, 5, b"made.library"])
def test_what_is_no_path_is_not_the_current_folder(
    path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match="path is "):
        sightline.open(path)
    assert not list(tmp_path.iterdir())


def test_a_closed_library_says_so_to_every_method(
    library: sightline.Sightline, photos: Path
) -> None:
    item = library.search("kite")[0].item
    removal = library.plan_forget()
    library.close()
    library.close()
    calls: dict[str, tuple[Any, ...]] = {
        "select": (),
        "items": (Targets([1]),),
        "empty_reason": (),
        "show": (item,),
        "tags": (),
        "remove_tags": (),
        "unused": (),
        "prune": (),
        "failures": (),
        "to_retry": (),
        "plan_remove": (photos,),
        "plan_forget": (),
        "remove": (removal,),
        "index": (photos,),
        "search": ("kite",),
        "describe": (),
        "ask": ("how many?", photos / "0.png"),
        "chat": (photos / "0.png",),
        "tag": ("scenes",),
        "use": ("stand-in",),
        "retry": (),
        "status": (),
    }
    methods = dict(inspect.getmembers(sightline.Sightline, inspect.isfunction))
    # These read no catalogue.
    public = {name for name in methods if not name.startswith("_")}
    assert {*calls, "close", "ask_file", "describe_file", "thumbnail"} == public
    for name, given in calls.items():
        with pytest.raises(LibraryClosed, match="was closed: open it again"):
            getattr(library, name)(*given)
    with pytest.raises(LibraryClosed):
        next(ask(library.library, RuleAnswerer(), "how many?", [item.id]))


def test_a_dialogue_goes_on_without_its_library(
    library: sightline.Sightline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelLoader, "load_reader", lambda *_: EchoChatModel())
    chat = library.chat(library.search("kite")[0])
    library.close()
    assert isinstance(chat, Chat)
    assert chat.say("hello") == "1 | hello"
    with pytest.raises(InvalidArgument, match="text is 5"):
        chat.say(5)  # type: ignore[arg-type]
