"""A new filter is one entry and one field: every command, Python and `--json` then have it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from tests.conftest import Draw

LENS = "EF50mm f/1.8"
# What somebody would add to `storage/filters.py`, and nowhere else.
ENTRY = """
_LENS = FilterField(
    check=single_spaced,
    where=lambda lens, _: [schema.items.c.lens == lens],
    metavar="NAME",
    help="Taken with this lens.",
)
"""
FIELD = "    lens: Annotated[str, _LENS] | None = None\n"
PROGRAM = f"""
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader

class Loader(SourceFileLoader):
    def get_code(self, name):
        source = self.get_source(name)
        before, record = source.split("@dataclass(frozen=True, slots=True)\\nclass Filters:")
        fields, rest = record.split("\\n    def __post_init__", 1)
        written = (
            before + {ENTRY!r} + "\\n@dataclass(frozen=True, slots=True)\\nclass Filters:"
            + fields + {FIELD!r} + "\\n    def __post_init__" + rest
        )
        return compile(written, self.path, "exec")

class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        spec = PathFinder.find_spec(name, path, target)
        if name == "storage.filters":
            spec.loader = Loader(name, spec.origin)
        return spec

sys.meta_path.insert(0, Finder())
"""


@pytest.fixture
def album(tmp_path: Path, draw: Draw) -> Path:
    """Three photos, one of them taken with the lens."""
    for number in range(2):
        draw(tmp_path / "album" / f"{number}.jpg", number)
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = LENS
    draw(tmp_path / "album" / "2.jpg", 2, exif=exif)
    return tmp_path / "album"


def test_a_filter_is_there_for_every_face(album: Path, tmp_path: Path) -> None:
    library = str(tmp_path / "library")

    def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", PROGRAM + script, *words, "--library", library]
        return subprocess.run(program, capture_output=True, text=True, check=False)

    command = "from cli.main import main; main()"
    assert run(command, "index", str(album), "--model", "stand-in").returncode == 0
    found = run(command, "search", "kite", "--lens", LENS, "--json")
    [row] = map(json.loads, found.stdout.splitlines())
    assert row["path"] == str(album / "2.jpg")
    nothing = run(command, "search", "kite", "--lens", "none")
    assert nothing.returncode == 1 and "nothing passes --lens none" in nothing.stderr
    for verb in (("ask", "x"), ("describe",), ("tag", "--labels", "scenes"), ("dedup", "find")):
        assert "--lens" in run(command, *verb, "--help").stdout
    idle = run(command, "tag", "--list", "--lens", LENS)
    assert idle.returncode == 2 and "--lens goes with --labels alone" in idle.stderr
    script = (
        "import sightline\n"
        f"with sightline.open({library!r}) as app:\n"
        f"    hits = app.search('kite', filters=sightline.Filters(lens={LENS!r}))\n"
        "    print(*hits[0].item.paths, len(hits))\n"
    )
    assert run(script).stdout.split() == [str(album / "2.jpg"), "1"], run(script).stderr
