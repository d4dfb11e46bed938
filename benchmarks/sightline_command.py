"""The command `sightline` as a person types it, with settings, caches and data of its own."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process_tree import Command

SIGHTLINE = Path(sys.executable).with_name("sightline")
_MODULES = """
import atexit, sys
from cli.main import main
heavy = ("torch", "transformers", "open_clip")
atexit.register(lambda: print("modules:", *(n for n in heavy if n in sys.modules)))
main()
"""


@dataclass(frozen=True, slots=True)
class SightlineCommand:
    """The commands of one library."""

    library: Path
    home: Path  # of settings and caches, in place of the person's own

    @property
    def cache(self) -> Path:
        """Return the folder of what models are compiled to."""
        return self.home / "cache" / "sightline"

    def index(
        self, photos: Path, model: str | Path | None = None, precision: str = "auto"
    ) -> Command:
        """Return the command that indexes a folder and prints its report as JSON."""
        chosen: tuple[str, ...] = () if model is None else ("--model", str(model))
        if precision != "auto":
            chosen += ("--precision", precision)
        return self._command("index", str(photos), *chosen, "--json")

    def search(self, *words: str) -> Command:
        """Return the command that searches and prints its hits."""
        return self._command("search", *words)

    def modules(self, *words: str) -> Command:
        """Return a search that prints last which of the heavy libraries it has imported."""
        searched = self.search(*words)
        inside = (sys.executable, "-c", _MODULES, *searched.words[1:])
        return Command(inside, environment=searched.environment)

    def _command(self, *words: str) -> Command:
        chosen = ("--library", str(self.library))
        return Command((str(SIGHTLINE), *words, *chosen), environment=self._environment())

    def _environment(self) -> Mapping[str, str]:
        # What is set empty counts as not set.
        mine = {name: "" for name in os.environ if name.startswith("SIGHTLINE_")}
        folders = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
        return mine | {name: str(self.home / name.split("_")[1].lower()) for name in folders}
