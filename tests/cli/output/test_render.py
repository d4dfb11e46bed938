"""What is printed is safe for a terminal, whole for a pipe and readable for a person."""

import pytest

from cli.output.render import plural, printable, size, write_facts, write_path, write_table


def test_controls_and_foreign_bytes_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[31m\nb\udcff.jpg") == "a�[31m�b�.jpg"
    assert printable("Überraschung 海.jpg") == "Überraschung 海.jpg"


def test_a_path_is_written_as_its_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_path("/a/\udcff.jpg")
    assert capfdbinary.readouterr().out == b"/a/\xff.jpg\n"


def test_the_last_column_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/a" * 300
    write_table([("1", "x", path), ("10", "xyz", "b")])
    assert capsys.readouterr().out == f"1   x    {path}\n10  xyz  b\n"


def test_an_empty_table_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write_table([])
    assert capsys.readouterr().out == ""


def test_what_is_not_known_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    write_facts([("taken", None), ("files", 0), ("camera", "")])
    assert capsys.readouterr().out == "files  0\n"


def test_counts_and_sizes_read_like_words() -> None:
    assert [plural(1, "file"), plural(2000, "file")] == ["1 file", "2,000 files"]
    assert [size(999), size(1000), size(2_345_678)] == ["999 bytes", "1.0 KB", "2.3 MB"]
