"""`sightline index`: folders and files into the library."""

import os
from functools import partial
from typing import Any

import click

from cli.command import Command
from cli.errors import DONE, STOPPED
from cli.indexing import run_index, summarise
from cli.name_list import read_names
from cli.options import json_option, library_option, precision_option
from cli.output.json_rows import report_row
from cli.output.render import write_json, write_notice
from cli.session import session
from cli.settings import Settings
from indexer.models import RECOMMENDED, fetch
from indexer.scan.excludes import Excludes
from indexer.scan.targets import check_listed, none_there, not_there
from storage.errors import InvalidArgument
from storage.index.kinds import AUTOMATIC, KINDS, parse_kind


@click.command("index", cls=Command)
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
    help="The model of a new library, or a further model to add vectors of.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Exclude what this matches, as a line of .gitignore; may be repeated.",
)
@click.option("--files-from", metavar="FILE|-", help="Read file names, one per line; - is stdin.")
@click.option(
    "--files-from0", metavar="FILE|-", help="Like --files-from, with names separated by NUL."
)
@click.option(
    "--reread",
    is_flag=True,
    help="Read and hash every file again, even if it seems unchanged.",
)
@click.option(
    "--index-kind",
    metavar="NAME",
    help=f"How nearest vectors are found: {', '.join(KINDS)}, or auto to choose by their number.",
)
@precision_option(
    "int8 doubles the speed on many CPUs, calibrated on your own images, as vectors of their own; "
    "auto is bf16 or fp32. [default: as the library has it]"
)
@library_option
@json_option
def command(paths: tuple[str, ...], model: str | None, **given: Any) -> int:
    """Read folders of images and texts into the library.

    Without a PATH, everything that was indexed before is brought up to date. Unchanged files are
    not read again, and a run can be stopped at any moment and continued. Files that an exclude
    PATTERN matches are hidden from results, and are back after a run without the pattern. With
    `--model`, vectors of a second model are added; `sightline use NAME` switches searches to them.
    """
    settings = Settings.read(
        library=given["library"], exclude=given["exclude"], precision=given["precision"]
    )
    Excludes(settings.exclude)  # before anything is made or asked
    parse_kind(given["index_kind"] or AUTOMATIC)
    files = _listed(paths, given["files_from"], given["files_from0"])
    if not settings.library.exists():
        _check_first_run(paths, files or (), model or settings.model or RECOMMENDED)
    named = bool(paths) or files is not None
    with session(settings, create=named) as app:
        if not (named or app.library.roots()):
            raise InvalidArgument("nothing was indexed before: sightline index FOLDER")
        run = partial(
            app.index,
            *paths,
            files=files,
            model=model,
            exclude=given["exclude"],
            text_columns=given["columns"],
            reread=given["reread"],
            index_kind=given["index_kind"],
            # A library that has vectors goes on as it is, whatever the settings are.
            precision=given["precision"] if app.library.space() else settings.precision,
        )
        report = run_index(app, run, model, given["precision"])
    if given["as_json"]:
        write_json(report_row(report))
    else:
        summarise(report)
    return STOPPED if report.not_found else DONE


def _check_first_run(paths: tuple[str, ...], files: tuple[str, ...], model: str) -> None:
    """Spare a first command that cannot succeed an empty library."""
    for path in paths:
        if not os.path.exists(os.path.expanduser(path)):
            raise not_there(path)
    check_listed(files)
    if files and not any(os.path.isfile(os.path.expanduser(file)) for file in files):
        raise none_there(files)
    if paths or files:
        fetch(model, role="dual-encoder")


def _listed(
    paths: tuple[str, ...], by_lines: str | None, by_nuls: str | None
) -> tuple[str, ...] | None:
    """Read the list of files that is given, None where none is."""
    sources = {"a PATH": paths or None, "--files-from": by_lines, "--files-from0": by_nuls}
    given = [flag for flag, source in sources.items() if source is not None]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other: choose one")
    source = by_lines if by_nuls is None else by_nuls
    if source is None:
        return None
    listed = read_names(source, given[0], ended_by_nul=by_nuls is not None)
    if not listed:
        write_notice(f"{given[0]} {source} names no files")
    return listed
