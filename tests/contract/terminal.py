"""A command line in a folder of its own, which notes what programs see of it."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

import pytest
from click.testing import CliRunner, Result

from cli.main import cli
from tests.contract.normalise import Normaliser

Note = Mapping[str, object]


class Terminal:
    """Runs `sightline` in a folder, far from the settings of whoever runs the tests."""

    def __init__(self, place: Path) -> None:
        self.place = place.resolve()
        self.normal = Normaliser(self.place)
        self.library = self.place / "library"

    @classmethod
    def beside(cls, place: Path, draw: Callable[[Path], Path]) -> tuple[Self, Path]:
        """Return a command line, and the album that is drawn beside its library."""
        terminal = cls(place)
        album = draw(terminal.place / "album")
        terminal.normal.learn(album)
        return terminal, album

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Stand in the folder, and know of no other settings and libraries than those in it."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("SIGHTLINE_")]:
                patch.delenv(name)
            for name in ("CONFIG", "DATA", "STATE", "CACHE"):
                patch.setenv(f"XDG_{name}_HOME", str(self.place / "home" / name.lower()))
            patch.setenv("HOME", str(self.place / "home"))
            patch.setenv("SIGHTLINE_LIBRARY", str(self.library))
            patch.setenv("SIGHTLINE_WORKERS", "1")
            patch.chdir(self.place)
            yield

    def run(self, *words: object, given: str | IO[bytes] | None = None) -> Result:
        """Run one command, as if it were typed in the folder."""
        with self.at_home():
            return CliRunner().invoke(cli, [str(word) for word in words], input=given)

    def code(self, *words: object, given: str | IO[bytes] | None = None) -> Note:
        """Run a command and note how it ended."""
        done = self.run(*words, given=given)
        return {"command": self._typed(words), "exit": done.exit_code}

    def lines(self, *words: object) -> Note:
        """Run a command and note the lines that it prints."""
        done = self.run(*words)
        rows = [self.normal.text(line) for line in done.stdout.splitlines()]
        return {"command": self._typed(words), "exit": done.exit_code, "lines": rows}

    def rows(self, *words: object, given: str | None = None) -> Note:
        """Run a command with --json and note its rows, their keys in the order they came in."""
        done = self.run(*words, "--json", given=given)
        rows = self._parsed(done.stdout)
        typed = self._typed((*words, "--json"))
        return {"command": typed, "exit": done.exit_code, "rows": rows}

    def json_file(self, path: Path) -> Note:
        """Note a file of JSON lines."""
        name = self.normal.text(str(path))
        return {"file": name, "rows": self._parsed(path.read_bytes().decode("ascii"))}

    def text_file(self, path: Path) -> Note:
        """Note a file of text."""
        lines = self.normal.text(path.read_bytes().decode()).split("\n")
        return {"file": self.normal.text(str(path)), "lines": lines}

    def files(self, folder: Path) -> Note:
        """Note which files are in and under a folder."""
        found = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
        return {"folder": self.normal.text(str(folder)), "files": [*map(self._named, found)]}

    def _named(self, path: Path) -> str:
        return self.normal.text(str(path))

    def _typed(self, words: tuple[object, ...]) -> str:
        typed = [self.normal.text(str(word)) for word in words]
        # Not as a shell would quote them: that hangs on the name of the place.
        return " ".join(
            ["sightline", *(f"'{word}'" if not word or " " in word else word for word in typed)]
        )

    def _parsed(self, printed: str) -> list[object]:
        """Read JSON lines; their spelling (spaces, escapes, line ends) is fixed as well."""
        rows = [json.loads(line) for line in printed.splitlines()]
        assert "".join(json.dumps(row) + "\n" for row in rows) == printed
        return [self.normal.value(row) for row in rows]
