"""`sightline index`: folders and files into the library."""

import os
import sys
from pathlib import Path

import click

from cli.indexing import run_index, summarise
from cli.options import json_option, library_option
from cli.render import tell, write_json
from cli.rows import report_row
from cli.session import session
from cli.settings import Settings
from indexer import IndexConfig
from indexer.models import RECOMMENDED, fetch
from indexer.scope import none_there
from storage.errors import InvalidArgument, PathNotFound


@click.command("index")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--text-column",
    "columns",
    multiple=True,
    metavar="NAME",
    help="Read this column of .csv and .jsonl files as text.",
)
@click.option(
    "--model",
    metavar="NAME",
    help="The model of a new library, or one whose vectors are made beside those in use.",
)
@click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Leave out files and folders of such names."
)
@click.option(
    "--files-from",
    metavar="FILE|-",
    help="Read names of files, one a line or ended by NUL; - is stdin.",
)
@library_option
@json_option
def command(
    paths: tuple[str, ...],
    columns: tuple[str, ...],
    model: str | None,
    exclude: tuple[str, ...],
    files_from: str | None,
    library: str | None,
    as_json: bool,
) -> None:
    """Read folders of pictures and texts into the library.

    Without a PATH it goes over everything that was indexed before. Files that did not change
    are not read again, and the run can be stopped at any moment and started again. With the
    NAME of another model its vectors are made beside those in use; `sightline use NAME` then
    changes over to them.
    """
    if paths and files_from:
        raise click.UsageError("a PATH and --files-from exclude each other: choose one")
    settings = Settings.read(library=library, exclude=exclude)
    files = None if files_from is None else _listed(files_from)
    if not settings.library.exists():
        _check_first_run(paths, files or (), model or settings.model or RECOMMENDED)
    config = IndexConfig(
        paths=paths,
        files=files,
        exclude=settings.exclude,
        text_columns=columns,
        workers=settings.workers,
        limits=settings.file_limits(),
    )
    with session(settings, create=bool(paths or files_from)) as opened:
        if not (paths or files_from or opened.roots()):
            raise InvalidArgument("nothing was indexed before: sightline index FOLDER")
        report = run_index(opened, settings, config, model)
    if as_json:
        write_json(report_row(report))
    else:
        summarise(report)


def _check_first_run(paths: tuple[str, ...], files: tuple[str, ...], model: str) -> None:
    """Spare a first command that cannot succeed an empty library."""
    for path in paths:
        if not Path(path).expanduser().exists():
            raise PathNotFound(f"there is no file or folder {path}: check the path")
    if files and not any(Path(file).expanduser().exists() for file in files):
        raise none_there(files)
    if paths or files:
        fetch(model, role="dual-encoder")


def _listed(source: str) -> tuple[str, ...]:
    try:
        written = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise PathNotFound(f"--files-from {source} cannot be read: {error.strerror}") from error
    names = written.split(b"\0") if b"\0" in written else written.splitlines()
    listed = tuple(os.fsdecode(name) for name in names if name)
    if not listed:
        tell(f"--files-from {source} names no files")
    return listed
