"""`sightline doctor`: is the installation sound, and where does everything lie?"""

import platform
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import click

from cli.command import Command
from cli.errors import DONE, STOPPED, spelled
from cli.options import library_option
from cli.output.progress import ExportSteps
from cli.output.render import write_notice, write_table
from cli.settings import Settings, settings_file
from indexer.models import RECOMMENDED, cached, find
from indexer.models.compiled.loader import ModelLoader
from storage import Library
from storage.errors import LibraryNotFound, SightlineError

Verdict = Literal["ok", "note", "broken"]

PARTS = ("storage", "indexer", "search", "cli", "sightline")
NEEDED = {  # the oldest version that is not known to be unsafe or too old
    "pillow": "12.0",
    "pillow-heif": "1.3.0",  # CVE-2026-28231 below
    "torch": "2.8",
    "transformers": "5.3.0",  # CVE-2026-5241 below
    "open-clip-torch": "3.3",
    "faiss-cpu": "1.12",
    "sqlalchemy": "2.0.40",
    "numpy": "2.0",
}
SAFE_SQLITE = (3, 51, 3)
LITTLE_DISK = 2_000_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    finding: str
    verdict: Verdict = "ok"


def all_checks(settings: Settings) -> Iterator[Check]:
    """Look at everything, the program first and the library last."""
    yield Check("sightline", f"{version('sightline')}, Python {platform.python_version()}")
    yield one_place()
    for package, oldest in NEEDED.items():
        yield package_check(package, oldest)
    yield sqlite_check(sqlite3.sqlite_version_info)
    yield device_check(settings)
    yield from _model_checks()
    yield from runtime_checks(settings)
    file = settings_file()
    yield Check("settings", f"{file}{'' if file.exists() else ' (none yet)'}")
    yield library_check(settings.library)
    yield disk_check(settings.library)


def one_place() -> Check:
    """Make sure that no other package of the same name stands before one of ours."""
    specs = {part: find_spec(part) for part in PARTS}
    lost = [part for part, spec in specs.items() if spec is None or not spec.origin]
    if lost:
        return Check("packages", f"{', '.join(lost)} cannot be imported: install again", "broken")
    homes = {part: _home(spec.origin, part) for part, spec in specs.items() if spec and spec.origin}
    if len(set(homes.values())) > 1:
        found = ", ".join(f"{part} from {home}" for part, home in homes.items())
        return Check("packages", f"{found}: something else shadows them", "broken")
    return Check("packages", f"{', '.join(PARTS)} from {homes['cli']}")


def package_check(package: str, oldest: str) -> Check:
    """Compare an installed package with the oldest version that will do."""
    try:
        found = version(package)
    except PackageNotFoundError:
        return Check(package, "not installed: install sightline again", "broken")
    if _numbers(found) < _numbers(oldest):
        return Check(package, f"{found}, needs {oldest} or newer: update it", "broken")
    return Check(package, found)


def sqlite_check(found: tuple[int, ...]) -> Check:
    """Warn of the WAL-reset fault that SQLite had below 3.51.3."""
    written = ".".join(map(str, found))
    if found < SAFE_SQLITE:
        return Check(
            "sqlite",
            f"{written}: below 3.51.3 a rare fault can damage a library that several processes "
            "write; sightline lets only one write, other programs should not open it",
            "note",
        )
    return Check("sqlite", written)


def device_check(settings: Settings) -> Check:
    """Guess from the machine what a model would run on, without loading torch."""
    if settings.device != "auto":
        return Check("device", f"{settings.device} (set)")
    if Path("/proc/driver/nvidia/version").exists() and "+cpu" not in _version("torch"):
        return Check("device", "auto: cuda")
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return Check("device", "auto: mps" if apple else "auto: cpu")


def library_check(path: Path) -> Check:
    """Open the library, where there is one."""
    try:
        with Library.open(path) as library:
            said = f"{path}, {library.status().items:,} items"
            if library.catalogue.read_only:
                return Check("library", f"{said}, only to be read by this user", "note")
            return Check("library", said)
    except LibraryNotFound:
        return Check("library", f"{path} (none yet: sightline index FOLDER)")
    except SightlineError as error:
        return Check("library", spelled(error), "broken")


def disk_check(path: Path) -> Check:
    """Check how much room is left where the library lies or will lie."""
    place = next((folder for folder in (path, *path.parents) if folder.exists()), Path.home())
    free = shutil.disk_usage(place).free
    few = " : little for a library" if free < LITTLE_DISK else ""
    return Check("disk", f"{free / 1e9:,.1f} GB free{few}", "note" if few else "ok")


def _model_checks() -> Iterator[Check]:
    from huggingface_hub.constants import HF_HUB_CACHE

    from indexer.models.files import hub
    from indexer.models.files.checkpoint import WEIGHTS

    yield Check("models", f"downloads are kept in {HF_HUB_CACHE}")
    entry = find(RECOMMENDED)
    here = hub.cached(entry.repository, WEIGHTS, entry.revision) is not None
    state = "on this machine" if here else "not on this machine yet, the first use downloads it"
    yield Check("recommended", f"{RECOMMENDED}: {state}", "ok" if here else "note")


def runtime_checks(settings: Settings) -> Iterator[Check]:
    """Report how the library's model, or the recommended one, runs on this machine and why."""
    from indexer.models.compiled.export_cache import ExportCache

    cache = ExportCache(settings.cache)
    held = f"{cache.folder}, {cache.bytes() / 1e6:,.0f} MB"
    writable = cache.unwritable()
    yield Check(
        "prepared",
        held if writable is None else f"{held}; {writable}",
        "ok" if writable is None else "note",
    )
    name, revision = model_in_use(settings)
    if cached(name) is None:
        return
    try:
        choice = ModelLoader(settings.device, settings.cache).choose(name, revision)
    except SightlineError as error:
        yield Check("run-time", f"{name}: {spelled(error)}", "broken")
        return
    fast = choice.runtime.startswith(("openvino", "torch"))
    yield Check("run-time", f"{name}: {choice}", "ok" if fast else "note")


def time_checks(settings: Settings) -> Iterator[Check]:
    """Measure the model of the library for a few seconds; it is prepared first, if need be."""
    from cli.model_speed import measured

    name, revision = model_in_use(settings)
    loader = ModelLoader(settings.device, settings.cache, notify=write_notice, watch=ExportSteps())
    try:
        for line in measured(loader, name, revision):
            yield Check("speed", f"{name}: {line}")
    except SightlineError as error:
        yield Check("speed", f"{name}: {spelled(error)}", "broken")


def model_in_use(settings: Settings) -> tuple[str, str]:
    """Return the model that searches of the library go by, else the one it would begin with.

    The revision comes with it where images are encoded in int8.
    """
    try:
        with Library.open(settings.library) as library:
            space = library.space()
    except SightlineError:
        space = None
    if space is None:
        return settings.model or RECOMMENDED, ""
    return space.name, space.revision if space.quantized else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _home(origin: str, part: str) -> Path:
    path = Path(origin)
    return path.parent if path.name == f"{part}.py" else path.parent.parent


def _numbers(written: str) -> tuple[int, ...]:
    numbers = [int(number) for number in re.findall(r"\d+", written.partition("+")[0])[:3]]
    return tuple(numbers + [0] * (3 - len(numbers)))


@click.command("doctor", cls=Command)
@click.option(
    "--time", "timed", is_flag=True, help="Also measure the model in use, for a few seconds."
)
@library_option
def command(library: str | None, timed: bool) -> int:
    """Check the installation and show where everything is.

    The line `run-time` tells how the library's model runs here, and why.
    """
    settings = Settings.read(library=library)
    checks = list(all_checks(settings))
    if timed:
        checks += time_checks(settings)
    write_table([(check.verdict, check.name, check.finding) for check in checks])
    broken = [check.name for check in checks if check.verdict == "broken"]
    if broken:
        write_notice(f"broken: {', '.join(broken)}")
        return STOPPED
    return DONE
