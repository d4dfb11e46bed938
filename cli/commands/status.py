"""`sightline status`: the library at a glance."""

from pathlib import Path

import click

from cli.caution import caution
from cli.command import Command
from cli.options import json_option, library_option
from cli.output.json_rows import status_row
from cli.output.render import plural, size, write_facts, write_json, write_notice
from cli.session import session
from cli.settings import Settings
from storage import Root, Status
from storage.records import Build, SpaceCount


@click.command("status", cls=Command)
@library_option
@json_option
def command(library: str | None, as_json: bool) -> None:
    """Show what the library holds."""
    settings = Settings.read(library=library)
    with session(settings) as app:
        status, roots = app.status(), app.library.roots()
        warned = caution(app.library)
    if as_json:
        write_json(status_row(status, roots))
        return
    write_facts([("library", settings.library), *_facts(status), *_places(roots)])
    if status.failures:
        write_notice("sightline failures says which files could not be used and why")
    if warned:
        write_notice(warned)


def _facts(status: Status) -> list[tuple[str, object]]:
    return [
        ("items", f"{status.items:,}"),
        ("files", f"{status.files:,} ({status.missing:,} missing{_excluded(status)})"),
        ("failures", f"{status.failures:,}"),
        *(("model", _space(counted, len(status.spaces))) for counted in status.spaces),
        *(("index", _build(build)) for build in status.builds),
        ("disk", size(status.bytes)),
    ]


def _excluded(status: Status) -> str:
    return f", {status.excluded:,} excluded" if status.excluded else ""


def _space(counted: SpaceCount, spaces: int) -> str:
    space = counted.space
    said = f"{space.name} {space.revision[:12]}, {space.dimension} dimensions, {space.precision}"
    if spaces == 1 and counted.complete:
        return said
    lacking = f", {counted.lacking:,} lacking" if counted.lacking else ""
    used = "" if spaces == 1 else ", in use" if counted.current else ", not in use"
    return f"{said}, {plural(counted.vectors, 'vector')}{lacking}{used}"


def _build(build: Build) -> str:
    vectors = plural(build.count, f"{build.kind} vector")
    return f"{build.index_kind}, {vectors}, recall@10 {build.recall:.3f}"


def _places(roots: list[Root]) -> list[tuple[str, object]]:
    walked = [Path(root.path) for root in roots if root.walked]
    return [("folder", f"{path}{'' if path.exists() else ' (not there)'}") for path in walked]
