"""Lists of names: by lines or NULs, in any encoding that a byte order mark names.

The marks are those of the Unicode Standard, section 23.8.
"""

import codecs
import os
from pathlib import Path

import pytest

from cli.name_list import read_names
from storage.errors import InvalidArgument, PathNotFound

NAMES = ("a.jpg", "2019/café.jpg", "写真/空.png", " blanks .jpg", "line\u2028separator\x0b.png")
MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def read(path: Path, data: bytes, by_nul: bool = False) -> tuple[str, ...]:
    (path / "list").write_bytes(data)
    flag = "--files-from0" if by_nul else "--files-from"
    return read_names(str(path / "list"), flag, ended_by_nul=by_nul)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\0"])
@pytest.mark.parametrize("encoding", MARKS)
def test_a_mark_names_the_encoding_and_is_dropped(encoding: str, end: str, tmp_path: Path) -> None:
    data = MARKS[encoding] + "".join(name + end for name in NAMES).encode(encoding)
    assert read(tmp_path, data, by_nul=end == "\0") == NAMES


def test_a_last_name_may_be_without_its_end_and_lines_may_be_blank(tmp_path: Path) -> None:
    assert read(tmp_path, b"\r\na.jpg\n\n\r\nb.jpg") == ("a.jpg", "b.jpg")
    assert read(tmp_path, b"a.jpg\0b.jpg", by_nul=True) == ("a.jpg", "b.jpg")
    for data in (b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE + b"\n\0"):
        assert read(tmp_path, data) == ()
    assert read(tmp_path, b"", by_nul=True) == ()


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_names_are_bytes_also_where_they_are_no_text(mark: bytes, tmp_path: Path) -> None:
    odd = b"caf\xe9 \xff.jpg"
    for end in (b"\n", b"\0"):
        [name] = read(tmp_path, mark + odd + end, by_nul=end == b"\0")
        assert os.fsencode(name) == odd


def test_a_name_with_a_line_break_is_one_among_nuls(tmp_path: Path) -> None:
    assert read(tmp_path, b"a\nb.jpg\0", by_nul=True) == ("a\nb.jpg",)
    assert read(tmp_path, b"a\r\nb.jpg\0c.jpg\0", by_nul=True) == ("a\r\nb.jpg", "c.jpg")


@pytest.mark.parametrize(
    "data",
    [
        "wanted.png\r\n".encode("utf-16-le"),
        "写真.png\n".encode("utf-16-be"),
        b"a.jpg\0b.jpg\0",
        codecs.BOM_UTF16_LE + "a\0b\n".encode("utf-16-le"),
    ],
)
def test_zero_bytes_among_lines_are_refused_with_the_next_step(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="zero bytes.*--files-from0.*UTF-8"):
        read(tmp_path, data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a.jpg\nb.jpg\n", "no zero bytes.*--files-from"),
        ("wanted.png".encode("utf-16-le"), "UTF-16 without its mark"),
        ("wanted.png".encode("utf-16-be"), "UTF-16 without its mark"),
        (b"a.jpg\0\0b.jpg\0", "empty name, number 2"),
        (b"\0", "empty name, number 1"),
    ],
)
def test_what_is_no_list_by_nuls_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=said):
        read(tmp_path, data, by_nul=True)


@pytest.mark.parametrize(
    "data",
    [codecs.BOM_UTF16_LE + b"a", codecs.BOM_UTF16_BE + b"\xd8\0\0a", codecs.BOM_UTF32_LE + b"abc"],
)
def test_a_mark_that_lies_is_told(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="begins as UTF-.*save it as UTF-8"):
        read(tmp_path, data)


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match=r"--files-from .*nowhere cannot be read"):
        read_names(str(tmp_path / "nowhere"), "--files-from", ended_by_nul=False)
