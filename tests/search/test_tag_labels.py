"""Label sets and templates: what is read, and what is refused in one line."""

from pathlib import Path

import pytest

from search import LabelSet
from search.tag import BUILT_IN, DRAWN_TEMPLATES, TEMPLATES, check_templates
from storage.errors import InvalidArgument, PathNotFound, TextFailure


def file(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "labels.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def test_a_file_holds_one_label_a_line(tmp_path: Path) -> None:
    written = "\ufeff# animals\nred  kite\r\n\n  dog \n#cat\nMäusebussard\n"
    labels = LabelSet.read(file(tmp_path, written))
    assert labels.labels == ("red kite", "dog", "Mäusebussard")
    assert labels.notices == ()


def test_a_label_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    labels = LabelSet.read(file(tmp_path, "dog\ncat\ndog\ndog\n"))
    assert labels.labels == ("dog", "cat")
    assert "2 of the labels" in labels.notices[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "no label"), ("# nothing\n\n", "no label"), ("dog\ndog\n", "only one label")],
)
def test_labels_without_rivals_are_refused(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        LabelSet.read(file(tmp_path, content))


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("", " "), "a blank label"),
        (("cat", "\t\n"), "a blank label"),
        (("dog", "cat", "dog"), "a label twice"),
        (("dog", "dog"), "a label twice"),
    ],
)
def test_a_set_made_in_python_is_as_one_that_was_read(labels: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        LabelSet("mine", labels)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"])
def test_a_byte_order_mark_names_the_encoding(tmp_path: Path, encoding: str) -> None:
    labels = LabelSet.read(file(tmp_path, "\ufeffMäusebussard\r\nred kite\r\n".encode(encoding)))
    assert labels.labels == ("Mäusebussard", "red kite")


@pytest.mark.parametrize(
    "content",
    [
        b"M\xe4use\nKatzen\n",
        "Mäuse\nKatzen\n".encode("utf-16-le"),
        b"dogs\0cats\0",
        b"\xff\xfea",
    ],
)
def test_what_is_not_utf8_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TextFailure, match=r"labels.txt is not UTF-8.*save it as UTF-8"):
        LabelSet.read(file(tmp_path, content))


def test_an_empty_name_is_no_file() -> None:
    with pytest.raises(InvalidArgument, match="labels is empty"):
        LabelSet.read("")


def test_a_file_that_is_not_there_is_told_with_the_built_in_sets(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="everyday, scenes"):
        LabelSet.read(str(tmp_path / "nowhere.txt"))
    with pytest.raises(PathNotFound):
        LabelSet.read(str(tmp_path))


def test_a_file_far_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextFailure, match="larger than 4 MiB"):
        LabelSet.read(file(tmp_path, b"a\n" * (3 << 20)))


@pytest.mark.parametrize(("name", "count"), [("everyday", 126), ("scenes", 90)])
def test_built_in_sets_are_there(name: str, count: int) -> None:
    assert name in BUILT_IN
    labels = LabelSet.read(name)
    assert len(labels.labels) == count and labels.notices == ()


def test_templates_have_a_place_for_the_label() -> None:
    assert check_templates(TEMPLATES) == TEMPLATES
    assert check_templates(DRAWN_TEMPLATES) == DRAWN_TEMPLATES
    with pytest.raises(InvalidArgument, match="has no place for the label"):
        check_templates(["a photo of a {label}"])
