"""Streams that are closed, full or left by their reader: POSIX.1-2024, "Standard I/O Streams"."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.errors import on_interrupt
from cli.output.streams import OutputLost

Shell = Callable[..., "subprocess.CompletedProcess[str]"]
_RUN = f"{sys.executable} -c 'from cli.main import main; main()' \"$@\""


@pytest.fixture
def shell(indexed: Path) -> Shell:
    """Run `sightline` by a shell with some of its streams redirected, as in `>&-`."""

    def run(redirected: str, *words: object) -> "subprocess.CompletedProcess[str]":
        given = ["bash", "-c", f"{_RUN} {redirected}", "sightline", *map(str, words)]
        done = subprocess.run(
            given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "SIGHTLINE_LIBRARY": str(indexed), "PYTHONPATH": os.getcwd()},
        )
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        (">&-", 3, "standard output is closed"),
        ("2>&-", 0, ""),
        ("<&-", 0, ""),
        (">&- 2>&-", 3, ""),
        ("<&- >&- 2>&-", 3, ""),
        pytest.param(
            ">/dev/full",
            3,
            "takes no more",
            marks=pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full"),
        ),
        ("1</dev/null", 3, "standard output is closed"),
        ("2</dev/null", 0, ""),
    ],
)
def test_a_search_works_or_says_that_its_results_have_no_place(
    redirected: str, code: int, said: str, shell: Shell, photos: Path
) -> None:
    done = shell(redirected, "search", "--like", photos / "2020" / "red.jpg", "--paths")
    assert done.returncode == code
    assert said in done.stderr
    assert (done.stdout == "") == (code == 3)


def test_only_what_was_looked_for_and_not_found_is_a_1(shell: Shell, photos: Path) -> None:
    words = ("search", "--like", photos / "2020" / "red.jpg", "--tag", "nothing")
    assert shell(">&- 2>&-", *words).returncode == 1


def test_a_list_that_cannot_be_read_is_no_empty_list(shell: Shell) -> None:
    done = shell("<&-", "index", "--files-from", "-")
    assert done.returncode == 3
    assert "--files-from - cannot be read: it is closed" in done.stderr


def test_workers_start_and_answer_without_any_stream(
    photos: Path, tmp_path: Path, shell: Shell
) -> None:
    library = tmp_path / "made in silence"
    words = ("index", photos, "--model", "stand-in", "--library", library)
    assert shell("<&- >&- 2>&-", *words).returncode == 3  # for want of a place for its last line
    done = shell("", "status", "--library", library, "--json")
    assert '"files": 8' in done.stdout


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_no_file_takes_the_number_of_a_stream() -> None:
    script = """
import os
from cli.output.streams import prepare_streams
writing = int(os.environ["PIPE"])
os.closerange(0, 3)
prepare_streams()
print("lost"), print("unseen", file=__import__("sys").stderr)
opened = os.open(os.devnull, os.O_RDONLY)
told = [os.readlink(f"/proc/self/fd/{number}") for number in range(3)]
told += [opened > 2, [os.get_inheritable(number) for number in range(3)]]
os.write(writing, repr(told).encode())
os._exit(0)
"""
    reading, writing = os.pipe()
    environment = {**os.environ, "PIPE": str(writing)}
    subprocess.run([sys.executable, "-c", script], pass_fds=[writing], env=environment, check=True)
    os.close(writing)
    told = os.read(reading, 1000).decode()
    os.close(reading)
    assert told == str(["/dev/null"] * 3 + [True, [True] * 3])


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_went_away_is_no_error(lines: int) -> None:
    script = (
        "import click, sys; from cli.errors import run_guarded\n"
        "from cli.output.streams import prepare_streams; prepare_streams()\n"
        f"tell = lambda: [click.echo('line') for _ in range({lines})]\n"
        "command = click.Command('x', callback=tell)\n"
        "sys.exit(run_guarded(lambda: command.main([], standalone_mode=False)))"
    )
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", script], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_work_that_a_reader_broke_off_is_no_success(
    shell: Shell, tmp_path: Path, library: Path
) -> None:
    (tmp_path / "labels").write_text("red\nblue\n")
    words = ("tag", "--labels", tmp_path / "labels", "--library", library)
    done = shell("| true; exit ${PIPESTATUS[0]}", *words)
    assert done.returncode == 3
    assert "no reader any more" in done.stderr
    assert "the tags that were shown are stored" in done.stderr


def test_lost_results_say_what_is_kept_of_the_work() -> None:
    with (
        pytest.raises(OutputLost, match="No space left.*; seven files are done"),
        on_interrupt(lambda: "seven files are done"),
    ):
        raise OutputLost(OSError(errno.ENOSPC, "No space left on device"))


@pytest.mark.parametrize("encoding", ["ascii:strict", "latin-1"])
def test_names_pass_through_any_encoding_of_the_terminal(
    encoding: str, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    (tmp_path / "größe ☃.txt").write_text("snow falls on the hills")
    library = tmp_path / "bücherei"
    assert shell("", "index", tmp_path, "--model", "stand-in", "--library", library).returncode == 0
    words = ("search", "snow", "--kind", "text", "--library", library)
    assert shell("", *words).returncode == 0
    monkeypatch.delenv("PYTHONIOENCODING")
    assert shell("", *words, "--paths").stdout == f"{tmp_path}/größe ☃.txt\n"
